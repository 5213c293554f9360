"""Connections to endpoints, kept for some seconds between deliveries: a TLS handshake costs more than the rest of a
delivery. A connection serves one URL, so that deliveries of different accounts never share one."""

import asyncio
import time

KEPT_SECONDS = 5.0
OLDEST_SECONDS = 60.0
"""The name is resolved, and its addresses are checked, at least that often."""
MOST_KEPT = 200


class Connection:
    """An open connection to a checked address."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.ends_at = time.monotonic() + OLDEST_SECONDS

    def close(self) -> None:
        self.writer.transport.abort()

    async def is_quiet(self) -> bool:
        """Return whether the endpoint has neither closed the connection nor sent what belongs to no request."""
        reading = asyncio.ensure_future(self.reader.read(1))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
        return reading.cancelled()


class Kept:
    """The idle connections of a process, by URL."""

    def __init__(self) -> None:
        self._idle: dict[str, list[tuple[Connection, asyncio.TimerHandle]]] = {}
        self._count = 0

    async def take(self, url: str) -> Connection | None:
        """Return an idle connection that can be used, and forget it."""
        while idle := self._idle.get(url):
            connection, timer = idle[-1]
            timer.cancel()
            self._forget(url, connection)
            if connection.ends_at > time.monotonic() and await connection.is_quiet():
                return connection
            connection.close()
        return None

    def put(self, url: str, connection: Connection) -> None:
        """Keep a connection whose last response was read to its end."""
        if self._count >= MOST_KEPT:
            connection.close()
            return
        timer = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._expire, url, connection)
        self._idle.setdefault(url, []).append((connection, timer))
        self._count += 1

    def close(self) -> None:
        """Close all of them."""
        for url, idle in list(self._idle.items()):
            for connection, timer in list(idle):
                timer.cancel()
                self._expire(url, connection)

    def _expire(self, url: str, connection: Connection) -> None:
        self._forget(url, connection)
        connection.close()

    def _forget(self, url: str, connection: Connection) -> None:
        self._count -= 1
        rest = [each for each in self._idle.pop(url) if each[0] is not connection]
        if rest:
            self._idle[url] = rest
