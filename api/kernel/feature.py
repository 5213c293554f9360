"""Feature: everything that a feature adds to the application. The application is the tuple of features in
api/features.py; nothing registers itself."""

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
    """Repeated work, such as removing expired rows. `run` does one batch and returns its size. The worker repeats it at
    once while that is not 0, and then every `seconds`; several workers may run it at the same time."""

    run: Callable[[Context], Awaitable[int]]
    seconds: float = 60.0


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A noun of the product. The docstring of its package is its description on the API page."""

    name: str
    settings: type[FeatureSettings] | None = None
    """Read from the environment at start; `context.settings.of(…)` has them."""
    routes: Sequence[Route] = ()
    tasks: Sequence[Task[Any]] = ()
    sweeps: Sequence[Sweep] = ()
    schedules: Sequence[Schedule] = ()
    consumers: Sequence[Consumer] = ()
    authenticate: Authenticate | None = None
    """Returns the current Principal for an access token's claims; one feature has it."""
    recognise: Whose | None = None
    """Returns the sign-in that a browser's cookies belong to, without a query; one feature has it."""
    renew: Renewal | None = None
    """Replaces the caller's tokens when a handler returns Renew; the same feature has it."""


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
    """The one feature's `authenticate`. Raises TypeError if several features have one."""
    found = [feature.authenticate for feature in features if feature.authenticate]
    if len(found) > 1:
        raise TypeError("Several features have `authenticate`; one may have it.")
    return found[0] if found else _nobody


def recognise_of(features: Sequence[Feature]) -> Whose:
    """The one feature's `recognise`."""
    return next((feature.recognise for feature in features if feature.recognise), lambda context, cookies, body: None)


async def _nobody(context: Context, claims: Claims) -> Principal:
    raise TOKEN_INVALID
