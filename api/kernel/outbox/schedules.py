"""Schedules: tasks that are deferred at certain times, once for all workers. PostgreSQL stores when each is due next;
advancing that time and inserting the task are one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from api.kernel.data.database import Autocommit, Database, Transaction
from api.kernel.data.sql import query
from api.kernel.outbox.cron import Cron
from api.kernel.outbox.tasks import Task


class Due(msgspec.Struct, frozen=True):
    """Value of a scheduled task: its due time, and the due time of its previous run if any, both in UTC. Due times in
    between were missed because no worker ran."""

    at: datetime
    previous: datetime | None = None


class Schedule:
    """Runs a task (`@task(on=Due)`) at `HH:MM` each day, or as five fields of crontab(5), in a zone such as
    `Europe/Berlin`. Times that were missed while no worker ran are caught up by one run for the latest of them. A run
    is a task: it is retried and may become a dead letter. A task has one schedule. Raises ValueError if `at` or `zone`
    is invalid."""

    def __init__(self, task: Task[Due], at: str, zone: str = "UTC") -> None:
        self.task = task
        self.cron = Cron(at, zone)
        self.declared = f"{at} {zone}"


class DueSchedule(msgspec.Struct, frozen=True):
    """A due schedule and PostgreSQL's current time."""

    task: str
    last_at: datetime | None
    now: datetime


@query
async def insert_schedules(db: Autocommit, tasks: list[str], declared: list[str], due: list[datetime]) -> None: ...
@query
async def claim_schedules(db: Transaction, tasks: list[str], declared: list[str]) -> list[DueSchedule]: ...
@query
async def mark_schedule_run(db: Transaction, task: str, at: datetime, next: datetime) -> None: ...
@query
async def delete_schedules(db: Autocommit, tasks: list[str], declared: list[str]) -> int: ...


class Schedules:
    """The application's schedules, as served by a worker."""

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self._schedules = {schedule.task.name: schedule for schedule in schedules}
        self._declared = [schedule.declared for schedule in self._schedules.values()]
        self._inserted = False

    async def run_due(self, db: Database) -> int:
        """Defer the task of each due schedule; returns their number. Several workers may call it concurrently. Raises
        Problem."""
        if not self._schedules:
            return 0
        if not self._inserted:
            await self._insert(db)
        async with db.transaction() as inner:
            due = await claim_schedules(inner, list(self._schedules), self._declared)
            for each in due:
                schedule = self._schedules[each.task]
                at = schedule.cron.last_until(each.now)
                await schedule.task.defer(inner, Due(at, each.last_at), id=at.isoformat())
                await mark_schedule_run(inner, each.task, at, schedule.cron.next_after(each.now))
        return len(due)

    async def delete_undeclared(self, db: Database) -> int:
        """Delete schedules that are no longer declared, an hour after they were due; returns their number. Raises
        Problem."""
        return await delete_schedules(db, list(self._schedules), self._declared)

    async def _insert(self, db: Database) -> None:
        """Store new and changed schedules; they are due from now on."""
        now = datetime.now(UTC)
        due = [schedule.cron.next_after(now) for schedule in self._schedules.values()]
        await insert_schedules(db, list(self._schedules), self._declared, due)
        self._inserted = True
