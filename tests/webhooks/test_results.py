"""C-422: results that are stored together: only those whose lease is held, with locks in an order that excludes
deadlocks."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from api.webhooks import queries
from api.webhooks.types import Job, Made, Result
from tests.kernel.http_server import HttpServer, says
from tests.webhooks.conftest import Hooks
from tests.worker.jobs import until

MADE = Made(datetime.now(UTC), 204, None, 0.1, 0.2, None, 0.3, 0.6, "")
WAITING = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


async def leased(hooks: Hooks, times: int) -> list[Job]:
    """Lease that many deliveries of one endpoint."""
    await hooks.happen(times=times)
    return await queries.claim(hooks.context.db, 10, 10, 40.0, times)


def result(job: Job, lease: int | None = None) -> Result:
    return Result(job.id, job.endpoint_id, job.lease if lease is None else lease, MADE)


async def failing(hooks: Hooks, receiver: HttpServer) -> UUID:
    """An endpoint whose first delivery failed."""
    id, _ = await hooks.add(receiver.url)
    receiver.answer = says("500 No")
    await hooks.happen()
    await hooks.deliver()
    assert (await hooks.endpoint(id))["failing_since"]
    return id


async def test_a_lost_lease_changes_nothing_and_its_neighbours_are_stored(hooks: Hooks, receiver: HttpServer) -> None:
    id = await failing(hooks, receiver)
    lost, kept = await leased(hooks, 2)
    await queries.mark_delivered(hooks.context.db, [result(lost, lost.lease - 1), result(kept)])
    _, first, second = await hooks.rows()
    assert {first["id"]: first["state"], second["id"]: second["state"]} == {lost.id: "pending", kept.id: "delivered"}
    [(delivery, number)] = [
        tuple(row)
        for row in await hooks.context.db.fetch("select delivery_id, number from webhook_attempts where status = 204")
    ]
    assert (delivery, number) == (kept.id, kept.lease)
    assert (await hooks.endpoint(id))["failing_since"] is None


async def test_a_repetition_during_the_storing_is_no_deadlock(hooks: Hooks, receiver: HttpServer) -> None:
    """Both lock the endpoint, which is failing, before its delivery."""
    id, db = await failing(hooks, receiver), hooks.context.db
    [job] = await leased(hooks, 1)
    locked, waits = asyncio.Event(), asyncio.Event()

    async def repeat() -> None:
        async with db.transaction() as tx:
            await queries.lock(tx, id, hooks.user_id)
            locked.set()
            await waits.wait()
            await queries.redeliver(tx, job.id)

    repeating = asyncio.create_task(repeat())
    await locked.wait()
    storing = asyncio.ensure_future(queries.mark_delivered(db, [result(job)]))
    await until(db, f"select exists ({WAITING})")
    waits.set()
    await asyncio.gather(repeating, storing)
    assert (await hooks.rows())[-1]["state"] == "delivered"
