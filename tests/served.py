"""The HTTP server of `python -m api` in a thread of the test process, with the test's application and deadlines."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.kernel.wire.server import Protocol
from tests.patient import SECONDS
from tests.wire import Answer, read_answer

GET = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
EARLY = b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
LARGE = 8 * 1024 * 1024
"""More than the kernel buffers for a connection: up to 4 MiB of the server's and twice RECEIVED of the client's."""
RECEIVED = 256 * 1024
"""Bytes of a client's receive buffer. By default the kernel enlarges it up to tcp_rmem, which may exceed LARGE."""
PACE = 0.01


class Application:
    """/echo answers with the body, /early before reading it, /large and /stream with much data, /never does not
    answer."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.called.append(scope["path"])
        self.active += 1
        try:
            response = await self._response(scope, receive)
            await response(scope, receive, send)
        finally:
            self.active -= 1

    async def _response(self, scope: Scope, receive: Receive) -> Response:
        match scope["path"]:
            case "/echo":
                return Response(await Request(scope, receive).body())
            case "/large":
                return Response(bytes(LARGE))
            case "/stream":
                return StreamingResponse(_endless())
            case "/never":
                await asyncio.Event().wait()
        return Response(b"early", 404)


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield bytes(65536)


class Served:
    """The running server. The state of its connections is read from another thread."""

    def __init__(self, server: uvicorn.Server, port: int) -> None:
        self._server, self.port = server, port
        self._loop: asyncio.AbstractEventLoop = server.servers[0].get_loop()

    def connect(self) -> socket.socket:
        sock = socket.socket()
        sock.settimeout(SECONDS)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)  # before the window is announced
        sock.connect(("127.0.0.1", self.port))
        return sock

    def connections(self) -> int:
        return len(self._server.server_state.connections)

    def connection(self) -> Protocol:
        """Return the only connection."""
        [connection] = self._server.server_state.connections
        assert isinstance(connection, Protocol)
        return connection

    def unsent(self) -> int:
        """Return the number of bytes that the process buffers because the client does not read them."""
        return sum(each.transport.get_write_buffer_size() for each in list(self._server.server_state.connections))

    def call(self, what: Callable[[Protocol], None]) -> None:
        """Call a function with the only connection, in its event loop."""
        self._loop.call_soon_threadsafe(what, self.connection())

    def call_soon(self, what: Callable[[], None]) -> None:
        """Do something in the server's event loop."""
        self._loop.call_soon_threadsafe(what)

    def answers(self, *segments: bytes) -> list[Answer]:
        """Send the segments and return all answers until the connection ends."""
        with self.connect() as sock, sock.makefile("rb") as stream:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for segment in segments:
                with contextlib.suppress(ConnectionError):
                    sock.sendall(segment)
            found = []
            while answer := read_answer(stream):
                found.append(answer)
            return found


@contextlib.contextmanager
def serve(app: ASGIApp, loop: str = "uvloop", **options: Any) -> Iterator[Served]:
    """Serve `app` until the block ends; `options` are uvicorn's."""
    config = uvicorn.Config(
        app, http="api.kernel.wire.server:Protocol", loop=loop, ws="none", log_config=None,
        access_log=False, timeout_graceful_shutdown=1, **{"lifespan": "off"} | options,
    )  # fmt: skip
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            until(lambda: server.started)
            yield Served(server, listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def ends(sock: socket.socket) -> bytes:
    """Read until the server ends the connection, possibly by a reset."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := sock.recv(65536):
            received += part
    return received


def trickle(sock: socket.socket, start: bytes) -> bytes:
    """Send `start`, then one byte at a time until the server ends the connection. Returns its answer."""
    received = b""
    sock.sendall(start)
    sock.settimeout(PACE)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            part = sock.recv(65536)
            if not part:
                return received
            received += part
        except TimeoutError:
            with contextlib.suppress(ConnectionError):
                sock.send(b"x")
        except ConnectionError:
            return received
    raise AssertionError("the server keeps the connection")


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another thread establishes."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
