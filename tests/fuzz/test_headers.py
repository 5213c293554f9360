"""Arbitrary bytes in every kind of header that the application parses: the answer is always a documented one."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.features import FEATURES
from api.kernel.contract.openapi import document
from api.kernel.http.cookies import ACCESS, REFRESH, XSRF
from tests.fuzz.conftest import World
from tests.wire import Answer, read_answer

PATHS: dict[str, Any] = json.loads(document(FEATURES))["paths"]
ROUTES = {
    "GET /users/me": b"",
    "POST /auth/verify": b'{"token":"x"}',
    "POST /auth/jwt/logout": b"",
}
NAMES = (
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Cookie",
    "If-Match",
    "If-None-Match",
    "Origin",
    "Traceparent",
    "User-Agent",
    "X-Forwarded-For",
    "X-XSRF-Token",
)
# Texts that their parsers look for; TOKEN is replaced by a valid one.
PIECES = (
    *(b"TOKEN", b"Bearer ", b"bearer\t", b"Basic ", b"eyJhbGciOiJub25lIn0.", b"."),
    *(f"{name}=".encode() for name in (ACCESS, REFRESH, XSRF)),
    *(b'"', b"W/", b"*", b", ", b"; ", b"=", b"%00", b"\\", b"\t", b"\x00", b"\xff", "ü".encode(), b"9" * 30),
    *(b"application/json", b"charset=utf-8", b"de-AT", b"q=0.5", b"q=nan", b"-", b"http://localhost:4200", b"null"),
    *(b"127.0.0.1", b"::ffff:1.2.3.4", b"fe80::1%eth0", b"[::1]:80", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"),
)
# A line break would start another header, which test_server_wire.py tests.
VALUES = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join),
    st.binary(max_size=200).map(lambda value: value.translate(None, b"\r\n")),
)
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), min_size=1, max_size=5)


@pytest.mark.parametrize("route", ROUTES)
@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(headers=HEADERS, by_cookie=st.sampled_from(["header", "cookie", None]))
def test_no_bytes_in_a_header_cause_a_failure(
    world: World, route: str, headers: list[tuple[str, bytes]], by_cookie: str | None
) -> None:
    token = world.sign_up().token.encode()
    own = {"header": b"Authorization: Bearer TOKEN", "cookie": f"Cookie: {ACCESS}=TOKEN".encode(), None: b"X: x"}
    lines = [own[by_cookie], *(name.encode() + b": " + value for name, value in headers)]
    answer = ask(world, route, [line.replace(b"TOKEN", token) for line in lines])
    method, path = route.split()
    if answer.status < 400:
        assert str(answer.status) in PATHS[path][method.lower()]["responses"]
    else:
        told = PATHS[path][method.lower()]["responses"].get(str(answer.status))
        assert answer.status < 500
        # Invalid or oversized HTTP is refused before routing.
        assert answer.code in ("MALFORMED_REQUEST", "REQUEST_HEADER_FIELDS_TOO_LARGE") or (
            answer.code in told["content"]["application/problem+json"]["examples"]
        )


def ask(world: World, route: str, lines: list[bytes]) -> Answer:
    method, path = route.split()
    head = [f"{method} /api{path} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close"]
    body = ROUTES[route]
    if body:
        head += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    with world.web.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(b"\r\n".join([*head, *lines]) + b"\r\n\r\n" + body)
        answer = read_answer(stream)
    assert answer is not None, "the connection ended without an answer"
    return answer


def test_no_failure_was_logged(world: World) -> None:
    """Depends on the tests before it, which made the calls."""
    assert world.signed_up
    assert world.web.stop() == 0
    assert '"level": "ERROR"' not in world.web.logged()
    assert "unhandled exception" not in world.web.logged()
    assert b"db.refused_values" not in world.collecting.received
