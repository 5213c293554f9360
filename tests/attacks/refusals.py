"""Points 4 and 5: a refusal arrives completely, and no request line causes an error in a library."""

import contextlib
import socket
import threading
import time

from tests.attacks.attack import attack, held, none_broken
from tests.attacks.raw import Wire, chunked, request
from tests.attacks.site import Site
from tests.attacks.world import World

TOO_LARGE = ("100 kB", 100_000), ("1 MB", 1_000_000), ("6 MB", 6_000_000)


def post(port: int, head: bytes, body: bytes) -> tuple[int, bytes]:
    """Send the whole body, then read. Returns the status, or 0 without an answer, and the body."""
    with Wire(port) as wire:
        wire.socket.settimeout(15)
        sent = threading.Thread(target=wire.send, args=(head, body), kwargs={"pause": 0.0})
        sent.start()
        sent.join()
        answers = wire.read(15, until=1)
    return (answers[0].status, answers[0].body) if answers else (0, b"")


@attack(4)
def a_refusal_of_what_is_too_large_arrives(world: World) -> None:
    """413 reaches a client that sends its whole body first, by length and in chunks, on every route"""
    site = world.dev
    found = {}
    for name, size in TOO_LARGE:
        body = b"{" + b" " * size + b"}"
        for path in ("/api/auth/register", "/api/auth/verify", "/api/auth/jwt/login", "/api/auth/refresh"):
            content = "application/x-www-form-urlencoded" if "login" in path else "application/json"
            told = [f"Content-Type: {content}", f"Content-Length: {len(body)}"]
            statuses = [post(site.direct, request("POST", path, site.host, b"", *told), body)[0] for _ in range(3)]
            if statuses != [413] * 3:
                found[f"{path} {name}"] = str(statuses)
        head = request(
            "POST", "/api/auth/register", site.host, b"", "Content-Type: application/json", "Transfer-Encoding: chunked"
        )
        statuses = [post(site.direct, head, chunked(body, 16000))[0] for _ in range(3)]
        if statuses != [413] * 3:
            found[f"in chunks {name}"] = str(statuses)
    none_broken(found)


@attack(4)
def every_early_refusal_arrives(world: World) -> None:
    """401, 403, 404, 405 and 415 reach a client that sends a megabyte with them"""
    site = world.dev
    body = b" " * 1_000_000
    json = "Content-Type: application/json"
    asked = {
        "404": ("POST", "/api/nowhere", json),
        "405": ("PUT", "/api/auth/verify", json),
        "415": ("POST", "/api/auth/verify", "Content-Type: text/csv"),
        "401": ("PATCH", "/api/users/me", json),
        "static": ("POST", "/index.html", json),
    }
    found = {}
    for name, (method, path, content) in asked.items():
        head = request(method, path, site.host, b"", content, f"Content-Length: {len(body)}")
        statuses = [post(site.direct, head, body)[0] for _ in range(4)]
        if not all(400 <= status < 500 for status in statuses):
            found[name] = str(statuses)
    none_broken(found)


@attack(4)
def nginx_passes_the_413_on(world: World) -> None:
    """Behind nginx, buffering or not, 413 never becomes 502"""
    site = world.production()
    site.needs_nginx()
    found = {}
    for port in (site.port, site.streaming):
        for name, size in TOO_LARGE:
            body = b" " * size
            statuses = []
            for number in range(8):
                head = request(
                    "POST",
                    "/api/auth/register",
                    site.host,
                    b"",
                    "Content-Type: application/json",
                    f"Content-Length: {size}",
                    f"X-Attack-From: 12.0.{2 + size % 7}.{number}",
                )
                statuses.append(post(port, head, body)[0])
            if any(status != 413 for status in statuses):
                found[f"{'streaming' if port == site.streaming else 'buffering'} {name}"] = str(statuses)
    none_broken(found)


@attack(4, waits=True)
def an_endless_body_is_not_read_for_ever(world: World) -> None:
    """Reading after a refusal is bounded in bytes and in seconds"""
    site = world.dev
    json = ("Content-Type: application/json",)
    found = {}
    for name, framing in (("length", "Content-Length: 9000000000"), ("chunks", "Transfer-Encoding: chunked")):
        for path in ("/api/auth/verify", "/api/nowhere"):
            piece = b"4000\r\n" + b"x" * 16384 + b"\r\n" if name == "chunks" else b"x" * 16384
            sent, began, ended = 0, time.monotonic(), False
            with site.wire() as wire:
                wire.send(request("POST", path, site.host, b"", *json, framing))
                wire.socket.settimeout(2)
                while time.monotonic() - began < 30 and sent < 512 << 20:
                    try:
                        sent += wire.socket.send(piece)
                    except TimeoutError:
                        continue
                    except OSError:
                        ended = True
                        break
            if not ended:
                found[f"{path} by {name}"] = f"took {sent >> 20} MB in {time.monotonic() - began:.0f} s"
    none_broken(found)


LINES = [
    b"OPTIONS * HTTP/1.1",
    b"GET * HTTP/1.1",
    b"DELETE * HTTP/1.1",
    b"PATCH * HTTP/1.1",
    b"POST * HTTP/1.1",
    b"HEAD * HTTP/1.1",
    b"TRACE * HTTP/1.1",
    b"FOO * HTTP/1.1",
    b"OPTIONS ** HTTP/1.1",
    b"OPTIONS *? HTTP/1.1",
    b"OPTIONS *#x HTTP/1.1",
    b"GET ? HTTP/1.1",
    b"GET ?x=1 HTTP/1.1",
    b"GET # HTTP/1.1",
    b"GET /# HTTP/1.1",
    b"GET // HTTP/1.1",
    b"GET //evil.example/x HTTP/1.1",
    b"GET /// HTTP/1.1",
    b"GET /% HTTP/1.1",
    b"GET /%zz HTTP/1.1",
    b"GET /%00 HTTP/1.1",
    b"GET /%ff%fe HTTP/1.1",
    b"GET /\xff\xfe HTTP/1.1",
    b"GET /api/%2e%2e/x HTTP/1.1",
    b"GET /api/users/%00 HTTP/1.1",
    b"GET /api/users/\xc3\xa9 HTTP/1.1",
    b"GET http:// HTTP/1.1",
    b"GET http:/// HTTP/1.1",
    b"GET http://[ HTTP/1.1",
    b"GET http://[::1/x HTTP/1.1",
    b"GET http://[::1]:99999/ HTTP/1.1",
    b"GET http://a:b/ HTTP/1.1",
    b"GET http://@/ HTTP/1.1",
    b"GET https://localhost/api/health HTTP/1.1",
    b"GET ftp://x/ HTTP/1.1",
    b"GET mailto:a HTTP/1.1",
    b"GET api/health HTTP/1.1",
    b"GET . HTTP/1.1",
    b"CONNECT a:443 HTTP/1.1",
    b"CONNECT / HTTP/1.1",
    b"CONNECT * HTTP/1.1",
    b"GET / HTTP/1.1 ",
    b"GET  / HTTP/1.1",
    b"GET\t/ HTTP/1.1",
    b"GET / HTTP/0.9",
    b"GET / HTTP/1.2",
    b"GET / HTTP/2.0",
    b"GET / HTTP/9.9",
    b"GET / http/1.1",
    b"GET / HTTP/1",
    b"GET / HTTP/11",
    b"GET /",
    b"get / HTTP/1.1",
    b"G\x00T / HTTP/1.1",
    b"QUERY / HTTP/1.1",
    b"PROPFIND /api HTTP/1.1",
    b"M-SEARCH * HTTP/1.1",
    b"SOURCE / HTTP/1.1",
    b"PRI * HTTP/2.0",
    b"DESCRIBE * RTSP/1.0",
    b"GET /?" + b"a" * 9000 + b" HTTP/1.1",
    b"GET /api/users?q=%ff HTTP/1.1",
    b"GET /api/users?limit=%00 HTTP/1.1",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET /;x=y HTTP/1.1",
    b"GET /api/health/live/ HTTP/1.1",
    b"GET /api HTTP/1.1",
    b"GET /api/ HTTP/1.1",
]
HOSTS = [
    b"",
    b":",
    b"[",
    b"[::1",
    b"a:b",
    b"a:99999",
    b"a b",
    b"a/b",
    b"a@b",
    b"\xff",
    b"xn--",
    b"a" * 5000,
    b"a,b",
    b"%00",
    b"localhost:0",
]


@attack(5)
def no_request_line_gives_500(world: World) -> None:
    """No request line, Host or header causes an error in a library: no 5xx, no stack in the log"""
    found: dict[str, str] = {}
    for where, site in {"development": world.dev, "production": world.production()}.items():
        before = site.logged().count("Traceback")
        host = site.host.encode()
        for line in LINES:
            for extra in (b"", b"Origin: http://localhost:4200\r\nAccess-Control-Request-Method: PUT\r\n"):
                found |= _asked(
                    site,
                    f"{where} {line[:40]!r}",
                    line + b"\r\nHost: " + host + b"\r\n" + extra + b"Connection: close\r\n\r\n",
                )
        for value in HOSTS:
            for line in (b"GET /api/health HTTP/1.1", b"GET /api/users/me HTTP/1.1", b"OPTIONS * HTTP/1.1"):
                found |= _asked(
                    site,
                    f"{where} {line!r} Host {value[:20]!r}",
                    line + b"\r\nHost: " + value + b"\r\nConnection: close\r\n\r\n",
                )
        for header in (
            b"Origin: \xff",
            b"Origin: http://[",
            b"Cookie: \xff=\xff",
            b"Content-Type: \xff",
            b"Authorization: \xff",
            b"Accept-Language: \xff",
            b"If-None-Match: \xff",
            b"traceparent: \xff",
            b"X-Forwarded-For: \xff",
            b"User-Agent: \xff\xfe",
            b"Range: bytes=\xff",
        ):
            for path in (b"/api/users/me", b"/api/.well-known/jwks.json", b"/", b"/api/health/full"):
                found |= _asked(
                    site,
                    f"{where} {header!r} {path!r}",
                    b"GET "
                    + path
                    + b" HTTP/1.1\r\nHost: "
                    + host
                    + b"\r\n"
                    + header
                    + b"\r\nConnection: close\r\n\r\n",
                )
        if (more := site.logged().count("Traceback")) > before:
            found[f"{where} log"] = f"{more - before} stacks in the log"
    none_broken(found)


def _asked(site: Site, name: str, raw: bytes) -> dict[str, str]:
    with site.wire() as wire:
        with contextlib.suppress(OSError):
            wire.socket.sendall(raw)
            wire.socket.shutdown(socket.SHUT_WR)
        answers = wire.read(2)
    bad = [answer.status for answer in answers if answer.status >= 500]
    return {name: str(bad)} if bad else {}


@attack(5)
def every_refusal_is_a_problem_document(world: World) -> None:
    """Refusals before routing have the common shape of errors"""
    site = world.dev
    found = {}
    for line in (
        b"OPTIONS * HTTP/1.1",
        b"DELETE * HTTP/1.1",
        b"GET /api/nowhere HTTP/1.1",
        b"PUT /api/health HTTP/1.1",
    ):
        with site.wire() as wire:
            answers = wire.send(line + b"\r\nHost: " + site.host.encode() + b"\r\n\r\n").read(2, until=1)
        if not answers:
            found[line.decode()] = "no answer"
        elif answers[0].status >= 400 and answers[0].header("content-type") != "application/problem+json":
            found[line.decode()] = f"{answers[0].status} {answers[0].header('content-type')}"
    none_broken(found)
    held(True, "")
