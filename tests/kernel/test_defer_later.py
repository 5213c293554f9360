"""C-353: tasks that are deferred in numbers, and C-354: to a later time."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from api.kernel.context import Context
from api.kernel.outbox.events import Backlog, measure_outbox
from api.kernel.outbox.tasks import DEFERRED_AT_ONCE, LEASE_SECONDS
from tests.kernel.test_task_ids import Indexer, Wanted, lease, rows
from tests.transactions import in_transaction
from worker.queries import lease_tasks

DAYS = timedelta(days=3)


@pytest.fixture
def indexer() -> Indexer:
    return Indexer()


def later() -> datetime:
    return datetime.now(UTC) + DAYS


async def due(context: Context, indexer: Indexer) -> list[UUID]:
    return [row.id for row in await lease_tasks(context.db, [indexer.task.name], 9999, LEASE_SECONDS)]


async def wait_over(context: Context) -> None:
    """As if the time had come."""
    await context.db.fetch("update outbox_tasks set available_at = available_at - $1::interval", DAYS)


async def backlog(context: Context) -> list[Backlog]:
    return [each for each in await measure_outbox(context.db) if each.destination == "tasks"]


async def run_all(context: Context, indexer: Indexer) -> None:
    for row in await lease_tasks(context.db, [indexer.task.name], 9999, LEASE_SECONDS):
        await indexer.task.run(context, row.id, row.lease)


async def test_many_are_a_row_each(things: Context, indexer: Indexer) -> None:
    many = DEFERRED_AT_ONCE + 5
    await in_transaction(things.db, indexer.task.defer_many, [Wanted(number) for number in range(many)])
    assert await rows(things) == many
    ids = await due(things, indexer)
    assert len(set(ids)) == many
    values = await things.db.fetch("select count(distinct data ->> 'version') from outbox_tasks")
    assert values[0][0] == many


async def test_none_are_no_rows(things: Context, indexer: Indexer) -> None:
    await in_transaction(things.db, indexer.task.defer_many, [])
    assert await rows(things) == 0


async def test_many_with_ids_are_those_of_defer(things: Context, indexer: Indexer) -> None:
    """A second call replaces the values, and `defer` with one of these ids means the same row."""
    for version in (1, 2):
        values = {f"article {number}": Wanted(10 * version + number) for number in range(3)}
        await in_transaction(things.db, indexer.task.defer_many, values)
    await indexer.task.defer_alone(things.db, Wanted(7), id="article 1")
    await run_all(things, indexer)
    assert (sorted(indexer.versions), await rows(things)) == ([7, 20, 22], 0)


async def test_a_later_task_waits_for_its_time(things: Context, indexer: Indexer) -> None:
    await in_transaction(things.db, indexer.task.defer, Wanted(1), at=later())
    await in_transaction(things.db, indexer.task.defer_many, [Wanted(2), Wanted(3)], at=later())
    assert await due(things, indexer) == []
    await wait_over(things)
    await run_all(things, indexer)
    assert sorted(indexer.versions) == [1, 2, 3]


async def test_a_later_task_is_not_late(things: Context, indexer: Indexer) -> None:
    """It is no backlog while its time has not come, and counts from then on."""
    await indexer.task.defer_alone(things.db, Wanted(1), at=later())
    assert await backlog(things) == []
    await indexer.task.defer_alone(things.db, Wanted(2))
    [measured] = await backlog(things)
    assert measured.pending == 1
    await wait_over(things)
    await things.db.fetch(
        "update outbox_tasks set created_at = created_at - $1::interval where created_at > now()", DAYS
    )
    [measured] = await backlog(things)
    assert (measured.pending, measured.oldest_seconds < DAYS.total_seconds() / 2) == (2, True)


async def test_a_time_that_has_passed_is_now(things: Context, indexer: Indexer) -> None:
    await indexer.task.defer_alone(things.db, Wanted(1), at=datetime.now(UTC) - DAYS)
    [measured] = await backlog(things)
    assert measured.oldest_seconds < DAYS.total_seconds() / 2
    await run_all(things, indexer)
    assert indexer.versions == [1]


async def test_a_time_needs_a_zone(things: Context, indexer: Indexer) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await indexer.task.defer_alone(things.db, Wanted(1), at=datetime(2026, 1, 1))  # noqa: DTZ001


# Another time for the same id


async def put(context: Context, indexer: Indexer) -> None:
    await indexer.task.defer_alone(context.db, Wanted(1), id="a")


async def test_the_time_of_what_waits_is_replaced(things: Context, indexer: Indexer) -> None:
    """To a later one, to an earlier one, and to now."""
    await indexer.task.defer_alone(things.db, Wanted(1), id="a")
    await indexer.task.defer_alone(things.db, Wanted(2), id="a", at=later() + DAYS)
    assert await due(things, indexer) == []
    await indexer.task.defer_alone(things.db, Wanted(3), id="a", at=later())
    await wait_over(things)
    assert len(await due(things, indexer)) == 1
    await things.db.fetch("update outbox_tasks set locked_until = null")
    await indexer.task.defer_alone(things.db, Wanted(4), id="a", at=later())
    await indexer.task.defer_alone(things.db, Wanted(5), id="a")
    await run_all(things, indexer)
    assert (indexer.versions, await rows(things)) == ([5], 0)


async def test_a_leased_task_that_has_not_begun_is_postponed(things: Context, indexer: Indexer) -> None:
    await put(things, indexer)
    given = await lease(things, indexer)
    await indexer.task.defer_alone(things.db, Wanted(2), id="a", at=later())
    await indexer.task.run(things, *given)
    assert indexer.versions == [], "the lease was taken back"
    await wait_over(things)
    await run_all(things, indexer)
    assert (indexer.versions, await rows(things)) == ([2], 0)


async def test_what_runs_is_run_again_at_the_later_time(things: Context, indexer: Indexer) -> None:
    indexer.held = asyncio.Event()
    await put(things, indexer)
    running = asyncio.create_task(indexer.task.run(things, *await lease(things, indexer)))
    await indexer.entered.wait()
    await indexer.task.defer_alone(things.db, Wanted(2), id="a", at=later())
    indexer.held.set()
    await running
    assert (indexer.versions, await due(things, indexer)) == ([1], [])
    await wait_over(things)
    await run_all(things, indexer)
    assert (indexer.versions, await rows(things)) == ([1, 2], 0)


async def test_a_time_does_not_shorten_the_wait_after_a_failure(things: Context, indexer: Indexer) -> None:
    indexer.failure = ValueError()
    await put(things, indexer)
    await run_all(things, indexer)
    await things.db.fetch("update outbox_tasks set available_at = now() + $1::interval", DAYS)
    await indexer.task.defer_alone(things.db, Wanted(2), id="a", at=datetime.now(UTC) + DAYS / 2)
    assert await due(things, indexer) == []
    [row] = await things.db.fetch("select available_at - now() > $1::interval from outbox_tasks", DAYS / 4 * 3)
    assert row[0] is True
