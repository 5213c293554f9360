"""The web process: uvicorn's configuration, its sockets, and its shutdown."""

import asyncio
import functools
import resource
import signal
import socket
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from api.kernel.settings import Settings
from api.kernel.wire.server import SPARE_CONNECTIONS

DRAIN_SECONDS = 1.0
"""Time between readiness reporting failure and closing the listening socket, for routers to notice."""
GRACE_SECONDS = 7
LISTENERS = 8
"""Handles of each listening socket. libuv accepts one connection for each of them in a turn of the loop; with one, many
clients that connect to a busy process would wait many turns."""
RESERVED_FILES = 100
"""File descriptors reserved for other uses than clients' connections: databases, brokers, logs."""


class Supervisor(Multiprocess):
    """uvicorn's parent of WEB_CONCURRENCY processes. Refuses new connections once the processes do."""

    def terminate_all(self) -> None:
        super().terminate_all()
        for listener in self.sockets:
            listener.close()  # this process's copy, which would accept connections that nothing serves


def configuration(settings: Settings) -> uvicorn.Config:
    """Return uvicorn's configuration for one process or WEB_CONCURRENCY processes."""
    return uvicorn.Config(
        "api.app:create",
        factory=True,
        http="api.kernel.wire.server:Protocol",
        loop="uvloop",
        ws="none",
        lifespan="on",
        workers=settings.web_concurrency,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # api/kernel/config/networks.py evaluates them
        limit_concurrency=_connections(settings.max_connections),
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _connections(wanted: int) -> int:
    """Return the wanted number of connections, limited by the available file descriptors."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the soft limit of a shell is often 1024
    return max(1, min(wanted, most - SPARE_CONNECTIONS - RESERVED_FILES))


def bind(settings: Settings) -> list[socket.socket]:
    """Open the listening sockets. `localhost` means both loopback addresses, if the machine has IPv6; `::` accepts IPv4
    too. Raises OSError naming the address."""
    if settings.host == "localhost":
        bound = [_bound("127.0.0.1", settings.port), *_bound_if_possible("::1", settings.port)]
    else:
        bound = [_bound(settings.host, settings.port)]
    for listener in [*bound] * (LISTENERS - 1):
        bound.append(listener.dup())
        bound[-1].set_inheritable(True)
    return bound


def _bound(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"{error.strerror}: {host}, port {port}") from None
    listener.set_inheritable(True)
    return listener


def _bound_if_possible(host: str, port: int) -> list[socket.socket]:
    try:
        return [_bound(host, port)]
    except OSError:
        return []


def drain_on_signals(draining: asyncio.Event) -> None:
    """On SIGTERM or SIGINT: report not ready, keep answering for DRAIN_SECONDS, then let uvicorn finish requests in
    progress and exit."""
    loop = asyncio.get_running_loop()

    def drain(then: Any, number: int, frame: FrameType | None) -> None:
        if not draining.is_set():
            loop.call_soon_threadsafe(draining.set)
            loop.call_soon_threadsafe(loop.call_later, DRAIN_SECONDS, then, number, frame)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, functools.partial(drain, signal.getsignal(number)))
