"""The connection pool, fair in order of arrival.

asyncpg's pool wakes the caller that has waited longest, but leaves the connection in its queue until that caller runs.
A caller that arrives in between takes the connection, and the woken one waits again: under load the slowest percent of
requests waits many times the median.

The law: each connection has a place, and a caller takes a place before it asks asyncpg for a connection.

- A place is free only while no caller waits. A returned place passes directly to the caller that has waited longest, so
  no later caller can take it.
- A place is returned when its connection is back in asyncpg's queue, for whatever reason: released, closed by the
  server, or released by a caller that was cancelled and no longer waits for it. So a caller with a place never waits in
  asyncpg's queue.
- A caller that is cancelled leaves the queue, or passes on the place that it was just given.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy


class Pool:
    """Lends the connections of an asyncpg pool. It has no timeouts of its own."""

    def __init__(self, driver: "asyncpg.Pool[asyncpg.Record]") -> None:
        self.driver = driver
        self.free = driver.get_max_size()
        """Number of free places. While it is not 0, `acquire` does not wait for another caller."""
        self._queue: OrderedDict[asyncio.Future[None], None] = OrderedDict()
        """The waiting callers in order of arrival: a queue from which one can leave in the middle."""
        self._connecting = 0

    @property
    def waiting(self) -> int:
        """Number of callers that wait for a place, or for their connection to be opened."""
        return len(self._queue) + self._connecting

    async def acquire(self) -> "PoolConnectionProxy[asyncpg.Record]":
        """Return a connection, to be returned with `release`. Raises the errors of connecting."""
        if self.free:
            self.free -= 1
        else:
            await self._turn()
        self._connecting += 1  # an idle connection is returned without a pause, in which this could be read
        try:
            connection = await self.driver.acquire()
        except BaseException:
            self._pass_on()
            raise
        finally:
            self._connecting -= 1
        # There is no public notice of the end of a release, which may outlive a caller that is cancelled.
        holder: Any = connection._holder
        holder._in_use.add_done_callback(self._returned)
        return connection

    def release(self, connection: "PoolConnectionProxy[asyncpg.Record]", seconds: float) -> Coroutine[Any, Any, None]:
        """Return a connection; one that cannot be reset in so many seconds is closed. Raises the driver's errors. If
        the caller is cancelled, the release continues. The place is returned in any case."""
        return self.driver.release(connection, timeout=seconds)

    async def _turn(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue[turn] = None
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            else:
                self._queue.pop(turn, None)
            raise

    def _returned(self, _: object) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        while self._queue:
            turn, _ = self._queue.popitem(last=False)
            if not turn.done():  # otherwise it was cancelled, and its caller has not run since
                turn.set_result(None)
                return
        self.free += 1
