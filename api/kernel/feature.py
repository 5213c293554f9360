"""Feature: what a feature hands over. The application is the tuple of them in api/features.py, and nothing registers
itself."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from api.kernel.config.variables import FeatureSettings
from api.kernel.context import Context
from api.kernel.http.routing import Authenticate, Renewal, Route, Whose
from api.kernel.identity.auth import TOKEN_INVALID, Claims, Principal
from api.kernel.outbox.consumers import Consumer
from api.kernel.outbox.schedules import Schedule
from api.kernel.outbox.tasks import Task


class Sweep(msgspec.Struct, frozen=True):
    """Work that no event asks for, such as removing what has expired: one batch, and how many that was. The worker runs
    it again at once while there are some, and then every so many seconds; two workers may run it at the same time."""

    run: Callable[[Context], Awaitable[int]]
    seconds: float = 60.0


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A noun of the product. Its docstring, the feature's package's, is what the API page says about it."""

    name: str
    settings: type[FeatureSettings] | None = None
    """Read from the environment at start; `context.settings.of(…)` has them."""
    routes: Sequence[Route] = ()
    tasks: Sequence[Task[Any]] = ()
    sweeps: Sequence[Sweep] = ()
    schedules: Sequence[Schedule] = ()
    consumers: Sequence[Consumer] = ()
    authenticate: Authenticate | None = None
    """Turns an access token's claims into the Principal they stand for now; one feature has it."""
    recognise: Whose | None = None
    """Says which sign-in a browser's cookies are of, without a query; one feature has it."""
    renew: Renewal | None = None
    """Replaces the caller's tokens where a handler asks for it; the same feature has it."""


def tasks_of(features: Sequence[Feature]) -> list[Task[Any]]:
    return [task for feature in features for task in feature.tasks]


def settings_of(features: Sequence[Feature]) -> dict[str, type[FeatureSettings]]:
    """The types of the features' settings, for `load(kinds=…)`."""
    return {feature.name: feature.settings for feature in features if feature.settings}


def schedules_of(features: Sequence[Feature]) -> list[Schedule]:
    """Raises TypeError where a scheduled task is in no feature's `tasks`, or has two schedules."""
    found = [schedule for feature in features for schedule in feature.schedules]
    names = [schedule.task.name for schedule in found]
    if missing := set(names) - {task.name for task in tasks_of(features)}:
        raise TypeError(f"{', '.join(sorted(missing))}: list the scheduled task in its Feature's `tasks`, too.")
    if twice := {name for name in names if names.count(name) > 1}:
        raise TypeError(f"{', '.join(sorted(twice))}: a task has one schedule; its fields may be lists, such as 9,17.")
    return found


def consumers_of(features: Sequence[Feature]) -> list[Consumer]:
    return [consumer for feature in features for consumer in feature.consumers]


def renewal_of(features: Sequence[Feature]) -> Renewal | None:
    return next((feature.renew for feature in features if feature.renew), None)


def authenticate_of(features: Sequence[Feature]) -> Authenticate:
    """The feature's that has one. Raises TypeError where several do."""
    found = [feature.authenticate for feature in features if feature.authenticate]
    if len(found) > 1:
        raise TypeError("Several features say who a principal is; one must.")
    return found[0] if found else _nobody


def recognise_of(features: Sequence[Feature]) -> Whose:
    """The feature's that has one."""
    return next((feature.recognise for feature in features if feature.recognise), lambda context, cookies, body: None)


async def _nobody(context: Context, claims: Claims) -> Principal:
    raise TOKEN_INVALID
