"""One typed signature for each file in sql/operations/."""

from datetime import datetime
from uuid import UUID

from api.kernel.database import Database
from api.kernel.sql import query
from api.operations.types import DeadLetter, Decided


@query
async def count_dead_letters(db: Database) -> int: ...


@query
async def discard(db: Database, id: UUID) -> Decided: ...


@query
async def list_dead_letters(db: Database, dead_at: datetime | None, id: UUID | None, most: int) -> list[DeadLetter]: ...


@query
async def retry(db: Database, id: UUID) -> Decided: ...
