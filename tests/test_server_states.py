"""C-118: every state of a connection has a deadline that no byte extends. wire/server.py has the table."""

import json
import socket
from collections.abc import Iterator

import pytest

from api.kernel.wire import server
from tests.served import EARLY, GET, LARGE, Application, Served, ends, serve, trickle, until
from tests.wire import read_answer

SHORT = 0.2
"""The deadline that a test waits for; all others are as in production, five seconds and longer."""


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture(params=["uvloop", "asyncio"])
def served(request: pytest.FixtureRequest, application: Application) -> Iterator[Served]:
    with serve(application, request.param) as running:
        yield running


@pytest.mark.parametrize("said", [b"", b"\r\n"], ids=["nothing", "a blank line"])
@pytest.mark.parametrize("before", [b"", GET % b"early"], ids=["fresh", "idle"])
def test_a_connection_without_a_request_is_closed_whatever_it_sends(
    monkeypatch: pytest.MonkeyPatch, served: Served, before: bytes, said: bytes
) -> None:
    """A blank line before a request used to stop every timer."""
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS" if before else "HEAD_SECONDS", SHORT)
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(before)
        if before:
            assert read_answer(stream) is not None
        sock.sendall(said)
        assert ends(sock) == b""


@pytest.mark.parametrize("before", [b"", GET % b"early"], ids=["fresh", "idle"])
def test_a_trickling_head_is_answered_408(monkeypatch: pytest.MonkeyPatch, served: Served, before: bytes) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", SHORT)
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(before)
        if before:
            assert read_answer(stream) is not None
        assert trickle(sock, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ").startswith(b"HTTP/1.1 408 ")


def test_a_trickling_body_is_answered_408(
    monkeypatch: pytest.MonkeyPatch, served: Served, application: Application
) -> None:
    """C-117: its bytes are not parsed as a request."""
    monkeypatch.setattr(server, "BODY_SECONDS", SHORT)
    with served.connect() as sock:
        said = trickle(sock, b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert said.count(b"HTTP/1.1") == 1
    until(lambda: application.active == 0)


@pytest.mark.parametrize("more", [0, 1, 999], ids=["no byte more", "one byte more", "a byte at a time"])
def test_a_connection_ends_when_the_rest_of_a_body_does_not_arrive(
    monkeypatch: pytest.MonkeyPatch, served: Served, more: int
) -> None:
    monkeypatch.setattr(server, "BODY_SECONDS", SHORT)
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        answer = read_answer(stream)
        assert answer is not None
        assert (answer.status, answer.headers.get("connection")) == (404, None)
        sock.sendall(b"x"[:more])
        assert (trickle(sock, b"") if more > 1 else ends(sock)) == b""
    until(lambda: served.connections() == 0)


def test_an_unread_body_is_discarded_and_the_connection_is_reused(served: Served) -> None:
    with served.connect() as sock, sock.makefile("rb") as stream:
        for _ in range(3):
            sock.sendall(b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 35000\r\n\r\n")
            answer = read_answer(stream)
            assert answer is not None
            assert answer.status == 404
            sock.sendall(b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n".ljust(35000, b"\n"))


def test_a_client_that_expects_100_continue_is_disconnected_after_a_refusal(served: Served) -> None:
    """It may or may not send its body after a refusal, so the following bytes cannot be parsed."""
    head = b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    [answer] = served.answers(head)
    assert (answer.status, answer.headers["connection"]) == (404, "close")


def test_a_request_past_its_deadline_is_answered_503_and_cancelled(
    monkeypatch: pytest.MonkeyPatch, served: Served, application: Application
) -> None:
    monkeypatch.setattr(server, "HANDLING_SECONDS", SHORT)
    [answer] = served.answers(GET % b"never" + GET % b"early")
    assert (answer.status, json.loads(answer.body)["code"]) == (503, "UNAVAILABLE")
    until(lambda: application.active == 0)
    assert application.called == ["/never"]


def test_a_client_that_does_not_read_holds_no_request(served: Served, application: Application) -> None:
    """Its answered request no longer counts as active; later requests wait."""
    with served.connect() as sock:
        sock.sendall(GET % b"large" * 20)
        until(lambda: application.called == ["/large"] and application.active == 0)
        with served.connect() as other, other.makefile("rb") as stream:
            other.sendall(GET % b"early")
            assert read_answer(stream) is not None
        assert application.called == ["/large", "/early"]
        with sock.makefile("rb") as stream:
            for _ in range(20):
                answer = read_answer(stream)
                assert answer is not None
                assert len(answer.body) == LARGE
    assert application.called.count("/large") == 20


@pytest.mark.parametrize("path", [b"large", b"stream"])
@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "sends no more"])
def test_a_client_that_does_not_read_is_disconnected(
    monkeypatch: pytest.MonkeyPatch, served: Served, application: Application, path: bytes, leaves: bool
) -> None:
    """Also while the connection closes, which takes as long as unsent bytes remain."""
    monkeypatch.setattr(server, "WRITE_SECONDS", SHORT)
    with served.connect() as sock:
        sock.sendall(GET % path)
        until(lambda: application.called != [])
        if leaves:
            sock.shutdown(socket.SHUT_WR)
        until(lambda: served.connections() == 0 and application.active == 0)


def test_a_client_that_reads_slowly_gets_the_whole_answer(served: Served) -> None:
    """The deadline of writing applies to each WRITE_BYTES; the whole answer may take longer."""
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(GET % b"large")
        until(lambda: served.unsent() > 0)
        before = served.unsent()
        taken = stream.read(LARGE // 2)  # of the head and the body
        until(lambda: served.unsent() <= before - server.WRITE_BYTES)
        served.call(lambda connection: connection._writing_is_late(before))
        _, _, body = taken.partition(b"\r\n\r\n")
        assert len(stream.read(LARGE - len(body))) == LARGE - len(body)
        sock.sendall(GET % b"large")
        until(lambda: served.unsent() > 0)
        served.call(lambda connection: connection._writing_is_late(served.unsent()))
        until(lambda: served.connections() == 0)


def test_a_client_that_keeps_sending_after_a_refusal_is_disconnected(
    monkeypatch: pytest.MonkeyPatch, served: Served
) -> None:
    monkeypatch.setattr(server, "LINGER_SECONDS", SHORT)
    with served.connect() as sock:
        sock.sendall(b"nonsense\r\n\r\n")
        assert ends(sock).startswith(b"HTTP/1.1 400 ")
        with pytest.raises(ConnectionError):
            sock.sendall(bytes(10**9))
    until(lambda: served.connections() == 0)


def test_discarding_after_a_refusal_is_bounded(monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    monkeypatch.setattr(server, "LINGER_BYTES", 100_000)
    with served.connect() as sock:
        sock.sendall(EARLY % 10**9)
        with pytest.raises(ConnectionError):
            sock.sendall(bytes(10**9))
