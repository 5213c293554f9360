"""Schedules: a task that is deferred at certain times, once whatever the number of workers. PostgreSQL remembers when
each is due next; the due moment and the task's row are one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from api.kernel.data.database import Autocommit, Database, Transaction
from api.kernel.data.sql import query
from api.kernel.outbox.cron import Cron
from api.kernel.outbox.tasks import Task


class Due(msgspec.Struct, frozen=True):
    """What a scheduled task is given: the moment at which it was due, and the one before that it ran for, if any; both
    in UTC. More than one moment may lie between them, if no worker ran."""

    at: datetime
    previous: datetime | None = None


class Schedule:
    """Runs the task (`@task(on=Due)`) at `HH:MM` each day, or as five fields of crontab(5) say, in a zone such as
    `Europe/Berlin`. Moments that were missed while no worker ran are caught up by one run, for the latest of them. A
    run is a task: it is retried, and becomes a dead letter. A task has one schedule. Raises ValueError where `at` or
    `zone` is malformed."""

    def __init__(self, task: Task[Due], at: str, zone: str = "UTC") -> None:
        self.task = task
        self.cron = Cron(at, zone)
        self.declared = f"{at} {zone}"


class DueSchedule(msgspec.Struct, frozen=True):
    """A schedule whose time has come, and PostgreSQL's clock."""

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
    """The schedules of an application, as a worker serves them."""

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self._schedules = {schedule.task.name: schedule for schedule in schedules}
        self._declared = [schedule.declared for schedule in self._schedules.values()]
        self._inserted = False

    async def run_due(self, db: Database) -> int:
        """Defer the task of each schedule that is due; how many. Several workers may do this at the same time. Raises
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
        """Forget schedules that no code declares any more, an hour after they were due; how many. Raises Problem."""
        return await delete_schedules(db, list(self._schedules), self._declared)

    async def _insert(self, db: Database) -> None:
        """Remember schedules that are new or declared otherwise: they are due from now on."""
        now = datetime.now(UTC)
        due = [schedule.cron.next_after(now) for schedule in self._schedules.values()]
        await insert_schedules(db, list(self._schedules), self._declared, due)
        self._inserted = True
