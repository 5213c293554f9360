"""Typed signatures of the queries in sql/operations/."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from api.kernel import UNAUTHORIZED, Database, Transaction, query
from api.operations.types import (
    DeadLetter,
    DeadLetterRow,
    Decided,
    EffectiveLevel,
    LockedTask,
    LogLevel,
    Matching,
    Orphans,
    PendingTask,
    ScheduleRun,
    TaskCount,
)


@query
async def count_dead_letters(db: Database, kind: str | None, type: str | None, key: UUID | None) -> int: ...


@query
async def count_matching(
    db: Database, kind: str | None, type: str | None, key: UUID | None, ids: list[UUID] | None, older_than: timedelta
) -> list[Matching]: ...


@query
async def count_orphans(db: Database, known: list[str], task: str | None) -> list[Orphans]: ...


@query
async def discard(db: Transaction, id: UUID) -> Decided: ...


@query
async def discard_orphans(db: Transaction, known: list[str], task: str | None, most: int) -> list[Decided]: ...


@query
async def list_dead_letters(
    db: Database,
    kind: str | None,
    type: str | None,
    key: UUID | None,
    dead_at: datetime | None,
    id: UUID | None,
    most: int,
) -> list[DeadLetter]: ...


@query
async def match_dead_letters(
    db: Database,
    kind: str | None,
    type: str | None,
    key: UUID | None,
    ids: list[UUID] | None,
    until: datetime | None,
    dead_at: datetime | None,
    id: UUID | None,
    most: int,
) -> list[DeadLetter]: ...


@query
async def read_dead_letter(db: Database, id: UUID) -> DeadLetterRow: ...


@query
async def retry(db: Transaction, id: UUID) -> Decided: ...


# The log level


@query
async def delete_level(db: Transaction, logger: str) -> None: ...


@query
async def list_effective_levels(db: Database) -> list[EffectiveLevel]: ...


@query
async def list_levels(db: Database) -> list[LogLevel]: ...


@query(operation_log_levels_changed_by_fkey=UNAUTHORIZED)
async def save_level(db: Transaction, logger: str, level: str, time: timedelta, changed_by: UUID) -> datetime: ...


# Tasks


@query
async def count_tasks(db: Database, name: str | None, state: str | None) -> int: ...


@query
async def count_tasks_by_name(db: Database) -> list[TaskCount]: ...


@query
async def list_schedules(db: Database) -> list[ScheduleRun]: ...


@query
async def list_tasks(db: Database, name: str | None, state: str | None, after: int, most: int) -> list[PendingTask]: ...


@query
async def lock_task(db: Transaction, id: UUID) -> LockedTask | None: ...


@query
async def make_due(db: Transaction, id: UUID) -> None: ...


@query
async def mark_cancelled(db: Transaction, id: UUID, reason: str) -> None: ...


@query
def export_levels(db: Database, user_id: UUID) -> AsyncIterator[str]: ...
