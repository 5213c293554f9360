"""A task with a behaviour chosen by the test, and access to its row."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from api.kernel.context import Context
from api.kernel.data.database import Database, uuid7
from api.kernel.outbox.events import Event, Label, Thing, record
from api.kernel.outbox.tasks import LEASE_SECONDS, Task, task
from tests.transactions import in_transaction
from worker.queries import lease_tasks

CANARY = "canary-in-a-task"


class ThingMade(Event, frozen=True, tag="things.made"):
    thing_id: Thing
    name: Annotated[str, Label]


class Work:
    """A task with a behaviour chosen by the test."""

    def __init__(self) -> None:
        self.seen: list[tuple[ThingMade, UUID]] = []
        self.failure: BaseException | None = None
        self.entered = asyncio.Event()
        self.wait_for: asyncio.Event | None = None

        async def count(context: Context, event: ThingMade, id: UUID) -> None:
            self.seen.append((event, id))
            self.entered.set()
            if self.wait_for:
                await self.wait_for.wait()
            if self.failure:
                raise self.failure

        count.__module__ = "api.things.tasks"
        self.task: Task[ThingMade] = task(ThingMade)(count)


async def leased(context: Context, **changed: Any) -> UUID:
    """Return a task's row, leased under number 1."""
    await in_transaction(context.db, record, ThingMade(thing_id=uuid7(), name=CANARY))
    [row] = await lease_tasks(context.db, ["things.count"], 1, LEASE_SECONDS)
    return row.id


async def row_of(db: Database, id: UUID) -> dict[str, Any] | None:
    rows = await db.fetch(
        "select attempts, last_error, locked_until is not null as locked, dead_at is not null as dead,"
        " extract(epoch from available_at - now())::float8 as wait from outbox_tasks where id = $1",
        id,
    )
    return dict(rows[0]) if rows else None
