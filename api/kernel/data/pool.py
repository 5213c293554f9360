"""The connection pool, fair in order of arrival.

asyncpg's pool wakes the caller that has waited longest, but leaves the connection in its queue until that caller runs.
A caller that arrives in between takes the connection, and the woken one waits again: under load the slowest percent of
requests waits many times the median.

The law: each connection has a place, and a caller has a place before it asks asyncpg for a connection.

- A place is free only while no caller waits. A returned place passes directly to the caller that has waited longest, so
  no later caller can take it.
- A place is returned when its connection is back in asyncpg's queue, for whatever reason: released, closed by the
  server, or released by a caller that was cancelled and no longer waits for it. So a caller with a place never waits in
  asyncpg's queue.
- While callers wait, a connection without traces of its use passes to the first of them together with its place. This
  omits asyncpg's release and acquire, which cost more than a third of a short statement.
- A caller that is cancelled leaves the queue, or passes on what it was just given.
"""

import asyncio
import contextlib
from collections import OrderedDict
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

PooledConnection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"


class Pool:
    """Lends the connections of an asyncpg pool."""

    def __init__(self, driver: "asyncpg.Pool[asyncpg.Record]") -> None:
        self.driver = driver
        self._free = driver.get_max_size()
        """Number of free places."""
        self._queue: OrderedDict[asyncio.Future[PooledConnection | None], None] = OrderedDict()
        """The waiting callers in order of arrival. The result is a connection, or None for a place alone."""
        self._connecting = 0

    @property
    def waiting(self) -> int:
        """Number of callers that wait for a place, or for their connection to be opened."""
        return len(self._queue) + self._connecting

    async def acquire(self, seconds: float) -> PooledConnection:
        """Return a connection, to be returned with `release`. Raises TimeoutError after so many seconds in the queue,
        and the errors of connecting, which has its own timeout."""
        if self._free:
            self._free -= 1
            return await self._take()
        async with asyncio.timeout(seconds):
            return await self._turn(seconds) or await self._take()

    async def release(self, connection: PooledConnection, seconds: float, *, clean: bool = False) -> None:
        """Return a connection, `clean` if its last statement and transaction succeeded; one that cannot be reset in so
        many seconds is closed. Raises the driver's errors. If the caller is cancelled, the release continues."""
        if not (clean and self._queue and self._reusable(connection) and self._give(connection)):
            await self.driver.release(connection, timeout=seconds)

    async def expire(self) -> None:
        """Replace every open connection before its next use."""
        await self.driver.expire_connections()

    async def _take(self) -> PooledConnection:
        """Take a connection from asyncpg's pool, which opens one if none is idle. The caller has a place."""
        self._connecting += 1  # not visible if a connection is idle: then nothing is awaited
        try:
            connection = await self.driver.acquire()
        except BaseException:
            self._pass_on()
            raise
        finally:
            self._connecting -= 1
        # asyncpg has no public event for the end of a release, which continues if its caller is cancelled.
        holder: Any = connection._holder
        holder._in_use.add_done_callback(self._returned)
        return connection

    async def _turn(self, seconds: float) -> "PooledConnection | None":
        """Wait in the queue for a place, and for the connection if it comes with the place."""
        turn: asyncio.Future[PooledConnection | None] = asyncio.get_running_loop().create_future()
        self._queue[turn] = None
        try:
            return await turn
        except asyncio.CancelledError:
            self._queue.pop(turn, None)
            if turn.done() and not turn.cancelled():  # too late: it was just given
                if connection := turn.result():
                    with contextlib.suppress(Exception):  # asyncpg closes what it cannot reset
                        await self.release(connection, seconds, clean=True)
                else:
                    self._pass_on()
            raise

    def _reusable(self, connection: PooledConnection) -> bool:
        """Return whether the connection is as good as after a release by asyncpg."""
        try:
            if connection.is_closed() or connection.is_in_transaction():
                return False
        except asyncpg.InterfaceError:  # it was closed a moment ago, and is back in asyncpg's queue
            return False
        holder: Any = connection._holder
        return bool(holder._generation == holder._pool._generation)  # otherwise it has expired

    def _returned(self, _: object) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        """Pass a place to the first caller of the queue; it is free if there is none."""
        if not self._give(None):
            self._free += 1

    def _give(self, connection: "PooledConnection | None") -> bool:
        """Give a place, and its connection, to the first caller of the queue. Return whether there is one."""
        while self._queue:
            turn, _ = self._queue.popitem(last=False)
            if not turn.done():  # otherwise cancelled, and its caller has not run since
                turn.set_result(connection)
                return True
        return False
