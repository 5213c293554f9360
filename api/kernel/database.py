"""The pool, transactions, and what PostgreSQL's refusals mean. The only file that imports asyncpg; tests lend one
connection to the seam `Database` and nobody writes a fake. Timeouts are in docs/operations.md."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from api.kernel.errors import CONFLICT, UNAVAILABLE, VALIDATION_FAILED
from api.kernel.failpoints import passing
from api.kernel.settings import Settings
from api.kernel.telemetry import refused_values

logger = logging.getLogger(__name__)

ACQUIRE_SECONDS = 1.0
COMMAND_SECONDS = 3.0
CONNECT_SECONDS = 2.0
ROLLBACK_SECONDS = 1.0
"""PostgreSQL does it in no time; one that takes longer is silent, and rolls back when the connection is closed."""
SERVER_SETTINGS = {
    "application_name": "rest-angular",
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "timezone": "UTC",
}
# The server is going down, is read-only since a failover, or the connection is gone: every pooled connection is
# suspect.
_FAILOVER = ("25006", "25P03", "57P", "08")
_BEHIND = ("42P01", "42703")  # no such table, no such column
# Does not let us in (a password or a database that is being replaced), is full, has locked what we want, took too long.
_NOT_NOW = ("28", "3D", "53", "55P03", "57014")
_BAD_VALUE = ("22", "54")

# InternalClientError is also what asyncpg raises where a server is read-only and we ask for one that is not.
_DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)

Record = asyncpg.Record
Connection: TypeAlias = "asyncpg.Connection[Record] | PoolConnectionProxy[Record]"


class Violation(Exception):
    """A constraint was violated, by its name. `@query(name=PROBLEM)` says what that means to a client."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class SERIALIZATION_FAILURE(UNAVAILABLE):  # a Problem, and those are named by their code
    """Rolled back because of a concurrent transaction (40001, 40P01); the unit of work may be tried again."""


class Database:
    """Runs statements: each on a pooled connection of its own, or all on one inside `transaction()`.

    `subscribers` maps an event's type to the tasks that want it. It travels here because a transaction is all that a
    handler hands to `record()`."""

    def __init__(
        self,
        pool: "asyncpg.Pool[Record]",
        connection: "Connection | None" = None,
        subscribers: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._pool = pool
        self._connection = connection
        self.subscribers = subscribers or {}

    async def fetch(self, statement: str, *arguments: object) -> list[Record]:
        """Every row. Raises Violation, VALIDATION_FAILED (a value PostgreSQL refuses), UNAVAILABLE."""
        try:
            if self._connection is not None:
                return await self._connection.fetch(statement, *arguments)
            connection = await self._acquire()
            try:
                return await connection.fetch(statement, *arguments)
            finally:
                await self._release(connection)
        except _DRIVER_ERRORS as error:
            raise await self._meaning(error) from None

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator["Database"]:
        """All or nothing: commits at the end of the block, rolls back on an exception. Nests as a savepoint."""
        async with self._borrow() as connection:
            transaction = connection.transaction()
            async with self._translated():
                await transaction.start()
            try:
                yield Database(self._pool, connection, self.subscribers)
            except BaseException:
                # A connection that cannot roll back is gone, and PostgreSQL rolls back what it was doing.
                with contextlib.suppress(*_DRIVER_ERRORS):
                    async with asyncio.timeout(ROLLBACK_SECONDS):
                        await transaction.rollback()
                raise
            passing("database.commit")
            async with self._translated():
                await transaction.commit()
            passing("database.committed")

    @contextlib.asynccontextmanager
    async def listen(self, channel: str, heard: Callable[[], None]) -> AsyncIterator[None]:
        """Call `heard` at each NOTIFY on the channel while the block runs; it holds a connection of its own."""

        def notified(*_: object) -> None:
            heard()

        async with self._borrow() as connection:
            async with self._translated():
                await connection.add_listener(channel, notified)
            try:
                yield
            finally:
                with contextlib.suppress(*_DRIVER_ERRORS):
                    await connection.remove_listener(channel, notified)

    @contextlib.asynccontextmanager
    async def _borrow(self) -> AsyncIterator[Connection]:
        if self._connection is not None:
            yield self._connection
            return
        async with self._translated():
            connection = await self._acquire()
        try:
            yield connection
        finally:
            await self._release(connection)

    async def _acquire(self) -> "PoolConnectionProxy[Record]":
        if self._pool.get_idle_size():  # there is one: nobody waits
            return await self._pool.acquire()
        async with asyncio.timeout(ACQUIRE_SECONDS):  # the pool's own timeout costs a task each time
            return await self._pool.acquire()

    async def _release(self, connection: "PoolConnectionProxy[Record]") -> None:
        with contextlib.suppress(*_DRIVER_ERRORS):  # one that cannot be reset is closed by the pool
            await self._pool.release(connection, timeout=ACQUIRE_SECONDS)

    @contextlib.asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except _DRIVER_ERRORS as error:
            raise await self._meaning(error) from None  # the driver's messages quote values: they stop here

    async def _meaning(self, error: Exception) -> Exception:
        state = getattr(error, "sqlstate", None) or ""
        if isinstance(error, asyncpg.IntegrityConstraintViolationError):
            return Violation(error.constraint_name or "")
        if state in ("40001", "40P01"):
            return SERIALIZATION_FAILURE()
        if state.startswith(_BAD_VALUE):
            # The decoders should have refused it before; the counter tells that one of them has a hole.
            refused_values.add(1, {"sqlstate": state})
            return VALIDATION_FAILED("A value is out of range or holds characters that cannot be stored.")
        if state.startswith(_FAILOVER):
            await self._pool.expire_connections()
        elif state in _BEHIND:
            logger.error("the schema is older than this code: run the release process (python -m migrations)")
        elif state and not state.startswith(_NOT_NOW):
            return error  # a mistake of ours, such as a syntax error
        logger.warning("postgresql is not available", extra={"fields": {"cause": type(error).__name__, "state": state}})
        return UNAVAILABLE()


def constraint_problem(violation: Violation, meanings: Mapping[str, type[Exception]]) -> Exception:
    """The Problem that a named constraint stands for; CONFLICT where the query names none."""
    meaning = meanings.get(violation.constraint)
    if meaning is None:
        logger.error("a constraint without a meaning", extra={"fields": {"constraint": violation.constraint}})
        return CONFLICT()
    return meaning()


@contextlib.asynccontextmanager
async def open_database(
    settings: Settings, subscribers: Mapping[str, tuple[str, ...]], size: int | None = None
) -> AsyncIterator[Database]:
    """The pool for a process' life. Opens although PostgreSQL is down: requests answer 503 until it is back."""
    pool = asyncpg.create_pool(
        settings.database_url,
        min_size=0,
        max_size=size or settings.database_pool_size,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
        reset=_keep,
        **_driver_options(settings),
    )
    async with pool:
        database = Database(pool, subscribers=subscribers)
        try:
            await database.fetch("select 1")
        except UNAVAILABLE:
            logger.warning("starting without postgresql; requests answer 503 until it is back")
        try:
            yield database
        finally:
            with contextlib.suppress(TimeoutError):  # a connection stuck in a dead network is dropped with the process
                await asyncio.wait_for(pool.close(), ACQUIRE_SECONDS)


async def _keep(_: object) -> None:
    """Nothing here changes a connection's state, so the driver's reset would be a second round trip for every
    statement."""


def _driver_options(settings: Settings) -> dict[str, Any]:
    if settings.database_transaction_pooling:
        # A transaction pooler hands the next transaction to another server connection, which has not seen the statement
        # prepared, and refuses start-up parameters that it does not know.
        return {"statement_cache_size": 0}
    return {"target_session_attrs": "read-write", "server_settings": SERVER_SETTINGS}


def uuid7() -> UUID:
    """A UUID that sorts by its time of making, in quarters of a microsecond (RFC 9562 §5.7, method 3 of §6.2)."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    random = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64 | 0b10 << 62 | random)
