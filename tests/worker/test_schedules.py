"""C-316: scheduled tasks: run once by several workers, caught up, and reported when overdue."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from api.app import create_app
from api.kernel import Context, Due, Feature, Schedule, task
from api.kernel.feature import schedules_of
from api.kernel.outbox.schedules import Schedules
from api.kernel.outbox.tasks import LEASE_SECONDS, Task
from api.kernel.settings import Settings
from api.system.faults import MENDS, Fault, faults
from api.system.routes import measure_parts
from worker.main import run
from worker.queries import lease_tasks

SEEN: list[Due] = []


@task(on=Due)
async def send_digest(context: Context, due: Due, id: UUID) -> None:
    SEEN.append(due)


@task(on=Due)
async def close_month(context: Context, due: Due, id: UUID) -> None: ...


# Twelve hours from now, so that no test crosses the time itself.
DAILY = Schedule(send_digest, f"{(datetime.now(UTC).hour + 12) % 24}:00")


async def passed(context: Context, interval: str, task: Task[Due] = send_digest) -> None:
    """Make the schedule due that long ago."""
    await context.db.fetch(f"update schedules set due_at = now() - interval '{interval}' where task = $1", task.name)


async def deferred(context: Context) -> list[Due]:
    """Run deferred tasks. Returns their values."""
    SEEN.clear()
    for each in await lease_tasks(context.db, [send_digest.name], 99, LEASE_SECONDS):
        await send_digest.run(context, each.id, each.lease)
    return SEEN[:]


async def due_at(context: Context) -> datetime:
    [row] = await context.db.fetch("select due_at from schedules where task = $1", send_digest.name)
    return row[0]  # type: ignore[no-any-return]


async def test_a_new_schedule_runs_at_its_next_time(live: Context) -> None:
    served = Schedules([DAILY])
    assert await served.run_due(live.db) == 0
    assert await due_at(live) == DAILY.cron.next_after(datetime.now(UTC))
    assert await deferred(live) == []


async def test_several_workers_run_it_once(live: Context) -> None:
    workers = [Schedules([DAILY]) for _ in range(5)]
    await asyncio.gather(*(each.run_due(live.db) for each in workers))
    await passed(live, "1 second")
    ran = await asyncio.gather(*(each.run_due(live.db) for each in workers))
    assert sorted(ran) == [0, 0, 0, 0, 1]
    assert len(await deferred(live)) == 1
    assert await due_at(live) == DAILY.cron.next_after(datetime.now(UTC))


async def test_missed_times_are_caught_up_by_one_run(live: Context) -> None:
    served = Schedules([DAILY])
    await served.run_due(live.db)
    now = datetime.now(UTC)
    await passed(live, "9 days")
    assert await served.run_due(live.db) == 1
    assert await served.run_due(live.db) == 0
    [first] = await deferred(live)
    assert (first.at, first.previous) == (DAILY.cron.last_until(now), None)
    await passed(live, "1 second")
    await served.run_due(live.db)
    [second] = await deferred(live)
    assert second.previous == first.at, "the start of the next run"


async def test_a_restarted_worker_catches_up(live: Context) -> None:
    await Schedules([DAILY]).run_due(live.db)
    await passed(live, "2 hours")
    assert await Schedules([DAILY]).run_due(live.db) == 1


async def test_a_changed_schedule_uses_its_new_times(live: Context) -> None:
    """A worker of the previous release leaves it to the new one."""
    earlier, later = Schedules([DAILY]), Schedules([Schedule(send_digest, "*/10 * * * *")])
    await earlier.run_due(live.db)
    await passed(live, "2 hours")
    assert await later.run_due(live.db) == 0
    assert await due_at(live) <= datetime.now(UTC) + timedelta(minutes=10)
    await passed(live, "1 second")
    assert await earlier.run_due(live.db) == 0
    assert await later.run_due(live.db) == 1


async def test_an_undeclared_schedule_is_removed_after_an_hour(live: Context) -> None:
    await Schedules([DAILY, Schedule(close_month, "0 0 1 * *")]).run_due(live.db)
    served = Schedules([DAILY])
    for task_, interval in ((close_month, "59 minutes"), (send_digest, "9 days")):
        await passed(live, interval, task_)
    assert await served.delete_undeclared(live.db) == 0
    await passed(live, "61 minutes", close_month)
    assert await served.delete_undeclared(live.db) == 1
    assert await served.run_due(live.db) == 1, "its own schedules are kept, even if overdue"


async def test_schedule_and_task_are_committed_together(live: Context) -> None:
    served = Schedules([DAILY])
    await served.run_due(live.db)
    await passed(live, "1 second")
    before = await due_at(live)

    async def in_vain() -> None:
        async with live.db.transaction() as db:
            await served.run_due(db)
            raise LookupError

    with pytest.raises(LookupError):
        await in_vain()
    assert (await due_at(live), await deferred(live)) == (before, [])
    assert await served.run_due(live.db) == 1


async def test_health_reports_overdue_schedules(live: Context) -> None:
    await Schedules([DAILY, Schedule(close_month, "0 0 1 * *")]).run_due(live.db)
    await passed(live, "4 minutes")
    assert (await measure_parts(live)).checks["schedules"] == "up"  # type: ignore[index]
    await passed(live, "6 minutes")
    parts = await measure_parts(live)
    assert parts.checks["schedules"] == f"overdue: {send_digest.name}"  # type: ignore[index]
    assert parts.status == "degraded"
    mends = [fault for fault in faults(parts, [], []) if fault.what.startswith("schedules")]
    assert mends == [Fault(f"schedules overdue: {send_digest.name}", MENDS["schedules"])]


@pytest.mark.usefixtures("_handlers")
async def test_the_worker_runs_a_features_schedules(cloned: Settings, live: Context) -> None:
    """From the scheduled time through the outbox and arq to the task."""
    given: list[Due] = []

    @task(on=Due)
    async def shut(context: Context, due: Due, id: UUID) -> None:
        given.append(due)
        context.draining.set()

    yearly = Schedule(shut, "0 0 1 1 *")
    await Schedules([yearly]).run_due(live.db)
    await passed(live, "1 second", shut)
    async with asyncio.timeout(30):
        await run(cloned, [Feature(name="one", tasks=[shut], schedules=[yearly])])
    assert [due.at for due in given] == [yearly.cron.last_until(datetime.now(UTC))]


@pytest.mark.parametrize(
    ("feature", "told"),
    [
        (Feature(name="news", schedules=[DAILY]), "add the scheduled task"),
        (
            Feature(name="news", tasks=[send_digest], schedules=[DAILY, Schedule(send_digest, "*/5 * * * *")]),
            "one schedule",
        ),
    ],
)
def test_an_invalid_schedule_is_refused_at_start(feature: Feature, told: str, settings: Settings) -> None:
    with pytest.raises(TypeError, match=told):
        create_app(settings, [feature])
    assert schedules_of([Feature(name="news", tasks=[send_digest], schedules=[DAILY])]) == [DAILY]
