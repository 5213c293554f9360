"""C-313: `defer(id=…)` keeps one row for a task and an id, and no change of its value is lost."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.outbox.tasks import LEASE_SECONDS, MAX_ATTEMPTS, Task, task
from tests.kernel.work import row_of
from worker.queries import lease_tasks


class Wanted(msgspec.Struct, frozen=True):
    version: int


class Indexer:
    """A task that records its values, and can be held while it runs."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, UUID]] = []
        self.held: asyncio.Event | None = None
        self.entered = asyncio.Event()
        self.failure: Exception | None = None

        async def index(context: Context, wanted: Wanted, id: UUID) -> None:
            self.seen.append((wanted.version, id))
            self.entered.set()
            if self.held:
                await self.held.wait()
            if self.failure:
                raise self.failure

        index.__module__ = "api.things.tasks"
        self.task: Task[Wanted] = task(on=Wanted)(index)

    @property
    def versions(self) -> list[int]:
        return [version for version, _ in self.seen]


@pytest.fixture
def indexer() -> Indexer:
    return Indexer()


async def lease(context: Context, indexer: Indexer) -> tuple[UUID, int]:
    [row] = await lease_tasks(context.db, [indexer.task.name], 9, LEASE_SECONDS)
    return row.id, row.lease


async def rows(context: Context) -> int:
    [row] = await context.db.fetch("select count(*) from outbox_tasks")
    return int(row[0])


async def test_a_waiting_task_is_one_row_with_the_latest_value(things: Context, indexer: Indexer) -> None:
    for version in (1, 2, 3):
        await indexer.task.defer_alone(things.db, Wanted(version), id="article 7")
    await indexer.task.run(things, *await lease(things, indexer))
    assert (indexer.versions, await rows(things)) == ([3], 0)


async def test_other_ids_and_other_tasks_are_separate(things: Context, indexer: Indexer) -> None:
    other = Indexer()
    other.task.name = "things.other"
    for each in (indexer, other):
        for id in ("a", "b", UUID(int=7)):
            await each.task.defer_alone(things.db, Wanted(1), id=id)
    assert await rows(things) == 6
    assert len(await lease_tasks(things.db, [indexer.task.name], 9, LEASE_SECONDS)) == 3


async def test_after_its_end_it_runs_again_with_the_same_id(things: Context, indexer: Indexer) -> None:
    for version in (1, 2):
        await indexer.task.defer_alone(things.db, Wanted(version), id="a")
        await indexer.task.run(things, *await lease(things, indexer))
    assert indexer.versions == [1, 2]
    assert len({id for _, id in indexer.seen}) == 1


async def test_a_value_before_the_attempt_starts_is_used_by_it(things: Context, indexer: Indexer) -> None:
    """The row is leased and queued; there is no second run, and no waiting for the lease to end."""
    await indexer.task.defer_alone(things.db, Wanted(1), id="a")
    given = await lease(things, indexer)
    await indexer.task.defer_alone(things.db, Wanted(2), id="a")
    await indexer.task.run(things, *given)
    assert (indexer.versions, await rows(things)) == ([2], 0)


async def test_a_value_during_the_attempt_has_a_run_of_its_own(things: Context, indexer: Indexer) -> None:
    """The attempt may have read the earlier value; the task runs again right after it, not concurrently."""
    indexer.held = asyncio.Event()
    await indexer.task.defer_alone(things.db, Wanted(1), id="a")
    id, given = await lease(things, indexer)
    running = asyncio.create_task(indexer.task.run(things, id, given))
    await indexer.entered.wait()
    for version in (2, 3):
        await indexer.task.defer_alone(things.db, Wanted(version), id="a")
    assert await lease_tasks(things.db, [indexer.task.name], 9, LEASE_SECONDS) == [], "not while the first one runs"
    indexer.held.set()
    await running
    indexer.held = None
    await indexer.task.run(things, *await lease(things, indexer))
    assert (indexer.versions, await rows(things)) == ([1, 3], 0)


async def test_a_value_during_a_failing_attempt_is_kept(things: Context, indexer: Indexer) -> None:
    indexer.held, indexer.failure = asyncio.Event(), ValueError()
    await indexer.task.defer_alone(things.db, Wanted(1), id="a")
    id, given = await lease(things, indexer)
    running = asyncio.create_task(indexer.task.run(things, id, given))
    await indexer.entered.wait()
    await indexer.task.defer_alone(things.db, Wanted(2), id="a")
    indexer.held.set()
    await running
    await things.db.fetch("update outbox_tasks set locked_until = now() - interval '1 s'")
    indexer.failure = None
    await indexer.task.run(things, *await lease(things, indexer))
    assert (indexer.versions, await rows(things)) == ([1, 2], 0)


async def test_a_failed_task_keeps_its_delay_and_its_attempts(things: Context, indexer: Indexer) -> None:
    """Deferring it again does not bypass the back-off."""
    indexer.failure = ValueError()
    await indexer.task.defer_alone(things.db, Wanted(1), id="a")
    id, given = await lease(things, indexer)
    await indexer.task.run(things, id, given)
    await indexer.task.defer_alone(things.db, Wanted(2), id="a")
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["attempts"], row["last_error"]) == (1, "ValueError")
    assert row["wait"] > 0


async def test_a_dead_letter_starts_again(things: Context, indexer: Indexer) -> None:
    await indexer.task.defer_alone(things.db, Wanted(1), id="a")
    await things.db.fetch("update outbox_tasks set dead_at = now(), attempts = $1, last_error = 'X'", MAX_ATTEMPTS)
    await indexer.task.defer_alone(things.db, Wanted(2), id="a")
    await indexer.task.run(things, *await lease(things, indexer))
    assert (indexer.versions, await rows(things)) == ([2], 0)


async def test_two_concurrent_transactions_leave_one_row(things: Context, indexer: Indexer) -> None:
    first_wrote, second_began = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with things.db.transaction() as db:
            await indexer.task.defer(db, Wanted(1), id="a")
            first_wrote.set()
            await second_began.wait()

    async def second() -> None:
        await first_wrote.wait()
        async with things.db.transaction() as db:
            second_began.set()
            await indexer.task.defer(db, Wanted(2), id="a")

    await asyncio.gather(first(), second())
    await indexer.task.run(things, *await lease(things, indexer))
    assert (indexer.versions, await rows(things)) == ([2], 0)


@pytest.mark.parametrize("make", [str, lambda value: UUID(int=value)], ids=["text", "uuid"])
async def test_a_rollback_leaves_the_waiting_row(
    things: Context, indexer: Indexer, make: Callable[[int], str | UUID]
) -> None:
    await indexer.task.defer_alone(things.db, Wanted(1), id=make(7))

    async def in_vain() -> None:
        async with things.db.transaction() as db:
            await indexer.task.defer(db, Wanted(2), id=make(7))
            raise LookupError

    with pytest.raises(LookupError):
        await in_vain()
    await indexer.task.run(things, *await lease(things, indexer))
    assert indexer.versions == [1]
