"""Invalid and unusual HTTP over the wire, against a real process."""

import json
from collections.abc import Iterator

import pytest

from api.kernel.settings import Settings
from api.kernel.wire.server import HEAD_BYTES, HEAD_FIELDS
from tests.wire import LIVE, REFRESH, Web, read_answer, request, serving

LOGIN = b"POST /api/auth/jwt/login HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def web(settings: Settings, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(environment, tmp_path_factory.mktemp("web")) as running:
        yield running


def close(head: bytes) -> bytes:
    return head + b"Connection: close\r\n\r\n"


def test_a_plain_request_is_answered_with_all_documented_headers(web: Web) -> None:
    """C-80."""
    answer = web.get("/api/health/live")
    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["server-timing"].startswith("total;dur=")
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n",
        LIVE + b"Host: localhost\r\n",
        LIVE + b"Host: evil.example\r\n",
        *[
            b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n"
            for host in (
                b"",
                b"a/b?c#d",
                b"user@localhost",
                b"localhost:99999",
                b"a b",
                b"a,b",
                b"[::1",
                b"\xff",
                b"a:b",
            )
        ],
    ],
)
def test_a_request_needs_exactly_one_valid_host(web: Web, head: bytes) -> None:
    """C-10."""
    answer = web.ask(close(head))
    assert (answer.status, answer.code) == (400, "MALFORMED_REQUEST")
    assert answer.headers["connection"] == "close"


LOOPBACK = ["localhost", "LOCALHOST:4200", "app.localhost", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000", "localhost."]


@pytest.mark.parametrize("host", LOOPBACK)
def test_in_development_a_host_is_any_loopback_name_and_never_repeated(web: Web, host: str) -> None:
    """C-10: no URL is built from Host."""
    answer = web.ask(request("GET", "/api/users//me/", host=host))
    assert answer.status == 404
    assert host not in answer.body.decode() + "".join(answer.headers.values()) or host == "localhost"


@pytest.mark.parametrize(
    "host", ["app.example.com:443", "10.0.0.1", "[::2]", "localhost.evil.example", "evil-localhost"]
)
def test_another_host_is_refused_except_by_health_checks(web: Web, host: str) -> None:
    """C-10: routers check the health under any name."""
    answer = web.ask(request("GET", "/api/users/me", host=host))
    assert (answer.status, answer.code) == (421, "HOST_NOT_ALLOWED")
    assert "ALLOWED_HOSTS" in json.loads(answer.body)["detail"]
    for path in ("/api/health", "/api/health/live"):
        assert web.ask(request("GET", path, host=host)).status == 200
    assert web.ask(request("GET", "/api/healthy", host=host)).status == 421


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost/api/health/live", 200),
        ("HTTP://localhost:8000/api/health/live?x=1", 200),
        ("https://[::1]:8000/api/health/live", 200),
        ("http://localhost", 200),
        ("http://localhost?x", 200),
        ("http://evil.example/api/users/me", 421),
        ("http://evil.example/api/health/live", 200),
        ("http://user@localhost/", 400),
        ("http://localhost:99999/", 400),
        ("ftp://localhost/", 400),
        ("http:///", 400),
        ("http://", 400),
        ("localhost:80", 400),
        ("*", 400),
        ("*x", 400),
        ("/#fragment", 400),
        ("http://localhost/#fragment", 400),
        ("x", 400),
        ("", 400),
        ("?x", 400),
        ("//", 200),
        ("/%", 200),
        ("/?%zz", 200),
    ],
)
def test_no_request_target_causes_an_error_in_a_library(web: Web, target: str, status: int) -> None:
    """C-121: in absolute-form, the target's authority replaces Host (RFC 9112 §3.2.2)."""
    answer = web.ask(request("GET", target, accept="text/html"))
    assert answer.status == status, answer.body
    assert status < 400 or answer.code in ("MALFORMED_REQUEST", "HOST_NOT_ALLOWED", "NOT_FOUND")
    assert "Traceback" not in web.logged()
    assert '"failure"' not in web.logged()


def test_asterisk_form_allows_only_options(web: Web) -> None:
    """C-121, C-14."""
    preflight = {"origin": "http://localhost:4200", "access_control_request_method": "POST"}
    assert web.ask(request("OPTIONS", "*")).status == 204
    assert web.ask(request("OPTIONS", "*", **preflight)).status < 500
    for method in ("GET", "POST", "DELETE", "TRACE", "QUERY", "PROPFIND", "DESCRIBE", "M-SEARCH"):
        answer = web.ask(request(method, "*"))
        assert (answer.status, answer.code) == (400, "MALFORMED_REQUEST")
    assert '"failure"' not in web.logged()


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: +4\r\n\r\nabcd",
        b"Content-Length: 4,4\r\n\r\nabcd",
        b"Content-Length: 99999999999999999999999\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"X : y\r\n\r\n",
        b"X: a\x00b\r\n\r\n",
        b"X: a\n\n",
        b"X: a\r\n b\r\n\r\n",
        b"X\x00Y: a\r\n\r\n",
        b": a\r\n\r\n",
        b"no colon\r\n\r\n",
    ],
)
def test_ambiguous_messages_are_refused_once(web: Web, rest: bytes) -> None:
    """C-11: one refusal, and the connection ends; following bytes are not parsed as a request."""
    answer = web.ask(LOGIN + rest + close(LIVE))
    assert (answer.status, answer.code) == (400, "MALFORMED_REQUEST")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "line",
    [
        b"GET\r\n",
        b"GET /\r\n",
        b"GET / HTTP/9.9\r\n",
        b"FOO / HTTP/1.1\r\n",
        b"GET /\x00 HTTP/1.1\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\n",
        b"GET http://[ HTTP/1.1\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    ],
)
def test_invalid_requests_are_refused(web: Web, line: bytes) -> None:
    answer = web.ask(close(line + b"Host: localhost\r\n"))
    assert (answer.status, answer.code) == (400, "MALFORMED_REQUEST")


def test_a_trailer_is_not_taken_for_a_header(web: Web) -> None:
    """C-11: neither a second Host nor a token."""
    body = b'{"refresh_token":"x"}'
    chunk = b"%x\r\n%s\r\n0\r\n" % (len(body), body)
    answer = web.ask(REFRESH + chunk + b"Content-Type: text/plain\r\nHost: evil.example\r\n\r\n")
    assert (answer.status, answer.code) == (401, "REFRESH_TOKEN_INVALID")
    logout = request("POST", "/api/auth/jwt/logout", transfer_encoding="chunked")
    assert web.ask(logout + b"0\r\nAuthorization: Bearer x\r\n\r\n").code == "UNAUTHORIZED"


@pytest.mark.parametrize(
    "start",
    [
        LIVE + b"X-Endless: ",
        b"GET /",
        b"GET / HTTP/1.1\r\nX",
        b"\r\n\r\n" * 10,
        REFRESH + b"0\r\nX-Endless: ",
        REFRESH + b"1;extension=",
        LIVE + b"\r\n" + LIVE + b"X-Endless: ",
        # Answered before its body arrives; after the body follows another head.
        b"POST /api/nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n",
    ],
    ids=["value", "path", "name", "blank lines", "trailer", "chunk extension", "second request", "after unread body"],
)
def test_an_endless_head_is_refused_before_it_costs_memory(web: Web, start: bytes) -> None:
    """C-9: 300 MB of it increased the bare parser from 34 to 427 MB."""
    before, sent, block = web.memory(), 0, b"a" * 65536
    if start.endswith(b"\r\n\r\n" * 10):
        block = b"\r\n" * 32768
    with web.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(start)
        if start.startswith(b"POST /api/nowhere"):
            first = read_answer(stream)
            assert first is not None
            assert first.status == 404
            sock.sendall(b"x" + LIVE + b"X-Endless: ")
        try:
            while sent < 300_000_000:
                sock.sendall(block)
                sent += len(block)
        except ConnectionError:
            pass
    assert sent < 50_000_000, "the request was not refused"
    assert web.memory() - before < 20_000_000


def test_the_limits_of_a_head_are_exact(web: Web) -> None:
    """C-9."""
    fields = b"".join(b"X-%d: y\r\n" % index for index in range(HEAD_FIELDS - 2))
    assert web.ask(close(LIVE + fields)).status == 200
    for more in (b"X: y\r\n" + fields, b"X: " + b"y" * HEAD_BYTES + b"\r\n"):
        answer = web.ask(close(LIVE + more))
        assert (answer.status, answer.code) == (431, "REQUEST_HEADER_FIELDS_TOO_LARGE")
    answer = web.ask(request("GET", "/" + "a" * HEAD_BYTES))
    assert answer.status == 431


def test_fifty_requests_at_once_are_answered_in_order(web: Web) -> None:
    """C-20."""
    paths = [f"/api/nowhere/{index}" for index in range(49)]
    raw = b"".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in paths)
    found = web.answers(raw + close(LIVE))
    assert [json.loads(answer.body)["path"] for answer in found[:-1]] == paths
    assert found[-1].status == 200


def test_accepted_requests_are_answered_before_a_later_one_is_refused(web: Web) -> None:
    """C-11, C-20: an answer never takes the place of another request's."""
    slow = b"GET /api/health/full HTTP/1.1\r\nHost: localhost\r\n\r\n"
    found = web.answers(slow + slow + b"nonsense\r\n\r\n")
    assert [answer.status for answer in found] == [200, 200, 400]
    assert found[-1].code == "MALFORMED_REQUEST"
    assert found[-1].headers["connection"] == "close"


def test_a_broken_body_is_refused_after_the_preceding_answer(web: Web) -> None:
    found = web.answers(LIVE + b"\r\n" + REFRESH + b"zz\r\n")
    assert [answer.status for answer in found] == [200, 400]
