"""Whole requests over the wire, against a real process: bodies, methods, traces and paths."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.kernel.settings import Settings
from tests.wire import LIVE, REFRESH, Answer, Web, read_answer, request, serving


@pytest.fixture(scope="module")
def web(settings: Settings, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(environment, tmp_path_factory.mktemp("web")) as running:
        yield running


def test_a_body_over_the_limit_is_refused_by_its_length_and_by_its_bytes(web: Web) -> None:
    """C-1, C-2."""
    json_type = {"content_type": "application/json"}
    told = web.answers(request("POST", "/api/auth/refresh", content_length="65537", **json_type))
    assert [(answer.status, answer.code) for answer in told] == [(413, "PAYLOAD_TOO_LARGE")]
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    for raw in (REFRESH + chunk * 3, REFRESH + chunk * 1000 + b"0\r\n\r\n"):
        answer, *more = web.answers(raw)
        assert (answer.status, answer.code, more) == (413, "PAYLOAD_TOO_LARGE", [])
        assert answer.headers["connection"] == "close"


def test_no_100_continue_for_a_body_that_will_be_refused(web: Web) -> None:
    ask = {"content_type": "application/json", "expect": "100-continue"}
    assert web.ask(request("POST", "/api/auth/verify", content_length="65537", **ask)).status == 413
    with web.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(request("POST", "/api/auth/verify", content_length="2", **ask))
        assert stream.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert stream.readline() == b"\r\n"
        sock.sendall(b"{}")
        answer = read_answer(stream)
    assert answer is not None
    assert answer.code == "VALIDATION_FAILED"


def test_a_compressed_body_is_refused(web: Web) -> None:
    """C-3."""
    answer = web.ask(
        request("POST", "/api/auth/refresh", b"\x1f\x8b", content_type="application/json", content_encoding="gzip")
    )
    assert (answer.status, answer.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_client_may_disconnect_within_its_body(web: Web) -> None:
    """C-105: no failure is logged, and the process continues."""
    head = request("POST", "/api/auth/refresh", content_type="application/json", content_length="100")
    with web.connect() as sock:
        sock.sendall(head + b"{")
    assert web.get("/api/health/live").status == 200
    assert "Traceback" not in web.logged()
    assert '"failure"' not in web.logged()


def test_every_method_is_answered(web: Web) -> None:
    """C-14."""
    for method, path, status, allow in [
        ("TRACE", "/api/health", 405, "GET, HEAD"),
        ("OPTIONS", "/api/health", 405, "GET, HEAD"),
        ("POST", "/api/health", 405, "GET, HEAD"),
        ("GET", "/api/auth/register", 405, "POST"),
        ("HEAD", "/api/auth/register", 405, "POST"),
        ("PROPFIND", "/", 405, "GET, HEAD"),
        ("DELETE", "/", 405, "GET, HEAD"),
        ("TRACE", "/api/nowhere", 404, None),
        ("POST", "/api/nowhere", 404, None),
        ("GET", "/api", 404, None),
    ]:
        [answer] = [web.ask(request(method, path))] if method != "HEAD" else [_head(web, path)]
        assert (answer.status, answer.headers.get("allow")) == (status, allow), (method, path)
        if method != "HEAD":
            assert answer.code == {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}[status]


def test_head_is_a_get_without_its_body(web: Web) -> None:
    """C-14."""
    got, head = web.get("/api/health/live"), _head(web, "/api/health/live")
    assert (head.status, head.body) == (200, b"")
    same = {"content-type", "content-length", "cache-control"}
    assert {name: got.headers[name] for name in same} == {name: head.headers[name] for name in same}


def _head(web: Web, path: str) -> Answer:
    with web.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(request("HEAD", path))
        answer = read_answer(stream, "HEAD")
        assert answer is not None
        assert stream.read() == b""
    return answer


@pytest.mark.parametrize(
    "header",
    ["x" * 10_000, "😀", "00-" + "z" * 32 + "-" + "1" * 16 + "-01", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "a\tb"],
)
def test_a_malformed_trace_is_replaced(web: Web, header: str) -> None:
    """C-13."""
    answer = web.get("/api/nowhere", traceparent=header, x_request_id=header)
    trace = answer.headers["x-trace-id"]
    assert len(trace) == 32
    assert trace not in header
    assert header not in answer.body.decode()
    assert all(json.loads(line) for line in web.logged().splitlines()), "every line of the log is one JSON object"


def test_a_good_trace_is_continued(web: Web) -> None:
    """C-13."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = web.get("/api/nowhere", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    assert answer.headers["x-trace-id"] == trace
    assert json.loads(answer.body)["trace_id"] == trace


def test_an_upgrade_to_another_protocol_is_an_ordinary_request(web: Web) -> None:
    for other in ("h2c", "websocket"):
        raw = LIVE + f"Upgrade: {other}\r\nConnection: upgrade\r\n\r\n".encode()
        with web.connect() as sock, sock.makefile("rb") as stream:
            for _ in range(2):
                sock.sendall(raw)
                answer = read_answer(stream)
                assert answer is not None
                assert answer.status == 200


@pytest.mark.parametrize(
    "path",
    [
        "//etc/passwd",
        "/../etc/passwd",
        "/%2e%2e%2fetc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%00",
        "/%ff",
        "/a%2fb",
        "/" + "a" * 300,
        "/..\\..\\etc\\passwd",
        "/api/users/x/%00",
        "/api/users/me%2f",
        "/api/docs/../../app.py",
        "/api/docs/%2e%2e/app.py",
        "/.env",
        "/%2e%2e/%2e%2e/proc/self/environ",
        "/api/%ed%a0%80",
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_no_path_leaves_the_folder(web: Web, path: str, accept: str) -> None:
    """C-15."""
    answer = web.get(path, accept=accept)
    assert answer.status in (200, 404)
    if answer.status == 200:
        # The page has a nonce of its own.
        page = re.sub(rb' nonce="[^"]+"|<template ngCspNonce="[^"]+"></template>', b"", answer.body)
        assert page == Path("web/public/index.html").read_bytes()
    else:
        assert answer.code == "NOT_FOUND"
