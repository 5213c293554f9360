"""A task's lease: an attempt without the lease settles nothing, and a returned lease number is not used again."""

import asyncio
from uuid import UUID

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from api.kernel.context import Context
from api.kernel.outbox.tasks import (
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    release_tasks,
)
from tests.kernel.signals import points
from tests.kernel.work import CANARY, Work, leased, row_of
from worker.queries import lease_tasks


async def test_a_task_queued_twice_runs_once(things: Context, work: Work) -> None:
    id = await leased(things)
    await work.task.run(things, id, 1)
    await work.task.run(things, id, 1)
    assert len(work.seen) == 1


async def test_an_attempt_that_lost_its_lease_does_nothing(things: Context, work: Work) -> None:
    id = await leased(things)
    await things.db.fetch("update outbox_tasks set locked_until = now() - interval '1 s'")
    await work.task.run(things, id, 1)
    assert work.seen == []
    [again] = await lease_tasks(things.db, ["things.count"], 1, LEASE_SECONDS)
    assert (again.id, again.lease) == (id, 2)
    await work.task.run(things, id, 1)
    assert work.seen == []
    await work.task.run(things, id, 2)
    assert len(work.seen) == 1


async def taken_over(things: Context, work: Work, id: UUID) -> "asyncio.Task[None]":
    """Attempt 1 runs; meanwhile its lease expires, and attempt 2 has it."""
    running = asyncio.create_task(work.task.run(things, id, 1))
    await work.entered.wait()
    await things.db.fetch("update outbox_tasks set locked_until = now() - interval '1 s'")
    [again] = await lease_tasks(things.db, ["things.count"], 1, LEASE_SECONDS)
    assert again.lease == 2
    return running


@pytest.mark.parametrize("end", ["done", "failed", "cancelled"])
async def test_a_late_attempt_settles_nothing(things: Context, work: Work, end: str) -> None:
    work.wait_for = asyncio.Event()
    id = await leased(things)
    running = await taken_over(things, work, id)
    if end == "cancelled":
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    else:
        work.failure = ValueError(CANARY) if end == "failed" else None
        work.wait_for.set()
        await running
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["attempts"], row["locked"], row["last_error"], row["dead"]) == (2, True, None, False)
    work.wait_for = work.failure = None
    await work.task.run(things, id, 2)
    assert await row_of(things.db, id) is None


async def test_a_task_that_kills_its_worker_becomes_a_dead_letter(things: Context, work: Work) -> None:
    id = await leased(things)
    await things.db.fetch("update outbox_tasks set attempts = $1", MAX_ATTEMPTS + 1)
    await work.task.run(things, id, 1)
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["dead"], row["last_error"], work.seen) == (True, "WorkerLost", [])


async def test_a_late_attempt_gets_the_whole_lease(things: Context, work: Work) -> None:
    work.wait_for = asyncio.Event()
    id = await leased(things)
    await things.db.fetch("update outbox_tasks set locked_until = now() + interval '1 s'")
    running = asyncio.create_task(work.task.run(things, id, 1))
    await work.entered.wait()
    [row] = await things.db.fetch("select extract(epoch from locked_until - now())::float8 as left from outbox_tasks")
    assert 0 < row["left"] <= LEASE_SECONDS
    work.wait_for.set()
    await running


async def test_a_returned_lease_is_not_valid_again(things: Context, work: Work) -> None:
    """The queue accepted the job after all, and runs it under another lease."""
    id = await leased(things)
    await release_tasks(things.db, [id], [1])
    [again] = await lease_tasks(things.db, ["things.count"], 1, LEASE_SECONDS)
    assert again.lease == 2
    await release_tasks(things.db, [id], [1])
    await work.task.run(things, id, 1)
    assert work.seen == []
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["attempts"], row["locked"]) == (1, True)


async def test_a_stopping_worker_returns_its_task_uncounted(
    things: Context, work: Work, metrics: InMemoryMetricReader
) -> None:
    work.wait_for = asyncio.Event()
    id = await leased(things)
    running = asyncio.create_task(work.task.run(things, id, 1))
    await work.entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["attempts"], row["locked"], row["last_error"]) == (0, False, None)
    [again] = await lease_tasks(things.db, ["things.count"], 1, LEASE_SECONDS)
    assert again.id == id, "another worker may lease it at once"
    outcomes = {tuple(point.attributes.values()) for point in points(metrics, "task.duration")}
    assert ("things.count", "released") in outcomes
