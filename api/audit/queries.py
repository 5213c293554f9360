"""Typed signatures of the queries in sql/audit/."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from api.audit.types import ActivityRow, Batch, Checkpoint, EntryRow, Erased, Head
from api.kernel import Database, Transaction, query


@query
async def count_entries(
    db: Database,
    user_id: UUID | None,
    type: str | None,
    since: datetime | None,
    until: datetime | None,
    least: UUID | None,
    most: UUID | None,
) -> int: ...


@query
async def count_activity(db: Database, user_id: UUID, hidden: list[str]) -> int: ...


@query
async def delete_removable(db: Transaction, after: int, last: int) -> None: ...


@query
async def erase(db: Transaction, user_id: UUID, after: UUID, most: int, fields: list[str]) -> Batch: ...


@query
async def erase_strangers(db: Transaction, age: timedelta, most: int) -> int: ...


@query
async def find_checkpoint(db: Database) -> Checkpoint | None: ...


@query
async def find_head(db: Database) -> Head | None: ...


@query
async def list_entries(
    db: Database,
    user_id: UUID | None,
    type: str | None,
    since: datetime | None,
    until: datetime | None,
    least: UUID | None,
    most: UUID | None,
    before: UUID | None,
    number: int,
) -> list[EntryRow]: ...


@query
async def list_activity(
    db: Database, user_id: UUID, before: UUID | None, most: int, hidden: list[str]
) -> list[ActivityRow]: ...


@query
async def list_removable(db: Database, after: int, age: timedelta, most: int) -> list[EntryRow]: ...


@query
async def list_sealed(db: Database, after: int, most: int) -> list[EntryRow]: ...


@query
async def list_unsealed(db: Database, most: int) -> list[EntryRow]: ...


@query
async def lock_chain(db: Transaction) -> None: ...


@query
async def mark_sealed(
    db: Transaction,
    ids: list[UUID],
    after: int,
    data_digests: list[bytes],
    origin_digests: list[bytes],
    hashes: list[bytes],
) -> None: ...


@query
async def sum_erased(db: Database) -> Erased: ...


@query
def export_activity(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
def export_actions(db: Database, user_id: UUID) -> AsyncIterator[str]: ...
