"""The load generator: keep-alive connections on the second core, each sending its next request when the previous answer
has arrived. All lines use it, so its cost cancels out in the ratios; the line `raw ASGI` shows where it would become
the bottleneck."""

import asyncio
import functools
import os
import time
from collections.abc import Callable, Iterator
from typing import cast

import msgspec
import uvloop

CONNECTIONS = 32


class Load(msgspec.Struct, frozen=True):
    """The result of a round: requests per second, latencies in milliseconds, answers other than 2xx."""

    rate: float
    p50: float
    p99: float
    refused: int


Requests = Callable[[int], Iterator[bytes]]
"""The requests of a connection, by its number; each is taken after the answer to the previous one."""
Answered = Callable[[int, bytes], None]
"""Called with the connection's number and an answer's body, before the connection's next request."""


class _Client(asyncio.Protocol):
    def __init__(
        self,
        requests: Iterator[bytes],
        answered: Callable[[bytes], None] | None,
        until: float,
        latencies: list[float],
        refused: list[bytes],
    ) -> None:
        self.requests, self.answered, self.until = requests, answered, until
        self.latencies, self.refused = latencies, refused
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._next()

    def _next(self) -> None:
        self.began = time.perf_counter()
        request = next(self.requests, None) if self.began < self.until else None
        if request is None:
            self.transport.close()
        else:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return
        fields = head.lower()
        mark = fields.find(b"content-length: ")
        length = int(head[mark + 16 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
        if len(body) < length or (b"chunked" in fields and not body.endswith(b"0\r\n\r\n")):
            return
        self.latencies.append(time.perf_counter() - self.began)
        if head[9:10] != b"2":
            self.refused.append(self.received)
        elif self.answered:
            self.answered(body)
        self.received = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self.done.set_result(None)


async def driving(
    port: int, seconds: float, requests: Requests, connections: int = CONNECTIONS, answered: Answered | None = None
) -> Load:
    """Load a server from a running loop, for so many seconds or until the requests are exhausted."""
    loop, latencies, refused = asyncio.get_running_loop(), list[float](), list[bytes]()
    began = time.perf_counter()
    clients = [
        _Client(requests(n), functools.partial(answered, n) if answered else None, began + seconds, latencies, refused)
        for n in range(connections)
    ]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.wait_for(asyncio.gather(*(client.done for client in clients)), seconds + 30)
    took = time.perf_counter() - began
    latencies.sort()
    if refused:
        print(f"      {len(refused)} refused; the first: {refused[0][:300]!r}")
    return Load(
        len(latencies) / took,
        latencies[len(latencies) // 2] * 1000,
        latencies[int(len(latencies) * 0.99)] * 1000,
        len(refused),
    )


def drive(
    port: int, seconds: float, requests: Requests, connections: int = CONNECTIONS, answered: Answered | None = None
) -> Load:
    """Load a server for so many seconds, or until the requests are exhausted."""
    with on_core(LOAD_CORE):
        return uvloop.run(driving(port, seconds, requests, connections, answered))


def request(method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return a complete HTTP/1.1 request."""
    fields = {"host": "localhost", **(headers or {})}
    if body or method != "GET":
        fields["content-length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


SERVER_CORE, LOAD_CORE = (0, 1) if (os.cpu_count() or 1) > 1 else (0, 0)


class on_core:
    """Pins this process, or its children, to a core for the length of a block."""

    def __init__(self, core: int) -> None:
        self.core = core

    def __enter__(self) -> None:
        self.before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self.core})

    def __exit__(self, *_: object) -> None:
        os.sched_setaffinity(0, self.before)
