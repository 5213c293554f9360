"""Point 2: each state of a connection has a deadline: silence, head, body, writing, and the rest of a body after an
answer."""

import contextlib
import socket
import time
from collections.abc import Callable

from tests.attacks.attack import attack, held, none_broken
from tests.attacks.raw import Wire, request
from tests.attacks.site import Site
from tests.attacks.world import World

LONGEST = 40.0
"""Seconds in which each of these must end; a head and a body have ten each."""


def outlast(site: Site, wires: dict[str, tuple[Wire, bytes]]) -> None:
    """Send each connection its next byte once a second; none may be open after LONGEST seconds."""
    ends = {name: wire.end for name, (wire, _) in wires.items()}
    deadline = time.monotonic() + LONGEST
    left = dict(wires)
    while left and time.monotonic() < deadline:
        for wire, keep in left.values():
            with contextlib.suppress(OSError):
                wire.is_open()
                if keep:
                    wire.socket.send(keep)
        time.sleep(1)
        left = {name: wires[name] for name in left if site.sockets({ends[name]})}
    for wire, _ in wires.values():
        wire.socket.close()
    none_broken(dict.fromkeys(left, f"still held by the server after {LONGEST:.0f} s"))


@attack(2, waits=True)
def no_trickle_outlives_its_deadline(world: World) -> None:
    """A head, body, chunk or trailer at a byte a second, and a body missing after its answer, end in time"""
    site = world.dev
    host = site.host
    json = "Content-Type: application/json"
    long, chunks = "Content-Length: 60000", "Transfer-Encoding: chunked"
    upgrade = ("Connection: Upgrade", "Upgrade: websocket")

    def wire(*segments: bytes) -> Wire:
        return site.wire().send(*segments, pause=0.2)

    wires = {
        "silence": (wire(), b""),
        "blank lines": (wire(b"\r\n"), b"\r\n"),
        "head": (wire(b"GET /api/health HTTP/1.1\r\nX: "), b"a"),
        "request line": (wire(b"GET /"), b"a"),
        "second head": (wire(request("GET", "/api/health", host), b"GET /api/health HTTP/1.1\r\nX: "), b"a"),
        "body": (wire(request("POST", "/api/auth/verify", host, b"", long, json)), b" "),
        "login body": (
            wire(
                request(
                    "POST", "/api/auth/jwt/login", host, b"", long, "Content-Type: application/x-www-form-urlencoded"
                )
            ),
            b"a",
        ),
        "body in chunks": (wire(request("POST", "/api/auth/verify", host, b"", chunks, json)), b"1\r\n \r\n"),
        "chunk extension": (wire(request("POST", "/api/auth/verify", host, b"", chunks, json), b"5;"), b"a"),
        "trailers": (wire(request("POST", "/api/auth/verify", host, b"", chunks, json), b"0\r\n"), b"X: y\r\n"),
        "body after 404": (wire(request("POST", "/api/nowhere", host, b"", long)), b"a"),
        "body after 405": (wire(request("PUT", "/api/health", host, b"", long)), b"a"),
        "body after 401": (wire(request("PATCH", "/api/users/me", host, b"", long, json)), b"a"),
        "body after 415": (wire(request("POST", "/api/auth/verify", host, b"", long, "Content-Type: text/csv")), b"a"),
        "body after 413": (
            wire(request("POST", "/api/auth/verify", host, b"", "Content-Length: 99999999", json)),
            b"a",
        ),
        "body of a GET": (wire(request("GET", "/api/health", host, b"", long)), b"a"),
        "chunks after 404": (wire(request("POST", "/api/nowhere", host, b"", chunks)), b"1\r\na\r\n"),
        "one byte more, then silence": (wire(request("POST", "/api/nowhere", host, b"", long), b"a"), b""),
        "body beside an upgrade": (
            wire(request("POST", "/api/auth/verify", host, b"", long, json, *upgrade), b"a"),
            b"a",
        ),
        "upgrade, then silence": (wire(request("GET", "/api/health", host, b"", *upgrade), b"a"), b""),
        "expect": (wire(request("POST", "/api/auth/verify", host, b"", long, json, "Expect: 100-continue")), b""),
        "a bad request goes on": (wire(b"BAD\x00 / HTTP/1.1\r\n\r\n"), b"a"),
        "close, and goes on": (wire(request("GET", "/api/health", host, b"", "Connection: close")), b"a"),
        "a static file's body": (wire(request("GET", "/", host, b"", long)), b"a"),
    }
    half = site.wire().send(request("POST", "/api/auth/verify", host, b"", long, json), b"{")
    half.socket.shutdown(socket.SHUT_WR)
    wires["half closed"] = (half, b"")
    outlast(site, wires)


@attack(2, waits=True)
def three_hundred_with_a_missing_body_are_closed(world: World) -> None:
    """300 connections with an answer sent, a body missing and one more byte release their descriptors"""
    site = world.dev
    ends = set()
    wires = []
    try:
        for _ in range(300):
            wire = site.wire().send(request("POST", "/api/nowhere", site.host, b"", "Content-Length: 1000"))
            wires.append(wire)
            ends.add(wire.end)
        time.sleep(1)
        for wire in wires:
            wire.send(b"x")
        deadline = time.monotonic() + LONGEST
        while (left := site.sockets(ends)) and time.monotonic() < deadline:
            time.sleep(1)
        held(not left, f"{left} of 300 are still held after {LONGEST:.0f} s")
    finally:
        for wire in wires:
            wire.socket.close()


@attack(2, waits=True)
def clients_that_do_not_read_are_closed(world: World) -> None:
    """520 connections that never read their answers are closed and delay no others"""
    site = apart(world)
    ask = request("GET", "/api/openapi.json", site.host) * 8
    greedy(site, ask, 520, lambda: site.latency("/api/openapi.json"))


@attack(2, waits=True)
def a_reader_of_one_byte_a_second_is_closed(world: World) -> None:
    """Answers read at a byte a second are aborted"""
    site = apart(world)
    wires = []
    for _ in range(5):
        wire = site.wire(receive_buffer=2048)
        wires.append(wire.send(request("GET", "/api/openapi.json", site.host) * 40))
    ends = {wire.end for wire in wires}
    deadline = time.monotonic() + LONGEST + 10
    while site.sockets(ends) < len(ends) and time.monotonic() < deadline - LONGEST:
        time.sleep(0.1)
    while (left := site.sockets(ends)) and time.monotonic() < deadline:
        for wire in wires:
            with contextlib.suppress(OSError):
                wire.socket.setblocking(False)
                wire.socket.recv(1)
        time.sleep(1)
    for wire in wires:
        wire.socket.close()
    held(not left, f"{left} of 5 are still held after {LONGEST + 10:.0f} s")


def apart(world: World) -> Site:
    """A separate process, which may be blocked without affecting other attacks."""
    return world.production(
        ENVIRONMENT="development",
        PUBLIC_URL="http://localhost:8000",
        RATE_LIMIT_ANONYMOUS="1000000/hour",
    )


def greedy(site: Site, ask: bytes, count: int, other: Callable[[], float]) -> None:
    wires = []
    try:
        for _ in range(count):
            wire = site.wire(receive_buffer=2048)
            wire.socket.setblocking(False)
            with contextlib.suppress(OSError):
                wire.socket.send(ask)
            wires.append(wire)
        ends = {wire.end for wire in wires}
        time.sleep(2)
        with site.wire() as wire:
            wire.send(request("GET", "/api/openapi.json", site.host, b"", "Connection: close"))
            answers = wire.read(20)
        deadline = time.monotonic() + LONGEST
        while (left := site.sockets(ends)) and time.monotonic() < deadline:
            time.sleep(1)
        held(not left, f"{left} of {count} are still held after {LONGEST:.0f} s")
        held(answers and answers[0].status == 200, f"another client got {[a.status for a in answers]} meanwhile")
        held(other() < 10, "another client waits for more than 10 s afterwards")
    finally:
        for wire in wires:
            wire.socket.close()
