"""Feature: everything that a feature adds to the application. The application is the tuple of features in
api/features.py; there is no registration."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import msgspec

from api.kernel.config.variables import FeatureSettings
from api.kernel.context import Context
from api.kernel.data.personal import PersonalTable
from api.kernel.errors import Problem
from api.kernel.http.routing import Authenticate, Identify, Quotas, Renewal, Route
from api.kernel.identity.auth import TOKEN_INVALID, Claims, Principal
from api.kernel.outbox.consumers import Consumer
from api.kernel.outbox.mailing import RecordedMailer, RecordMail
from api.kernel.outbox.schedules import Schedule
from api.kernel.outbox.tasks import Task
from api.kernel.process.waiting import wait_until_set

logger = logging.getLogger(__name__)

CLOSING_SECONDS = 1.0
"""For each of `closing`: a process has some seconds to end."""


class Sweep(msgspec.Struct, frozen=True):
    """Periodic work, such as deleting expired rows. `run` processes one batch and returns its size. The worker repeats
    it immediately while that is not 0, then every `seconds`; several workers may run it concurrently."""

    run: Callable[[Context], Awaitable[int]]
    seconds: float = 60.0


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A module of the application. The docstring of its package is its description in the OpenAPI document."""

    name: str
    settings: type[FeatureSettings] | None = None
    """Read from the environment at start; `context.settings.of(…)` returns it."""
    routes: Sequence[Route] = ()
    tasks: Sequence[Task[Any]] = ()
    sweeps: Sequence[Sweep] = ()
    everywhere: Sequence[Sweep] = ()
    """Work that every process repeats, web processes and consumers too: one cheap statement each, such as reading a
    setting that operators change. A failure is not logged if it is a Problem."""
    closing: Sequence[Callable[[Context], Awaitable[None]]] = ()
    """Called when a process ends, after its last request. Each is a cheap statement, such as giving something back."""
    schedules: Sequence[Schedule] = ()
    consumers: Sequence[Consumer] = ()
    personal: Sequence[PersonalTable] = ()
    """What the feature stores about accounts, for their export and erasure."""
    authenticate: Authenticate | None = None
    """Returns the current Principal for an access token's claims. At most one feature has it."""
    recognise: Identify | None = None
    """Returns the sign-in of a browser's cookies, without a query. At most one feature has it."""
    renew: Renewal | None = None
    """Replaces the caller's tokens for handlers that take `renew`. The same feature has it."""
    quotas: Quotas | None = None
    """Returns the rate of an account for a route, instead of RATE_LIMIT_SIGNED_IN. At most one feature has it."""
    mails: Sequence[Task[Any]] = ()
    """Those of `tasks` that only send a mail, after they have checked that its reason still applies: an operator may
    run them again."""
    record_mail: RecordMail | None = None
    """Keeps each attempt of the workers to send a mail. At most one feature has it."""


def tasks_of(features: Sequence[Feature]) -> list[Task[Any]]:
    return [task for feature in features for task in feature.tasks]


def personal_of(features: Sequence[Feature]) -> tuple[PersonalTable, ...]:
    """Return the tables with personal data, in the features' order. Raises TypeError if two are exported to one
    file."""
    found = tuple(table for feature in features for table in feature.personal)
    files = [table.exported_as for table in found if table.exported]
    if twice := {file for file in files if files.count(file) > 1}:
        raise TypeError(f"{', '.join(sorted(twice))}: two tables are exported to this file; set `file`.")
    return found


def settings_of(features: Sequence[Feature]) -> dict[str, type[FeatureSettings]]:
    """The settings types of the features, for `load(kinds=…)`."""
    return {feature.name: feature.settings for feature in features if feature.settings}


def schedules_of(features: Sequence[Feature]) -> list[Schedule]:
    """Raises TypeError if a scheduled task is in no feature's `tasks`, or has two schedules."""
    found = [schedule for feature in features for schedule in feature.schedules]
    names = [schedule.task.name for schedule in found]
    if missing := set(names) - {task.name for task in tasks_of(features)}:
        raise TypeError(f"{', '.join(sorted(missing))}: add the scheduled task to its Feature's `tasks`.")
    if twice := {name for name in names if names.count(name) > 1}:
        raise TypeError(
            f"{', '.join(sorted(twice))}: a task can have only one schedule; use a list in its fields, such as 9,17."
        )
    return found


def consumers_of(features: Sequence[Feature]) -> list[Consumer]:
    return [consumer for feature in features for consumer in feature.consumers]


def quotas_of(features: Sequence[Feature]) -> Quotas | None:
    """Return the `quotas` of the feature that has it. Raises TypeError if several have."""
    found = [feature.quotas for feature in features if feature.quotas]
    if len(found) > 1:
        raise TypeError("Several features have `quotas`; remove all but one.")
    return next(iter(found), None)


def recording(context: Context, features: Sequence[Feature]) -> Context:
    """Return the context with a mailer that records what it sends, if a feature keeps it. Raises TypeError if several
    do."""
    found = [feature.record_mail for feature in features if feature.record_mail]
    if len(found) > 1:
        raise TypeError("Several features have `record_mail`; remove all but one.")
    if not found:
        return context
    repeatable = frozenset(task.name for feature in features for task in feature.mails)
    return msgspec.structs.replace(context, mail=RecordedMailer(context, found[0], repeatable))


@contextlib.asynccontextmanager
async def everywhere(context: Context, features: Sequence[Feature]) -> AsyncIterator[None]:
    """Repeat the features' `everywhere` while the block runs, and call their `closing` at its end."""
    works = [asyncio.create_task(_repeat(context, work)) for feature in features for work in feature.everywhere]
    try:
        yield
    finally:
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        for close in (each for feature in features for each in feature.closing):
            with contextlib.suppress(Problem, TimeoutError):
                async with asyncio.timeout(CLOSING_SECONDS):
                    await close(context)


async def _repeat(context: Context, work: Sweep) -> None:
    while not context.draining.is_set():
        try:
            await work.run(context)
        except Problem:  # PostgreSQL does not answer
            pass
        except Exception as error:  # a failing one does not stop the others
            logger.warning("repeated work failed", exc_info=error, extra={"fields": {"work": work.run.__name__}})
        await wait_until_set(context.draining, work.seconds)


def renewal_of(features: Sequence[Feature]) -> Renewal | None:
    return next((feature.renew for feature in features if feature.renew), None)


def authenticate_of(features: Sequence[Feature]) -> Authenticate:
    """Return the `authenticate` of the feature that has it. Raises TypeError if several have."""
    found = [feature.authenticate for feature in features if feature.authenticate]
    if len(found) > 1:
        raise TypeError("Several features have `authenticate`; remove all but one.")
    return found[0] if found else _reject


def recognise_of(features: Sequence[Feature]) -> Identify:
    """Return the `recognise` of the feature that has it."""
    return next((feature.recognise for feature in features if feature.recognise), lambda context, cookies, body: None)


async def _reject(context: Context, claims: Claims) -> Principal:
    raise TOKEN_INVALID
