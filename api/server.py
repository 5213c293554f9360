"""uvicorn's manners: an HTTP/1.1 protocol with the caps that httptools lacks, refusals in our one shape, and a gentle
end. httptools is four times as fast as h11 and has no limit on a request's head (docs/architecture.md, “Choices”);
this file is that limit."""

import asyncio
import functools
import re
import signal
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from api.kernel.errors import MALFORMED_REQUEST, REQUEST_TIMEOUT, Problem, problem, render, title_of, trace_id
from api.kernel.settings import Settings
from api.kernel.telemetry import SECURITY_HEADERS, access_log, parent_from, span

HEAD_BYTES = 16 * 1024
HEAD_FIELDS = 100
HEAD_SECONDS = 10.0
DRAIN_SECONDS = 1.0
"""How long readiness says no before the listening socket closes: a router needs to hear of it."""
GRACE_SECONDS = 7
KEEP_ALIVE_SECONDS = 95
"""Longer than a PaaS router keeps its own idle connections, so that it is never us who close one it is about to use."""

HEAD_TOO_LARGE = problem(
    431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "The request's head is larger than 16 KiB or 100 fields."
)
_HOST = re.compile(
    rb"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-5][0-9]{2}))?"
)


class Refused(Exception):
    """Raised inside the parser's callbacks; httptools turns it into a parser error, which ends in
    `send_400_response`."""


class Protocol(HttpToolsProtocol):
    """One connection. What it refuses never becomes an ASGI call, so nothing behind it can be made to see it."""

    refusal: type[Problem] = MALFORMED_REQUEST
    begun = refused = False
    silent_bytes = 0
    """What was received since the parser last told of something; it keeps all of that in memory."""
    head_timer: asyncio.TimerHandle | None = None
    """Runs while a head is awaited."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.silent_bytes += len(data)
        super().data_received(data)
        if self.silent_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.refusal = HEAD_TOO_LARGE  # still no end of it
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.begun = True
        if self.head_timer is None:
            self.head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head_timer is not None:  # a field after the body (a trailer) must not pass for one of the head
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self.silent_bytes = 0
        names = [name for name, _ in self.headers]
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES or len(names) > HEAD_FIELDS:
            self.refusal = HEAD_TOO_LARGE
            raise Refused
        hosts = [value for name, value in self.headers if name == b"host"]
        # Both framings at once is how requests are smuggled past a proxy that believes the other one (RFC 9112 §6.1).
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]) or {b"content-length", b"transfer-encoding"} <= set(names):
            raise Refused
        if self.parser.get_http_version() not in ("1.1", "1.0"):  # a line without any is HTTP/0.9
            raise Refused
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        self.silent_bytes = 0

    def on_body(self, body: bytes) -> None:
        self.silent_bytes = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        accepted = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        if self.pipeline or accepted:  # answers come in the order of their requests: those before are owed theirs first
            if self.pipeline and self.cycle.more_body and not self.refused:
                self.pipeline.popleft()  # it is the body of this one that is refused
            self.refused = True
            self.flow.pause_reading()
            return
        with span("refused", parent=parent_from(None)):
            refused = render(self.refusal(), "*")
            headers = {**SECURITY_HEADERS, **refused.headers, "x-trace-id": trace_id(), "connection": "close"}
            access_log.info("refused %s", self.refusal.code)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(
            f"HTTP/1.1 {refused.status_code} {title_of(refused.status_code)}\r\n{head}\r\n".encode()
            + bytes(refused.body)
        )
        self.transport.close()

    def on_response_complete(self) -> None:
        if self.refused and not self.pipeline and not self.transport.is_closing():
            self.send_400_response("")
        else:
            super().on_response_complete()

    def _stop_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _head_is_late(self) -> None:
        self.head_timer = None
        if self.begun:
            self.refusal = REQUEST_TIMEOUT
            self.send_400_response("")
        else:  # not a byte of a request: nobody waits for an answer
            self.transport.close()


class Supervisor(Multiprocess):
    """uvicorn's parent of WEB_CONCURRENCY processes, which refuses new connections once those do."""

    def terminate_all(self) -> None:
        super().terminate_all()
        for socket in self.sockets:
            socket.close()  # of this process alone; kept open, it would let clients connect to nobody


def configuration(settings: Settings) -> uvicorn.Config:
    """How uvicorn runs this application, in one process or in WEB_CONCURRENCY of them."""
    return uvicorn.Config(
        "api.app:create",
        factory=True,
        host="0.0.0.0",
        port=settings.port,
        http=Protocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        workers=settings.web_concurrency,
        log_config=None,
        access_log=False,
        server_header=False,
        # Named in code: with a PaaS' FORWARDED_ALLOW_IPS=* the leftmost, forgeable address would be believed.
        proxy_headers=True,
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def drain_on_signals(draining: asyncio.Event) -> None:
    """On SIGTERM or SIGINT: say not ready, go on answering for DRAIN_SECONDS, then let uvicorn finish what is in
    flight and end."""
    loop = asyncio.get_running_loop()

    def drain(then: Any, number: int, frame: FrameType | None) -> None:
        if not draining.is_set():
            loop.call_soon_threadsafe(draining.set)
            loop.call_soon_threadsafe(loop.call_later, DRAIN_SECONDS, then, number, frame)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, functools.partial(drain, signal.getsignal(number)))
