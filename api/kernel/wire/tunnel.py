"""A connection that has left HTTP (101, RFC 9110 §7.8): bytes in both directions between the client and one
application, by the same deadline for a client that does not take what it is sent."""

import asyncio
import contextlib
import functools
from typing import Any

from starlette.types import Message

from api.kernel.wire.clock import Clock

READ_BYTES = 64 * 1024
"""The most that is read ahead of the application."""
LINGER_SECONDS = 5.0


class Tunnel(asyncio.Protocol):
    """Takes the place of the HTTP protocol of a transport. `receive` and `send` are ASGI's, of the request that opened
    it: its bodies are what comes and goes now, without a frame."""

    def __init__(
        self, transport: asyncio.Transport, connections: set[Any], early: bytes, seconds: float, least: int
    ) -> None:
        self.transport = transport
        self._connections = connections
        self._read, self._readable = bytearray(early), asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._gone = self._paused = False
        self._end: asyncio.TimerHandle | None = None
        self._clock = Clock(asyncio.get_running_loop())
        self._seconds, self._least = seconds, least
        self._connections.add(self)
        transport.set_protocol(self)
        transport.resume_reading()

    # The transport's side

    def data_received(self, data: bytes) -> None:
        if self._end is not None:
            return
        self._read += data
        self._readable.set()
        if len(self._read) > READ_BYTES and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def eof_received(self) -> None:
        self.transport.close()

    def pause_writing(self) -> None:
        self._writable.clear()
        left = self.transport.get_write_buffer_size()
        self._clock.start(left, self._seconds, functools.partial(self._writing_is_late, left))

    def resume_writing(self) -> None:
        self._clock.stop()
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._gone = True
        self._clock.stop()
        if self._end is not None:
            self._end.cancel()
        self._readable.set()
        self._writable.set()

    def shutdown(self) -> None:
        """Called by uvicorn when the process ends. The application closes the connection itself, when it drains."""

    def _writing_is_late(self, before: int) -> None:
        if before - self.transport.get_write_buffer_size() < self._least:
            self.transport.abort()
        else:
            self.pause_writing()

    # The application's side

    async def receive(self) -> Message:
        while not self._read and not self._gone:
            self._readable.clear()
            await self._readable.wait()
        if not self._read:
            return {"type": "http.disconnect"}
        data, self._read = bytes(self._read), bytearray()
        if self._paused and not self._gone:
            self._paused = False
            self.transport.resume_reading()
        return {"type": "http.request", "body": data, "more_body": True}

    async def send(self, message: Message) -> None:
        if not self._writable.is_set():
            await self._writable.wait()
        if self._gone:
            await asyncio.sleep(0)  # an application that goes on sending must not keep the event loop to itself
            return
        if message["body"]:
            self.transport.write(message["body"])
        if not message.get("more_body", False):
            self.close()

    def close(self) -> None:
        """Stop sending, and discard input until the client closes or LINGER_SECONDS pass: closing at once would reset
        the connection of a client that is still sending, before it has read the last frame."""
        if self._gone or self._end is not None:
            return
        self._end = asyncio.get_running_loop().call_later(LINGER_SECONDS, self.transport.close)
        with contextlib.suppress(OSError):  # the client has left
            self.transport.write_eof()
        self.transport.resume_reading()
