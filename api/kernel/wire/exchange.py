"""One request and its answer: the ASGI side of a connection; api/kernel/wire/server.py is the transport side."""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Iterable
from typing import Protocol

from starlette.types import ASGIApp, Message, Scope
from uvicorn.server import ServerState

from api.kernel.errors import INTERNAL_ERROR, UNAVAILABLE, BrokenOff, Problem, title_of
from api.kernel.live.clients import HAND_OVER
from api.kernel.wire.tunnel import Outlet

logger = logging.getLogger(__name__)


class Connection(Protocol):
    """The interface of a connection that an exchange uses."""

    transport: asyncio.Transport
    server_state: ServerState
    write_paused: bool
    writable: asyncio.Event

    def advance(self) -> None: ...
    def watch(self) -> None: ...
    def begun(self) -> None: ...
    def ended(self, exchange: "Exchange") -> None: ...
    def fail(self, exchange: "Exchange", problem: Problem) -> None: ...
    def leave_http(self, head: bytes, upgraded: bool) -> Outlet: ...


_COPIED = 16 * 1024
"""Maximum size in bytes of a body part that is copied and written together with the head."""


UNREAD_BYTES = 16 * 1024
"""Maximum size of a body buffered for the application; beyond it the connection is not read."""
DISCARDED_BYTES = 64 * 1024
"""Maximum size of the rest of a body that is read after its answer to keep the connection; with more it is closed."""


class Exchange:
    """The parser sets `body` and `received`; the application calls `receive` and `send`."""

    begun = ended = False
    """Whether the first and the last byte of the answer were passed to the transport."""
    gone = False
    """The connection accepts no answer: the client disconnected or received a refusal."""
    received = False
    """Whether the whole request has arrived."""
    taken = 0
    """Bytes of the body that have arrived."""
    asked = 0
    """Number of times that the application has requested more of the body."""
    _delivered = False
    _head: bytes | None = None
    _chunked = False
    _discarded = 0
    _upgraded = False
    _rest: Awaitable[None] | None = None
    _left: int | None = None
    """Number of bytes of Content-Length still to be sent."""

    def __init__(self, connection: Connection, scope: Scope, owed: int | None, keep_alive: bool, expects: bool) -> None:
        self.connection = connection
        self.scope = scope
        self.owed = owed
        """Number of body bytes still to arrive; None if the body is chunked."""
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.changed = asyncio.Event()
        self._expects = expects
        self._bodiless = scope["method"] == "HEAD"

    async def run(self, app: ASGIApp) -> None:
        """Call the application. The request is answered or the connection closed in any case. If the application has
        taken the connection over, what remains runs without the request."""
        await self._answer(app)
        rest = self._rest
        del self  # the request, which would stay in memory as long as the connection
        if rest is not None:
            try:
                await rest
            except Exception:
                logger.exception("the application failed")

    async def _answer(self, app: ASGIApp) -> None:
        try:
            await app(self.scope, self.receive, self.send)
            if not self.ended and not self.gone:
                logger.error("the application did not answer")
        except asyncio.CancelledError:
            if not self.ended and not self.gone:  # the process ends without reading the rest of the request
                self.connection.fail(self, UNAVAILABLE())
                self.connection.transport.close()
            raise
        except BrokenOff:
            pass
        except Exception:
            logger.exception("the application failed")
        if not self.ended and not self.gone:
            self.connection.fail(self, INTERNAL_ERROR())

    def leave(self) -> None:
        self.gone = True
        self.changed.set()

    def take(self, body: bytes) -> bool:
        """Store a part of the body, or discard it if the answer was sent. Returns False if too much of a chunked body
        was discarded to keep the connection."""
        if self.owed is not None:
            self.owed -= len(body)
        self.taken += len(body)
        if self.ended:
            self._discarded += len(body)
            return self._discarded <= DISCARDED_BYTES
        self.body += body
        self.changed.set()
        return True

    @property
    def full(self) -> bool:
        """Return whether the application must read before more of the body is accepted."""
        return len(self.body) > UNREAD_BYTES

    @property
    def waits_for_body(self) -> bool:
        """Whether it is the client's turn: the body is not complete, and there is room for it. With Expect, its
        turn starts at the 100 (Continue)."""
        return not self.received and not self.full and not self._expects

    @property
    def ends_with_connection(self) -> bool:
        """Whether the end of the connection is that of the answer (HTTP/1.0), so that a client could take a part for
        the whole."""
        return not self._chunked and not self._bodiless and self._left is None

    def complete(self) -> None:
        self.received = True
        self.changed.set()

    async def receive(self) -> Message:
        if self._expects and not self.received and not self.gone and not self.begun:
            self.connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._expects = False
        self.asked += 1
        if not self.gone:
            self.connection.watch()
        # A complete body is delivered even if the client has disconnected.
        while not (self.ended or self.gone or (not self._delivered and (self.body or self.received))):
            self.changed.clear()
            await self.changed.wait()
        if self.ended or self._delivered or (self.gone and not self.received):
            return {"type": "http.disconnect"}
        body, self.body = bytes(self.body), bytearray()
        self._delivered = self.received
        message = {"type": "http.request", "body": body, "more_body": not self.received}
        self.connection.advance()  # room for more
        return message

    async def send(self, message: Message) -> None:
        if self.connection.write_paused and not self.gone:
            await self.connection.writable.wait()
        if self.gone:
            await asyncio.sleep(0)  # let the event loop run while the application sends
            return
        if message["type"] == "http.response.start" and self._head is None:
            self._head = self._start(message["status"], message.get("headers", ()))
        elif message["type"] == HAND_OVER and self._head is not None and not self.begun:
            self.ended = self.begun = True
            self._rest = message["take"](self.connection.leave_http(self._head, self._upgraded))
        elif message["type"] == "http.response.body" and self._head is not None and not self.ended:
            self._continue(message.get("body", b""), message.get("more_body", False))
        else:
            raise RuntimeError(f"unexpected ASGI message {message['type']}")

    def _start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        self._upgraded = status == 101
        self._bodiless = self._bodiless or status in (101, 204, 304)
        lines = [_status_line(status)]
        for name, value in (*self.connection.server_state.default_headers, *headers):
            name = name.lower()
            if name == b"connection":
                self.keep_alive = self.keep_alive and b"close" not in value.lower()
                continue
            if name == b"content-length":
                self._left = int(value)
            lines.append(b"%b: %b" % (name, value))
        if self._left is None and not self._bodiless:
            self._chunked = self.scope["http_version"] == "1.1"
            self.keep_alive = self.keep_alive and self._chunked
            if self._chunked:
                lines.append(b"transfer-encoding: chunked")
        self.keep_alive = self.keep_alive and self._is_worth_reading_on()
        if status == 101 or not self.keep_alive:
            lines.append(b"connection: upgrade" if status == 101 else b"connection: close")
        head = b"\r\n".join(lines)
        breaks = len(lines) - 1
        if head.count(b"\r") != breaks or head.count(b"\n") != breaks or b"\x00" in head:
            raise RuntimeError("a response header contains a line break")
        return head + b"\r\n\r\n"

    def _is_worth_reading_on(self) -> bool:
        """Return whether the rest of the body is short, and the client sends it without waiting for 100 Continue."""
        return self.received or ((self.owed is None or self.owed <= DISCARDED_BYTES) and not self._expects)

    def _continue(self, body: bytes, more: bool) -> None:
        assert self._head is not None
        parts = [] if self.begun else [self._head]
        if self._bodiless:
            pass
        elif self._chunked:
            if body:
                parts = [*parts, b"%x\r\n" % len(body), body, b"\r\n"]
            if not more:
                parts = [*parts, b"0\r\n\r\n"]
        else:
            if self._left is not None:
                self._left -= len(body)
                if self._left < 0 or (self._left and not more):
                    raise RuntimeError("the answer's length differs from its Content-Length")
            parts = [*parts, body]
        if not self.begun:
            self.begun = True
            self.connection.begun()
        if len(body) > _COPIED:  # avoids copying a large body
            self.connection.transport.writelines(parts)
        else:
            self.connection.transport.write(b"".join(parts))
        if not more:
            self.ended = True
            self.body.clear()
            self.changed.set()
            self.connection.ended(self)


@functools.cache
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {title_of(status)}".encode()
