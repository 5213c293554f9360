"""Statements, transactions, and the translation of PostgreSQL's errors to Problems. Only this file and pool.py import
asyncpg. Timeouts are in docs/operations.md."""

import asyncio
import contextlib
import functools
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from typing import Annotated, Any, TypeAlias
from urllib.parse import unquote, urlsplit
from uuid import UUID

import asyncpg
from opentelemetry import trace

from api.kernel.config.connections import host_urls, verified_url
from api.kernel.data.pool import Pool, PooledConnection
from api.kernel.errors import CONFLICT, UNAVAILABLE, VALIDATION_FAILED
from api.kernel.process.failpoints import passing
from api.kernel.settings import Settings
from api.kernel.telemetry import refused_values
from api.kernel.telemetry.outages import Outage, database_remedy, words_of

logger = logging.getLogger(__name__)

ACQUIRE_SECONDS = 1.0
"""For each host of the URL, because a new connection may have to try all of them."""
CONNECT_SECONDS = 0.9
"""Timeout for one host. Less than ACQUIRE_SECONDS, which includes it."""
COMMAND_SECONDS = 3.0
ROLLBACK_SECONDS = 1.0
"""A rollback takes no time; if the server does not answer, it rolls back when the connection closes."""
SERVER_TIMEOUTS = {"statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s"}
SERVER_SETTINGS = {"application_name": "rest-angular", "timezone": "UTC", **SERVER_TIMEOUTS}
# A transaction pooler refuses or drops start-up parameters, and loses settings made outside a transaction.
_SET_LOCAL = "; ".join(f"set local {name} = '{value}'" for name, value in SERVER_TIMEOUTS.items())
# The server is shutting down, is read-only since a failover, or the connection is lost: every pooled connection is
# suspect.
_FAILOVER = ("25006", "25P03", "57P", "08")
_BEHIND = ("42P01", "42703")  # no such table, no such column
# Refuses the connection, is full, has locked the rows, or took too long.
_NOT_NOW = ("28", "3D", "42501", "53", "55P03", "57014")
_BAD_VALUE = ("22", "54")

# asyncpg also raises InternalClientError if a server is read-only and a writable one was requested.
_DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)

Record = asyncpg.Record
Connection: TypeAlias = "asyncpg.Connection[Record] | PooledConnection"


class Violation(Exception):
    """A named constraint was violated. `@query(name=PROBLEM)` maps it to a response."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class SERIALIZATION_FAILURE(UNAVAILABLE):  # a Problem is named by its code
    """Rolled back because of a concurrent transaction (40001, 40P01). The transaction may be retried."""


class Database:
    """The pool. A statement runs on its own connection and commits at once; `transaction()` groups statements.

    `subscribers` maps an event's type to the names of the subscribing tasks. It is kept here because `record()`
    receives only the transaction."""

    _connection: "Connection | None" = None
    """A transaction's own."""

    def __init__(
        self,
        pool: Pool,
        subscribers: Mapping[str, tuple[str, ...]] | None = None,
        outage: Outage | None = None,
        *,
        hosts: int = 1,
        pooled: bool = False,
        namespace: str = "",
    ) -> None:
        self._pool = pool
        self.subscribers = subscribers or {}
        self._outage = outage or Outage("postgresql", logger)
        self._hosts = hosts
        self._pooled = pooled
        self.namespace = namespace
        """The database's name, for spans."""

    def connections(self) -> tuple[int, int]:
        """Return the numbers of used and of idle connections in the pool."""
        idle = self._pool.driver.get_idle_size()
        return self._pool.driver.get_size() - idle, idle

    def most_connections(self) -> int:
        return self._pool.driver.get_max_size()

    @property
    def waiting(self) -> int:
        """Number of callers waiting for a pooled connection."""
        return self._pool.waiting

    @functools.cached_property
    def cursors(self) -> asyncio.Semaphore:
        """Places of cursors.py: half of the pool, because a client that reads slowly keeps its connection."""
        return asyncio.Semaphore(max(1, self.most_connections() // 2))

    async def fetch(self, statement: str, *arguments: object) -> list[Record]:
        """Return every row. Raises Violation, VALIDATION_FAILED (a value that PostgreSQL refuses), UNAVAILABLE, and
        RuntimeError if the caller's task has a transaction, on which the statement should run."""
        try:
            return await self._send(statement, arguments)
        except _DRIVER_ERRORS as error:
            failure = getattr(error, "sqlstate", None) or type(error).__name__
            trace.get_current_span().set_attribute("error.type", failure)
            raise await self._meaning(error) from None

    async def _send(self, statement: str, arguments: tuple[object, ...]) -> list[Record]:
        self._refuse_second_connection()
        if self._pooled:
            async with self.transaction() as db:
                return await db.fetch(statement, *arguments)
        connection = await self._acquire()
        try:
            rows = await connection.fetch(statement, *arguments)
        except BaseException:
            await self._release(connection)
            raise
        await self._release(connection, clean=True)
        return rows

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """Run the block in a transaction: commit at its end, roll back on an exception. Inside a transaction, start a
        savepoint. Raises RuntimeError on the pool if the caller's task already has a transaction."""
        async with self._borrow() as connection:
            transaction = connection.transaction()
            async with self._translated():
                await transaction.start()
            yielded, outer = Transaction(self, connection), _held.get()
            try:
                if self._pooled and self._connection is None:
                    async with self._translated():
                        await connection.execute(_SET_LOCAL)
                _held.set(yielded)
                yield yielded
            except BaseException:
                # If the rollback fails, the connection is lost and PostgreSQL rolls back.
                with contextlib.suppress(*_DRIVER_ERRORS):
                    async with asyncio.timeout(ROLLBACK_SECONDS):
                        await transaction.rollback()
                raise
            finally:
                yielded.ended = True
                _held.set(outer)
            passing("database.commit")
            async with self._translated():
                await transaction.commit()
            passing("database.committed")

    @contextlib.asynccontextmanager
    async def listen(
        self, channel: str, callback: Callable[[], None], take: Callable[[str], None] | None = None
    ) -> AsyncIterator[None]:
        """Call `callback` at each NOTIFY on the channel while the block runs, or `take` with its payload if it has one.
        Holds its own connection."""

        def notified(_connection: object, _pid: object, _channel: object, payload: object) -> None:
            if take and payload:
                take(str(payload))
            else:
                callback()

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
        self._refuse_second_connection()
        async with self._translated():
            connection = await self._acquire()
        try:
            yield connection
        except BaseException:
            await self._release(connection)
            raise
        await self._release(connection, clean=True)

    def _refuse_second_connection(self) -> None:
        held = _held.get()
        if held is not None and not held.ended and held._pool is self._pool:
            raise RuntimeError(
                "This task holds a transaction, and the statement would run on a second connection: outside of the"
                " transaction, and waiting for a connection while holding one. Pass the `db` that"
                " `async with context.db.transaction() as db:` yields."
            )

    async def _acquire(self) -> PooledConnection:
        return await self._pool.acquire(ACQUIRE_SECONDS * self._hosts)

    async def _release(self, connection: PooledConnection, *, clean: bool = False) -> None:
        with contextlib.suppress(*_DRIVER_ERRORS):  # the pool closes a connection that cannot be reset
            await self._pool.release(connection, ACQUIRE_SECONDS, clean=clean)

    @contextlib.asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except _DRIVER_ERRORS as error:
            raise await self._meaning(error) from None  # the driver's messages quote values

    async def _meaning(self, error: Exception) -> Exception:
        state = getattr(error, "sqlstate", None) or ""
        if isinstance(error, asyncpg.IntegrityConstraintViolationError):
            return Violation(error.constraint_name or "")
        if state in ("40001", "40P01"):
            return SERIALIZATION_FAILURE()
        if state.startswith(_BAD_VALUE):
            # The decoders should have refused it; the counter reveals a gap in them.
            refused_values.add(1, {"sqlstate": state})
            return VALIDATION_FAILED("A value is out of range or holds characters that cannot be stored.")
        if state.startswith(_FAILOVER):
            await self._pool.expire()
        elif state and not state.startswith((*_NOT_NOW, *_BEHIND)):
            return error  # a programming error, such as a syntax error
        remedy = database_remedy(error, state)
        self._outage.tell(words_of(error), remedy, state=state)
        problem = UNAVAILABLE()
        problem.remedy = remedy
        return problem


class Transaction(Database):
    """The result of `transaction()`: all statements run on one connection and commit together. `record`, `Task.defer`
    and writing queries require one, so that an event cannot be announced without the change that it describes."""

    _connection: Connection

    def __init__(self, parent: Database, connection: Connection) -> None:
        options: dict[str, Any] = {"pooled": parent._pooled, "namespace": parent.namespace}
        super().__init__(parent._pool, parent.subscribers, parent._outage, **options)
        self._connection = connection
        self.ended = False
        """Committed or rolled back: further statements are refused."""

    async def _send(self, statement: str, arguments: tuple[object, ...]) -> list[Record]:
        self._refuse_after_end()
        return await self._connection.fetch(statement, *arguments)

    @contextlib.asynccontextmanager
    async def _borrow(self) -> AsyncIterator[Connection]:
        self._refuse_after_end()
        yield self._connection

    def _refuse_after_end(self) -> None:
        if self.ended:
            raise RuntimeError("This transaction has ended. Indent the statement into its `async with` block.")


Autocommit: TypeAlias = Annotated[Database, "autocommit"]
"""The first parameter of a writing query that is complete by itself: outside of a transaction, its one statement is
committed at once."""

# The innermost open transaction of the current task. A child task inherits it, because the block may await that task:
# with a full pool both would wait for each other.
_held: ContextVar[Transaction | None] = ContextVar("held", default=None)


def demand_transaction(db: Database, operation: str) -> None:
    """Raises TypeError, naming the operation, unless `db` is a Transaction. mypy says the same earlier."""
    if not isinstance(db, Transaction):
        raise TypeError(
            f"{operation} writes, and needs a Transaction: use `async with context.db.transaction() as db:` and pass"
            " that `db`."
        )


def constraint_problem(violation: Violation, meanings: Mapping[str, type[Exception]]) -> Exception:
    """Return the Problem for a named constraint; CONFLICT if the query maps none."""
    meaning = meanings.get(violation.constraint)
    if meaning is None:
        logger.error("constraint not mapped to a problem", extra={"fields": {"constraint": violation.constraint}})
        return CONFLICT()
    return meaning()


@contextlib.asynccontextmanager
async def open_database(
    settings: Settings, subscribers: Mapping[str, tuple[str, ...]], size: int | None = None
) -> AsyncIterator[Database]:
    """Open the pool for the process' lifetime. Opens even if PostgreSQL is down; requests answer 503 meanwhile."""
    with verified_url(settings.database_url, settings.database_ca_cert) as url:
        hosts = Hosts(url)
        driver = asyncpg.create_pool(
            connect=hosts.connect,
            min_size=0,
            max_size=size or settings.database_pool_size,
            command_timeout=COMMAND_SECONDS,
            reset=_keep,
            **_driver_options(settings),
        )
        async with driver:
            pooled = settings.database_transaction_pooling
            name = unquote(urlsplit(url).path.removeprefix("/"))
            database = Database(Pool(driver), subscribers, hosts=len(hosts.urls), pooled=pooled, namespace=name)
            await _check_server(database)
            try:
                yield database
            finally:
                with contextlib.suppress(TimeoutError):  # the process ends anyway
                    await asyncio.wait_for(driver.close(), ACQUIRE_SECONDS)


class Hosts:
    """The servers of a URL, one of which is writable. Each has its own timeout, so that an unresponsive one does not
    block the next; the driver has one timeout for all."""

    def __init__(self, url: str) -> None:
        self.urls = list(host_urls(url))

    async def connect(self, *_: object, **options: Any) -> "asyncpg.Connection[Record]":
        """Connect to the host that worked last, or to the next one that does. Raises the error of a host, and
        TimeoutError after ACQUIRE_SECONDS for each."""
        async with asyncio.timeout(ACQUIRE_SECONDS * len(self.urls)):
            return await self._connect(options)

    async def _connect(self, options: dict[str, Any]) -> "asyncpg.Connection[Record]":
        failures: list[Exception] = []
        for url in self.urls[:]:
            try:
                connection: asyncpg.Connection[Record] = await asyncpg.connect(url, timeout=CONNECT_SECONDS, **options)
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.InternalClientError) as failure:
                failures.append(failure)
            else:
                self.urls.sort(key=lambda each: each != url)
                return connection
        # Standbys are read-only as expected; report the host that does not answer.
        raise next((each for each in failures if isinstance(each, OSError)), failures[0])


async def _check_server(database: Database) -> None:
    try:
        [row] = await database.fetch("select current_setting('statement_timeout')")
    except UNAVAILABLE:
        logger.warning("starting without postgresql; requests answer 503 until it is back")
    else:
        if row[0] != SERVER_TIMEOUTS["statement_timeout"]:
            logger.error("a pooler drops the time-outs of statements: set DATABASE_TRANSACTION_POOLING=true")


async def _keep(_: object) -> None:
    """Skip the driver's reset of connections: nothing here changes their state, and it costs a round trip per
    statement."""


def _driver_options(settings: Settings) -> dict[str, Any]:
    if settings.database_transaction_pooling:
        # A transaction pooler may run the next transaction on another server connection, without the prepared
        # statement, and refuses unknown start-up parameters.
        return {"statement_cache_size": 0}
    return {"target_session_attrs": "read-write", "server_settings": SERVER_SETTINGS}


def uuid7() -> UUID:
    """Return a UUID that sorts by creation time, in steps of 0.25 µs (RFC 9562 §5.7, method 3 of §6.2)."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    random = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64 | 0b10 << 62 | random)
