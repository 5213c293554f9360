"""Reads the rows of statements on demand: server-side cursors in a read-only transaction, on its own connection."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from typing import Any

from api.kernel.data.database import (
    _DRIVER_ERRORS,
    _SET_LOCAL,
    ACQUIRE_SECONDS,
    ROLLBACK_SECONDS,
    Database,
    Record,
    Transaction,
)
from api.kernel.errors import UNAVAILABLE

FETCHED_ROWS = 200
"""Maximum number of rows in memory."""
IDLE_SECONDS = 50.0
"""Maximum time between two fetches. It ends a slow reader before PostgreSQL does, whose error would make every pooled
connection suspect."""
_SET_IDLE = "set local idle_in_transaction_session_timeout = '60s'"
_SET_POOLED = f"{_SET_LOCAL}; {_SET_IDLE}"


async def fetched(db: Database, statement: str, *arguments: object) -> AsyncGenerator[Sequence[Record], None]:
    """Yield the rows in batches of FETCHED_ROWS, each fetched on demand. At most half of the pool's connections are
    used for this, because a slow client keeps one; a transaction uses its own connection. Raises like `Database.fetch`,
    also after some rows."""
    async with _place(db), db._borrow() as connection:
        transaction = connection.transaction(readonly=True)
        cursor: Any = None
        try:
            async with db._translated():
                await _uninterrupted(transaction.start())
                if db._connection is None:
                    await connection.execute(_SET_POOLED if db._pooled else _SET_IDLE)
                cursor = await connection.cursor(statement, *arguments)
            while True:
                async with db._translated():
                    rows = await cursor.fetch(FETCHED_ROWS)
                used = time.monotonic()
                if rows:
                    yield rows
                if len(rows) < FETCHED_ROWS:
                    break
                if time.monotonic() - used > IDLE_SECONDS:
                    raise UNAVAILABLE("The rows were not read in time.")
        finally:
            with contextlib.suppress(*_DRIVER_ERRORS):
                async with asyncio.timeout(ROLLBACK_SECONDS):
                    if db._pooled:
                        # The driver closes an unused statement with the next one, which must reach the same server
                        # connection: the pooler may lend it to a process that uses the same name.
                        cursor = None
                        await connection.fetchval("select 1")
                    await transaction.rollback()


@contextlib.asynccontextmanager
async def snapshot(db: Database) -> AsyncIterator[Transaction]:
    """A read-only transaction on its own connection, whose statements and cursors all see the same state of the
    database (repeatable read). Takes one of the places of `fetched`. Within a transaction, it is part of it. Raises
    like `Database.fetch`."""
    async with _place(db), db._borrow() as connection:
        options: Any = {} if connection.is_in_transaction() else {"isolation": "repeatable_read", "readonly": True}
        transaction = connection.transaction(**options)
        try:
            async with db._translated():
                await _uninterrupted(transaction.start())
                await connection.execute(_SET_POOLED if db._pooled else _SET_IDLE)
                await connection.fetchval("select 1")  # the first select determines the state that is seen
            yield Transaction(db, connection)
        finally:
            with contextlib.suppress(*_DRIVER_ERRORS):
                async with asyncio.timeout(ROLLBACK_SECONDS):
                    await transaction.rollback()


async def _uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Delay a cancellation until the work ends: a half-started transaction could not be rolled back."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(*_DRIVER_ERRORS):
            await task
        raise


@contextlib.asynccontextmanager
async def _place(db: Database) -> AsyncIterator[None]:
    if db._connection is not None:
        yield
        return
    try:
        async with asyncio.timeout(ACQUIRE_SECONDS):
            await db.cursors.acquire()
    except TimeoutError:
        raise UNAVAILABLE("Too many long answers are being read at this moment; try again shortly.") from None
    try:
        yield
    finally:
        db.cursors.release()
