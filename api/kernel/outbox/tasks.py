"""`@task`: functions that the worker runs after an event or when deferred. A task is a row in outbox_tasks, written in
the caller's transaction; arq only carries its id. The row is leased, run and deleted. Failures are retried with
increasing delays, and become a dead letter after too many."""

import asyncio
import contextlib
import logging
import time
import types
import typing
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar, overload
from uuid import UUID, uuid5

import msgspec
from opentelemetry.trace import SpanKind

from api.kernel.client import HttpError
from api.kernel.context import Context
from api.kernel.data.database import Autocommit, Database, Transaction, demand_transaction, uuid7
from api.kernel.data.sql import query
from api.kernel.errors import Problem
from api.kernel.live.feeds import SUPERUSERS
from api.kernel.mail import MailRefused
from api.kernel.process.failpoints import passing
from api.kernel.telemetry import parent_from, span, task_seconds, trace_of, traceparent
from api.kernel.telemetry.outages import words_of

logger = logging.getLogger(__name__)
E = TypeVar("E", bound=msgspec.Struct)

QUEUE = "arq:queue"
HEARTBEAT_KEY = f"{QUEUE}:health-check"
"""Kept in Redis by a running worker; it expires a few seconds after the worker stops."""
MAX_ATTEMPTS = 20
"""With back_off, about nine hours, so that a mail server's outage overnight causes no dead letters."""
RUN_SECONDS = 20.0
"""Time limit of a run. A task that exceeds it fails with TimeoutError, and is retried and given up like after any other
failure."""
LEASE_SECONDS = 30.0
"""From the start of an attempt. Longer than RUN_SECONDS, so that a running task is never leased by a second worker."""
DEFERRED_AT_ONCE = 1000
"""Maximum rows of one statement of `defer_many`."""
TRANSACTIONS_AT_ONCE = 4
"""Maximum concurrent transactional tasks per process; each holds one of the worker's connections."""
_NAMESPACE = UUID("6f1b6a52-3c0e-4f7e-9a31-6d0f2c9b7e10")
"""Namespace of the ids that `defer(id=…)` derives (RFC 9562 §5.5)."""
_places = asyncio.Semaphore(TRANSACTIONS_AT_ONCE)


class WorkerLost(Exception):
    """No attempt ended with a result: the task terminates its worker."""


class LeaseLost(Exception):
    """The task was leased or deferred again during a transactional attempt, which is rolled back."""


class TaskRow(msgspec.Struct, frozen=True):
    id: UUID
    data: str
    traceparent: str
    attempts: int


class Running(msgspec.Struct, frozen=True):
    """An attempt that runs: the task's name, its id, its value as JSON, and the number of the attempt."""

    name: str
    id: UUID
    value: str
    attempt: int


# Ambient like `origin`: the record of a mail names the task that sends it, without each task passing it on.
running: ContextVar[Running | None] = ContextVar("running", default=None)


@query
async def insert_tasks(
    db: Autocommit, task: str, ids: list[UUID], data: list[str], traceparent: str, at: datetime | None
) -> None: ...
@query
async def renew_lease(db: Autocommit, id: UUID, lease: int, seconds: float) -> TaskRow | None: ...
@query
async def delete_task(db: Autocommit, id: UUID, lease: int) -> UUID | None: ...
@query
async def mark_task_failed(db: Autocommit, id: UUID, lease: int, error: str, wait: float | None) -> None: ...
@query
async def repeat_task(db: Autocommit, id: UUID, lease: int) -> None: ...
@query
async def release_tasks(db: Autocommit, ids: list[UUID], leases: list[int]) -> None: ...


class Task(Generic[E]):
    """A function `(context, event, id)` that runs after each event of a type or union, or when deferred with a Struct
    of that type. It runs at least once, with the same `id` each time. A transactional task, `(context, event, id, db)`,
    writes with `db`; its effect and the deletion of its row are one transaction, so that its effect in the database
    happens exactly once. An `urgent` task runs before others."""

    def __init__(
        self, on: Any, function: Callable[..., Awaitable[None]], urgent: bool = False, transactional: bool = False
    ) -> None:
        self.urgent = urgent
        self.transactional = transactional
        self.name = f"{function.__module__.split('.')[1]}.{function.__name__}"
        self.event_types = [kind.__struct_config__.tag for kind in typing.get_args(on) or (on,)]
        self._function = function
        self._decoder = msgspec.json.Decoder(on)

    async def defer(
        self, db: Transaction, value: E, *, id: UUID | str | None = None, at: datetime | None = None
    ) -> None:
        """Run the task after the caller's transaction has committed, without an event; not before `at`, if given, and
        at most a second or two later while a worker is free. Raises TypeError if `db` is not a Transaction, ValueError
        if `at` has no time zone.

        With an `id` there is at most one row for this task and id. A further call replaces the value and the time of a
        pending row, makes a running one run again afterwards, and restarts a dead letter. The wait after a failure is
        not shortened. After the run nothing is stored, and a further call runs it again."""
        demand_transaction(db, f"{self.name}.defer")
        await self.defer_alone(db, value, id=id, at=at)

    async def defer_many(
        self,
        db: Transaction,
        values: Collection[E] | Mapping[UUID, E] | Mapping[str, E],
        *,
        at: datetime | None = None,
    ) -> None:
        """Run the task once for each of the values, as `defer` does. The keys of a mapping are the ids. One statement
        writes DEFERRED_AT_ONCE rows. Raises as `defer` does."""
        demand_transaction(db, f"{self.name}.defer_many")
        rows: list[tuple[UUID, E]]
        if isinstance(values, Mapping):
            rows = [(self._row_id(id), value) for id, value in values.items()]
        else:
            rows = [(uuid7(), value) for value in values]
        for first in range(0, len(rows), DEFERRED_AT_ONCE):
            await self._insert(db, rows[first : first + DEFERRED_AT_ONCE], at)

    async def defer_alone(
        self, db: Database, value: E, *, id: UUID | str | None = None, at: datetime | None = None
    ) -> None:
        """Run the task, committed immediately; for handlers that write nothing else."""
        await self._insert(db, [(uuid7() if id is None else self._row_id(id), value)], at)

    async def _insert(self, db: Database, rows: Sequence[tuple[UUID, E]], at: datetime | None) -> None:
        if at is not None and at.tzinfo is None:
            raise ValueError(f"{self.name}: `at` needs a time zone, such as datetime(2027, 1, 31, 9, tzinfo=UTC).")
        data = [msgspec.json.encode(value).decode() for _, value in rows]
        await insert_tasks(db, self.name, [id for id, _ in rows], data, traceparent(), at)

    def _row_id(self, id: UUID | str) -> UUID:
        return uuid5(_NAMESPACE, f"{self.name}\n{id}")

    async def run(self, context: Context, id: UUID, lease: int) -> None:
        """Make one attempt under this lease; does nothing if the row is done or was leased again."""
        try:
            async with _places if self.transactional else contextlib.nullcontext():
                await self._run(context, id, lease)
        except asyncio.CancelledError:  # the worker stops: release the task, so that another worker can run it
            with contextlib.suppress(Problem):  # otherwise the lease expires
                await asyncio.shield(release_tasks(context.db, [id], [lease]))
            raise

    async def _run(self, context: Context, id: UUID, lease: int) -> None:
        row = await renew_lease(context.db, id, lease, LEASE_SECONDS)
        if row is None:
            return
        began, outcome = time.perf_counter(), "done"
        try:
            if row.attempts > MAX_ATTEMPTS:
                raise WorkerLost
            with span(self.name, SpanKind.CONSUMER, parent_from(row.traceparent), {"task.attempt": row.attempts}):
                passing("task.leased")
                await self._attempt(context, row, lease)
        except asyncio.CancelledError:
            outcome = "released"
            raise
        except LeaseLost:
            outcome = "superseded"
            with contextlib.suppress(Problem):
                await repeat_task(context.db, id, lease)
        except Exception as error:  # noqa: BLE001  # all failures are stored in the row and retried
            outcome = "failed"
            await self._settle_failure(context, row, lease, error)
        finally:
            context.hints.give("outbox.tasks", SUPERUSERS)
            seconds = time.perf_counter() - began
            task_seconds.record(seconds, {"task.name": self.name, "task.outcome": outcome})
            if logger.isEnabledFor(logging.DEBUG):
                fields = {"task": self.name, "id": id, "outcome": outcome, "ms": round(seconds * 1000, 1)}
                logger.debug("task ended", extra={"fields": fields | {"trace_id": trace_of(row.traceparent)}})

    async def _attempt(self, context: Context, row: TaskRow, lease: int) -> None:
        value = self._decoder.decode(row.data)
        running.set(Running(self.name, row.id, row.data, row.attempts))  # ends with the job, which has its own context
        if self.transactional:
            async with context.db.transaction() as db:
                async with asyncio.timeout(RUN_SECONDS):
                    await self._function(context, value, row.id, db)
                passing("task.done")
                if await delete_task(db, row.id, lease) is None:
                    raise LeaseLost
        else:
            async with asyncio.timeout(RUN_SECONDS):
                await self._function(context, value, row.id)
            passing("task.done")
            if await delete_task(context.db, row.id, lease) is None:
                await repeat_task(context.db, row.id, lease)

    async def _settle_failure(self, context: Context, row: TaskRow, lease: int, error: Exception) -> None:
        hopeless = isinstance(error, MailRefused | msgspec.DecodeError)
        final = hopeless or row.attempts >= MAX_ATTEMPTS
        # Only the type of other errors, because their messages may quote the task's data.
        cause = words_of(error) if isinstance(error, MailRefused | OSError) else type(error).__name__
        fields = {"task": self.name, "id": row.id, "attempt": row.attempts, "cause": cause, "dead": final}
        fields["trace_id"] = trace_of(row.traceparent)
        # A dead letter needs an operator, and errors in the log raise an alert.
        level = logging.ERROR if final else logging.WARNING
        logger.log(level, "task failed", exc_info=error, extra={"fields": fields})
        # If the database has failed, the lease expires and the task is leased again.
        with contextlib.suppress(Problem):
            await mark_task_failed(context.db, row.id, lease, cause, None if final else _wait(row.attempts, error))
            if final:
                context.hints.give("outbox.dead_letters", SUPERUSERS)


Runs = Callable[[Context, E, UUID], Awaitable[None]]
RunsInTransaction = Callable[[Context, E, UUID, Transaction], Awaitable[None]]


@overload
def task(on: type[E], *, urgent: bool = False) -> Callable[[Runs[E]], Task[E]]: ...
@overload
def task(on: types.UnionType, *, urgent: bool = False) -> Callable[[Runs[Any]], Task[Any]]: ...
@overload
def task(
    on: type[E], *, urgent: bool = False, transactional: Literal[True]
) -> Callable[[RunsInTransaction[E]], Task[E]]: ...
@overload
def task(
    on: types.UnionType, *, urgent: bool = False, transactional: Literal[True]
) -> Callable[[RunsInTransaction[Any]], Task[Any]]: ...
def task(
    on: Any, *, urgent: bool = False, transactional: bool = False
) -> Callable[[Callable[..., Awaitable[None]]], Task[Any]]:
    """Run the function after each event of a type, or of the types in `A | B`. List it in the Feature's `tasks`. An
    `urgent` task does not queue behind others; use it when a person waits. `transactional` passes a transaction as the
    fourth argument, for effects in the database only: PostgreSQL ends a transaction that idles for 10 s, so do not call
    other services in it."""
    return lambda function: Task(on, function, urgent, transactional)


async def defer_again(db: Transaction, name: str, id: UUID, value: str) -> None:
    """Run a task by its name, with the value of an earlier run as JSON, after the caller's transaction has committed.
    Raises TypeError if `db` is not a Transaction."""
    demand_transaction(db, f"{name}.defer")
    await insert_tasks(db, name, [id], [value], traceparent(), None)


def back_off(attempt: int) -> float:
    """Seconds before the next attempt: 2, 4, 8 … up to an hour."""
    return min(2.0**attempt, 3600.0)


def _wait(attempt: int, error: Exception) -> float:
    asked = error.retry_after if isinstance(error, HttpError) else None
    return max(back_off(attempt), asked or 0.0)


def subscribers(tasks: list[Task[Any]]) -> dict[str, tuple[str, ...]]:
    """The names of tasks by the event type that they subscribe to."""
    wanted: dict[str, tuple[str, ...]] = {}
    for each in tasks:
        for tag in filter(None, each.event_types):
            wanted[tag] = (*wanted.get(tag, ()), each.name)
    return wanted
