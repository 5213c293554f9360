"""A connection after the head of its last answer: a stream, or a WebSocket (101, RFC 9110 §7.8). It is handed over with
the ASGI message HAND_OVER, and replaces the HTTP protocol, the request and its task, so that a client that stays costs
no more than its connection. The HTTP server's deadline for clients that do not read goes on."""

import asyncio
import contextlib
from typing import Any

from api.kernel.live.clients import Owner

READ = memoryview(bytearray(16 * 1024))  # shared by all connections: the event loop reads one at a time
READ_BYTES = 64 * 1024
"""Maximum amount read ahead of the application."""
IGNORED_BYTES = 64 * 1024
"""Maximum amount that the client of a stream may send."""
LINGER_SECONDS = 5.0


class Outlet(asyncio.BufferedProtocol):
    """Writes to a client that sends nothing more. `owner.lost()` is called when the connection has ended."""

    __slots__ = (
        "_connections",
        "_end",
        "_ignored",
        "_late",
        "_least",
        "_seconds",
        "_taken",
        "gone",
        "owner",
        "transport",
    )

    def __init__(self, transport: asyncio.Transport, connections: set[Any], seconds: float, least: int) -> None:
        self.transport = transport
        self.owner: Owner | None = None
        self.gone = False
        self._connections = connections
        self._seconds, self._least = seconds, least
        self._ignored = 0
        self._taken: asyncio.Event | None = None
        """Set when the client has taken everything; None if it has."""
        self._late: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None
        connections.add(self)
        transport.set_protocol(self)
        transport.resume_reading()

    # Transport callbacks

    def get_buffer(self, sizehint: int) -> memoryview:
        return READ

    def buffer_updated(self, nbytes: int) -> None:
        self._ignored += nbytes
        if self._ignored > IGNORED_BYTES:
            self.transport.abort()

    def eof_received(self) -> None:
        self.transport.close()

    def pause_writing(self) -> None:
        self._taken = asyncio.Event()
        self._watch()

    def resume_writing(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        if self._taken is not None:
            self._taken.set()
            self._taken = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self.gone = True
        self.resume_writing()
        if self._end is not None:
            self._end.cancel()
        if self.owner is not None:
            self.owner.lost()
            self.owner = None

    def shutdown(self) -> None:
        """Called by uvicorn when the process ends. The owner closes the connection itself, when it drains."""

    def _watch(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._late = asyncio.get_running_loop().call_later(self._seconds, self._check_pace, left)

    def _check_pace(self, before: int) -> None:
        if before - self.transport.get_write_buffer_size() < self._least:
            self.transport.abort()
        else:
            self._watch()

    # Called by the owner

    def write(self, data: bytes) -> bool:
        """Write without waiting. Returns whether the client has taken everything; if not, wait for `drained`."""
        if not self.gone and self._end is None:
            self.transport.write(data)
        return self._taken is None

    async def drained(self) -> None:
        """Wait until the client has taken everything, or is gone."""
        while self._taken is not None:
            await self._taken.wait()

    def finish(self, data: bytes) -> None:
        """Write the last data and close."""
        self.write(data)
        self.close()

    def close(self) -> None:
        """Stop sending, and discard input until the client closes or LINGER_SECONDS pass: closing at once would reset
        the connection of a client that is still sending, before it has read the last data."""
        if self.gone or self._end is not None:
            return
        self._end = asyncio.get_running_loop().call_later(LINGER_SECONDS, self.transport.close)
        with contextlib.suppress(OSError):  # the client has disconnected
            self.transport.write_eof()
        self.transport.resume_reading()


class Tunnel(Outlet):
    """Also reads: raw bytes in both directions."""

    __slots__ = ("_paused", "_read", "_readable")

    def __init__(
        self, early: bytes, transport: asyncio.Transport, connections: set[Any], seconds: float, least: int
    ) -> None:
        self._read, self._readable = bytearray(early), asyncio.Event()
        self._paused = False
        super().__init__(transport, connections, seconds, least)

    def buffer_updated(self, nbytes: int) -> None:
        if self._end is not None:
            return
        self._read += READ[:nbytes]
        self._readable.set()
        if len(self._read) > READ_BYTES and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._readable.set()

    async def read(self) -> bytes:
        """Return what has arrived, and wait for it; empty at the end."""
        while not self._read and not self.gone:
            self._readable.clear()
            await self._readable.wait()
        data, self._read = bytes(self._read), bytearray()
        if self._paused and not self.gone:
            self._paused = False
            self.transport.resume_reading()
        return data
