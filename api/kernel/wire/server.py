"""One connection: its states, deadlines, refusals and closing. `parser.py` parses requests, `exchange.py` writes
answers.

A connection is in one state of each table. A deadline starts with its state, and received bytes do not extend it:

| reading   | while                                           | deadline              | then                     |
|-----------|-------------------------------------------------|-----------------------|--------------------------|
| fresh     | the first request has not begun                 | HEAD_SECONDS          | close                    |
| idle      | the next request has not begun                  | KEEP_ALIVE_SECONDS    | close                    |
| head      | a head has begun and is not complete            | HEAD_SECONDS          | 408, linger              |
| body      | a body is not complete, and the application     | BODY_SECONDS for each BODY_BYTES | 408, linger   |
|           | has room for it                                 |                       |                          |
|           | … and its request was answered without it       |                       | close                    |
| waiting   | a request is complete and not yet answered      | that of answering     |                          |
| lingering | the last answer was sent; input is discarded    | LINGER_SECONDS, LINGER_BYTES | close             |

| answering | while                                           | deadline              | then                     |
|-----------|-------------------------------------------------|-----------------------|--------------------------|
| handling  | the application has not begun its answer, nor   | HANDLING_SECONDS      | cancel, 503, linger      |
|           | asked for more of the body                      |                       |                          |
| writing   | the client does not take what was sent          | WRITE_SECONDS for each WRITE_BYTES | abort       |

Requests are parsed one at a time: further input stays unparsed, at most two reads of it, until the answer is sent and
taken. So one iteration of the event loop handles at most one request of each connection."""

import asyncio
import contextlib
import contextvars
import functools
import logging
import socket
import struct
from typing import Any

import uvicorn
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from api.kernel.errors import REQUEST_TIMEOUT, UNAVAILABLE, Problem, render, title_of, trace_id
from api.kernel.input.bodies import BODY_BYTES, BODY_SECONDS
from api.kernel.telemetry import SECURITY_HEADERS, access_log, parent_from, span
from api.kernel.wire.clock import Clock
from api.kernel.wire.exchange import Exchange
from api.kernel.wire.parser import HEAD_BYTES, HEAD_FIELDS, HEAD_TOO_LARGE, Parser, Refused
from api.kernel.wire.tunnel import READ, Outlet, Tunnel

__all__ = ["HEAD_BYTES", "HEAD_FIELDS", "HEAD_TOO_LARGE", "Protocol"]

logger = logging.getLogger(__name__)

HEAD_SECONDS = 10.0
HANDLING_SECONDS = 30.0
"""Longer than all waits within the application, whose own deadlines give better answers."""
WRITE_SECONDS = 30.0
WRITE_BYTES = 16 * 1024
UNSENT_BYTES = 128 * 1024
"""Maximum amount that the kernel buffers beyond the client's window; the default is megabytes."""
UNTAKEN_MILLISECONDS = 60_000  # for a client that vanished: TCP retries for 15 minutes
LINGER_SECONDS = 5.0
LINGER_BYTES = 16 * 1024 * 1024
KEEP_ALIVE_SECONDS = 95.0
"""Longer than a PaaS router keeps idle connections, so that the server never closes one about to be used."""
SPARE_CONNECTIONS = 100
"""Connections beyond the limit that receive a 503; further ones are closed without an answer."""
_ASGI = {"version": "3.0", "spec_version": "2.3"}
_WRITABLE = asyncio.Event()  # shared and always set: an event of its own costs each connection 700 bytes
_WRITABLE.set()


class Protocol(asyncio.BufferedProtocol):
    """One connection. Refused requests never reach the application."""

    transport: asyncio.Transport
    exchange: Exchange | None = None
    """The request being read or answered."""
    writable = _WRITABLE
    closing = write_paused = False
    """`closing`: nothing more is parsed or answered."""
    _reads = True
    _discarded = 0

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self._app = config.loaded_app
        self._limit = config.limit_concurrency
        self.server_state, self._app_state = server_state, app_state
        self._connections: set[Any] = server_state.connections
        self._loop = _loop or asyncio.get_running_loop()
        self._reading, self._answering = Clock(self._loop), Clock(self._loop)
        self._parser = Parser(self._begin)

    # Transport callbacks

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        transport.set_write_buffer_limits(high=0)  # paused means: the client does not read
        for name, value in (("TCP_NOTSENT_LOWAT", UNSENT_BYTES), ("TCP_USER_TIMEOUT", UNTAKEN_MILLISECONDS)):
            if hasattr(socket, name):  # Linux; macOS has the first
                transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self._ends = get_local_addr(transport), get_remote_addr(transport)
        self._connections.add(self)
        over = len(self._connections) - self._limit if self._limit else 0
        if over > SPARE_CONNECTIONS:
            transport.abort()
        elif over > 0:
            self._refuse(UNAVAILABLE("Too many connections are open; try again shortly."))
        else:
            self.watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self.closing = True
        self._reading.end()
        self._answering.end()
        if self.exchange is not None:
            self.exchange.leave()
        self.writable.set()
        self._parser.clear()

    def get_buffer(self, sizehint: int) -> memoryview:
        return READ

    def buffer_updated(self, nbytes: int) -> None:
        if self.closing:
            self._discarded += nbytes
            if self._discarded > LINGER_BYTES:
                self._close()
            return
        self._parser.add(bytes(READ[:nbytes]))
        self.advance()

    def pause_writing(self) -> None:
        self.write_paused = True
        self.writable = asyncio.Event()
        self.watch()

    def resume_writing(self) -> None:
        self.write_paused = False
        self.writable.set()
        self.watch()
        self.advance()

    def shutdown(self) -> None:
        """Called by uvicorn when the process ends: finish the current answer and close."""
        if self.exchange is not None and not self.exchange.ended:
            self.exchange.keep_alive = False
        elif not self.closing:
            self._close()

    def advance(self) -> None:
        """Parse the received data up to the end of the current request."""
        try:
            while not self.closing and not self._waits() and self._parser.left:
                self._parser.parse()
        except Refused as refusal:
            self._refuse(refusal.problem)
        if not self.closing:
            self._read_on(self._parser.left < len(READ))
            self.watch()

    def _waits(self) -> bool:
        """Return whether received data stays unparsed for now."""
        if self.exchange is not None and self.exchange.ended and self.exchange.received:
            self.exchange = None
        if self.exchange is None:
            return self.write_paused  # the client must read its answer first
        return self.exchange.received or self.exchange.full

    def _begin(self, scope: dict[str, Any], owed: int | None, keep_alive: bool, expects: bool) -> Exchange:
        server, client = self._ends
        scope |= {"type": "http", "asgi": _ASGI, "scheme": "http", "root_path": "", "server": server, "client": client}
        scope["state"] = self._app_state.copy()
        self.exchange = Exchange(self, scope, owed, keep_alive, expects)
        # In a context of its own, because this may run in the previous request's context.
        self._task = self._loop.create_task(self.exchange.run(self._app), context=contextvars.Context())
        self.server_state.tasks.add(self._task)
        self._task.add_done_callback(self.server_state.tasks.discard)
        return self.exchange

    def _read_on(self, wanted: bool) -> None:
        if wanted != self._reads:
            self._reads = wanted
            self.transport.resume_reading() if wanted else self.transport.pause_reading()

    # Called by Exchange

    def begun(self) -> None:
        self._answering.stop()

    def ended(self, exchange: Exchange) -> None:
        self.server_state.total_requests += 1
        if not exchange.keep_alive:
            self._linger() if self._parser.left or not exchange.received else self._close()
        else:
            self.advance()

    def leave_http(self, head: bytes, upgraded: bool) -> Outlet:
        """Hand over the transport, after the head of an answer that has no end of its own. Further input is raw after
        an upgrade, and otherwise ignored."""
        early = self._parser.take()
        self.closing, self.exchange = True, None
        self._reading.end()
        self._answering.end()
        self._connections.discard(self)
        kind = functools.partial(Tunnel, early) if upgraded else Outlet
        outlet = kind(self.transport, self._connections, WRITE_SECONDS, WRITE_BYTES)
        outlet.write(head)
        return outlet

    def fail(self, exchange: Exchange, problem: Problem) -> None:
        """End a request that the application did not answer completely."""
        if exchange is self.exchange:
            self._refuse(problem)

    def _refuse(self, problem: Problem) -> None:
        """Answer with `problem`, if no answer has begun, and end the connection."""
        if self.closing:
            return
        if self.exchange is not None and self.exchange.begun:
            broken = self._reset if self.exchange.ends_with_connection else self._close
            self._linger() if self.exchange.ended else broken()
            return
        with span("refused", parent=parent_from(None)):
            refused = render(problem, "*")
            headers = {**SECURITY_HEADERS, **refused.headers, "x-trace-id": trace_id(), "connection": "close"}
            access_log.info("refused %s", problem.code)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        status = f"HTTP/1.1 {refused.status_code} {title_of(refused.status_code)}\r\n"
        self.transport.write(f"{status}{head}\r\n".encode() + bytes(refused.body))
        self._linger()

    def _leave(self) -> None:
        self.closing = True
        self._parser.clear()
        if self.exchange is not None:
            self.exchange.leave()
            self.exchange = None

    def _linger(self) -> None:
        """Stop sending and discard input for a while: closing at once would reset the connection of a client that is
        still sending, and lose the answer (RFC 9112 §9.6)."""
        self._leave()
        with contextlib.suppress(OSError):  # the client has disconnected
            self.transport.write_eof()
        self._read_on(True)
        self.watch()
        self._reading.start("lingering", LINGER_SECONDS, self._close)

    def _close(self) -> None:
        """Close when the written data is taken or the write deadline has passed."""
        self._leave()
        self._reading.stop()
        self.transport.close()
        self.watch()

    def _reset(self) -> None:
        """Reset the connection (RST), which no client mistakes for the end of an answer."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def eof_received(self) -> None:
        self._close()

    # Deadlines

    def watch(self) -> None:
        """Start the deadline of each state that has changed."""
        left = self.transport.get_write_buffer_size() if self.write_paused or self.closing else 0
        if left:
            self._answering.start("writing", WRITE_SECONDS, functools.partial(self._writing_is_late, left))
        elif self.exchange is not None and not self.exchange.begun:
            turn = (self._parser.requests, self.exchange.asked)
            self._answering.start(turn, HANDLING_SECONDS, self._handling_is_late)
        else:
            self._answering.stop()
        if self.closing:
            return
        if self._parser.in_head:
            self._reading.start(("head", self._parser.requests), HEAD_SECONDS, self._request_is_late)
        elif self.exchange is None:
            seconds = KEEP_ALIVE_SECONDS if self._parser.requests else HEAD_SECONDS
            self._reading.start(("idle", self._parser.requests), seconds, self._close)
        elif self.exchange.waits_for_body:
            pace = ("body", self._parser.requests, self.exchange.taken // BODY_BYTES)
            self._reading.start(pace, BODY_SECONDS, self._request_is_late)
        else:
            self._reading.stop()

    def _request_is_late(self) -> None:
        if self.exchange is not None and self.exchange.ended:  # the rest of an unneeded body
            self._close()
        else:
            self._refuse(REQUEST_TIMEOUT())

    def _handling_is_late(self) -> None:
        logger.error("a request was not answered in time")
        task = self._task
        self._refuse(UNAVAILABLE())
        task.cancel()

    def _writing_is_late(self, before: int) -> None:
        if before - self.transport.get_write_buffer_size() < WRITE_BYTES:
            self.transport.abort()
        else:
            self._answering.stop()
            self.watch()
