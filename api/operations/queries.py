"""Typed signatures of the queries in sql/operations/."""

from datetime import datetime, timedelta
from uuid import UUID

from api.kernel import Database, Transaction, query
from api.operations.types import DeadLetter, DeadLetterRow, Decided, Matching, Orphans


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
