"""C-314: the effect of a transactional task in the database and the removal of its row are one transaction."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest

from api.kernel.context import Context, open_context
from api.kernel.data.database import Transaction
from api.kernel.outbox.tasks import LEASE_SECONDS, TRANSACTIONS_AT_ONCE, Task, task
from api.kernel.settings import Settings
from tests.kernel.work import row_of
from worker.queries import lease_tasks

FOLLOWERS = 200


class Published(msgspec.Struct, frozen=True):
    article: int


@task(on=Published)
async def notify(context: Context, published: Published, id: UUID) -> None: ...


class FanOut:
    """Count in a table, and defer a task for each follower."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.held: asyncio.Event | None = None
        self.entered: asyncio.Queue[int] = asyncio.Queue()

        async def fan_out(context: Context, published: Published, id: UUID, db: Transaction) -> None:
            await db.fetch("insert into effects (article) values ($1)", published.article)
            for follower in range(FOLLOWERS):
                await notify.defer(db, Published(follower))
            self.entered.put_nowait(published.article)
            if self.held:
                await self.held.wait()
            if self.failure:
                raise self.failure

        fan_out.__module__ = "api.things.tasks"
        self.task: Task[Published] = task(on=Published, transactional=True)(fan_out)


@pytest.fixture
def fan_out() -> FanOut:
    return FanOut()


@pytest.fixture
async def opened(cloned: Settings) -> AsyncIterator[Context]:
    async with open_context(cloned, {}) as made:
        await made.db.fetch("create table effects (article int)")
        yield made


async def left(context: Context) -> tuple[int, int, int]:
    """Return effects, tasks for followers, and fan-outs."""
    [row] = await context.db.fetch(
        "select (select count(*) from effects), count(*) filter (where task = $1), count(*) filter (where task <> $1)"
        " from outbox_tasks",
        notify.name,
    )
    return row[0], row[1], row[2]


async def lease(context: Context, fan_out: FanOut) -> tuple[UUID, int]:
    [row] = await lease_tasks(context.db, [fan_out.task.name], 1, LEASE_SECONDS)
    return row.id, row.lease


async def test_effect_and_removal_are_one_transaction(opened: Context, fan_out: FanOut) -> None:
    await fan_out.task.defer_alone(opened.db, Published(1))
    await fan_out.task.run(opened, *await lease(opened, fan_out))
    assert await left(opened) == (1, FOLLOWERS, 0)


async def test_a_failure_leaves_no_effect_and_is_retried(opened: Context, fan_out: FanOut) -> None:
    fan_out.failure = ValueError()
    await fan_out.task.defer_alone(opened.db, Published(1))
    id, given = await lease(opened, fan_out)
    await fan_out.task.run(opened, id, given)
    assert await left(opened) == (0, 0, 1)
    row = await row_of(opened.db, id)
    assert row is not None
    assert (row["attempts"], row["last_error"], row["locked"]) == (1, "ValueError", False)
    fan_out.failure = None
    await opened.db.fetch("update outbox_tasks set available_at = now()")
    await fan_out.task.run(opened, *await lease(opened, fan_out))
    assert await left(opened) == (1, FOLLOWERS, 0)


async def test_an_attempt_without_the_lease_has_no_effect(opened: Context, fan_out: FanOut) -> None:
    """Two concurrent attempts, after the first one's worker was suspended: one of them has the effect."""
    fan_out.held = asyncio.Event()
    await fan_out.task.defer_alone(opened.db, Published(1))
    late = asyncio.create_task(fan_out.task.run(opened, *await lease(opened, fan_out)))
    await fan_out.entered.get()
    await opened.db.fetch("update outbox_tasks set locked_until = now() - interval '1 s'")
    second = await lease(opened, fan_out)
    fan_out.held.set()
    await late
    assert await left(opened) == (0, 0, 1)
    await fan_out.task.run(opened, *second)
    assert await left(opened) == (1, FOLLOWERS, 0)


async def test_a_task_deferred_during_its_attempt_has_the_effect_of_the_latest_value(
    opened: Context, fan_out: FanOut
) -> None:
    fan_out.held = asyncio.Event()
    await fan_out.task.defer_alone(opened.db, Published(1), id="a")
    running = asyncio.create_task(fan_out.task.run(opened, *await lease(opened, fan_out)))
    await fan_out.entered.get()
    await fan_out.task.defer_alone(opened.db, Published(2), id="a")
    fan_out.held.set()
    await running
    assert await left(opened) == (0, 0, 1)
    await fan_out.task.run(opened, *await lease(opened, fan_out))
    assert await left(opened) == (1, FOLLOWERS, 0)
    [row] = await opened.db.fetch("select article from effects")
    assert row[0] == 2


async def test_a_stopping_worker_leaves_no_effect(opened: Context, fan_out: FanOut) -> None:
    fan_out.held = asyncio.Event()
    await fan_out.task.defer_alone(opened.db, Published(1))
    running = asyncio.create_task(fan_out.task.run(opened, *await lease(opened, fan_out)))
    await fan_out.entered.get()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await left(opened) == (0, 0, 1)
    fan_out.held = None
    await fan_out.task.run(opened, *await lease(opened, fan_out))
    assert await left(opened) == (1, FOLLOWERS, 0)


async def test_transactional_tasks_leave_connections_to_others(opened: Context, fan_out: FanOut) -> None:
    """Each holds one of the pool's connections while it runs."""
    fan_out.held = asyncio.Event()
    for article in range(TRANSACTIONS_AT_ONCE + 2):
        await fan_out.task.defer_alone(opened.db, Published(article))
    given = await lease_tasks(opened.db, [fan_out.task.name], 9, LEASE_SECONDS)
    running = [asyncio.create_task(fan_out.task.run(opened, each.id, each.lease)) for each in given]
    for _ in range(TRANSACTIONS_AT_ONCE):
        await fan_out.entered.get()
    assert opened.db.connections()[0] == TRANSACTIONS_AT_ONCE
    assert await left(opened) == (0, 0, TRANSACTIONS_AT_ONCE + 2)
    fan_out.held.set()
    await asyncio.gather(*running)
    assert await left(opened) == (TRANSACTIONS_AT_ONCE + 2, FOLLOWERS * (TRANSACTIONS_AT_ONCE + 2), 0)


async def test_a_waiting_transactional_task_is_returned_when_the_worker_stops(opened: Context, fan_out: FanOut) -> None:
    fan_out.held = asyncio.Event()
    for article in range(TRANSACTIONS_AT_ONCE + 1):
        await fan_out.task.defer_alone(opened.db, Published(article))
    given = await lease_tasks(opened.db, [fan_out.task.name], 9, LEASE_SECONDS)
    running = [asyncio.create_task(fan_out.task.run(opened, each.id, each.lease)) for each in given]
    for _ in range(TRANSACTIONS_AT_ONCE):
        await fan_out.entered.get()
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    again = await lease_tasks(opened.db, [fan_out.task.name], 9, LEASE_SECONDS)
    assert {each.id for each in again} == {each.id for each in given}
