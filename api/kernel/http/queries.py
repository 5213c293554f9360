"""Typed signatures of the queries about kept answers."""

import msgspec

from api.kernel.data.database import Database, Transaction
from api.kernel.data.sql import query


class Row(msgspec.Struct, frozen=True):
    """A kept answer, encrypted."""

    id: bytes
    sealed: bytes


@query
async def find_answer(db: Database, ids: list[bytes]) -> Row | None: ...
@query
async def lock_answer(db: Transaction, lock: int) -> bool: ...
@query
async def insert_answer(db: Transaction, id: bytes, owner: bytes, sealed: bytes, most: int) -> None: ...
