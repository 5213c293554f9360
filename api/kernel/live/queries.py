"""Typed signatures of the queries about live events."""

from uuid import UUID

import msgspec

from api.kernel.data.database import Autocommit, Database
from api.kernel.data.sql import query


class Row(msgspec.Struct, frozen=True):
    """A committed event. `at` is its position; `changes_access` is that of `Event`."""

    at: int
    type: str
    key: UUID
    data: str
    traceparent: str
    changes_access: bool


class Bounds(msgspec.Struct, frozen=True):
    """The range of stored positions."""

    oldest: int
    newest: int


@query
async def number_live(db: Autocommit, most: int) -> None: ...
@query
async def list_live(db: Database, after: int, most: int) -> list[Row]: ...
@query
async def list_missed(db: Database, types: list[str], key: UUID, after: int, most: int) -> list[Row]: ...
@query
async def find_live_bounds(db: Database) -> Bounds: ...
