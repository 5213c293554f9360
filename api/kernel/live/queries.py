"""Typed signatures of the queries about live events."""

from uuid import UUID

import msgspec

from api.kernel.data.database import Autocommit, Database
from api.kernel.data.sql import query


class Row(msgspec.Struct, frozen=True):
    """A committed event. `at` is its position; `changes_access` is that of `Event`; `person` is the account that may
    follow it."""

    at: int
    type: str
    key: UUID
    data: str
    traceparent: str
    changes_access: bool
    person: UUID | None


class Bounds(msgspec.Struct, frozen=True):
    """The range of stored positions, and the epoch in which they are valid: a restored database assigns its latest
    positions again."""

    oldest: int
    newest: int
    epoch: str


@query
async def number_live(db: Autocommit, most: int) -> int: ...
@query
async def list_live(db: Database, after: int, most: int) -> list[Row]: ...
@query
async def list_missed(db: Database, types: list[str], key: UUID, after: int, most: int) -> list[Row]: ...
@query
async def list_missed_of_person(db: Database, person: UUID, after: int, most: int) -> list[Row]: ...
@query
async def find_live_bounds(db: Database) -> Bounds: ...
