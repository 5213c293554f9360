"""C-119: the limits of one connection, and of all connections together. C-120: the last answer arrives."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from api.kernel.settings import Settings
from api.kernel.wire import server
from tests.served import EARLY, GET, Application, Served, ends, serve, until
from tests.wire import Web, read_answer, request, serving

PIPELINED = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * 5000
FLOODS = 40


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture(params=["uvloop", "asyncio"])
def served(request: pytest.FixtureRequest, application: Application) -> Iterator[Served]:
    with serve(application, request.param, limit_concurrency=3) as running:
        yield running


def test_a_pipeline_is_read_only_as_fast_as_it_is_answered(served: Served, application: Application) -> None:
    """The application has one request, and less than two reads of the rest are in memory."""
    with served.connect() as sock:
        sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            sock.sendall(GET % b"never" + PIPELINED * 500)
        until(lambda: application.called != [] and served.connection()._parser.left > 0)
        assert served.connection()._parser.left < 2 * 16 * 1024
        assert application.called == ["/never"]


def test_all_requests_of_a_pipeline_are_answered_in_order(served: Served, application: Application) -> None:
    """C-20."""
    bodies = [b"%d" % index for index in range(500)]
    echo = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
    last = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlast"
    answers = served.answers(b"".join(echo % (len(body), body) for body in bodies) + last)
    assert [answer.body for answer in answers] == [*bodies, b"last"]


def test_too_many_connections_are_refused_and_the_others_served(
    monkeypatch: pytest.MonkeyPatch, served: Served
) -> None:
    monkeypatch.setattr(server, "SPARE_CONNECTIONS", 1)
    with contextlib.ExitStack() as stack:
        three = [stack.enter_context(served.connect()) for _ in range(3)]
        until(lambda: served.connections() == 3)
        fourth = stack.enter_context(served.connect())
        said = ends(fourth)
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 1\r\n" in said
        assert json.loads(said.partition(b"\r\n\r\n")[2])["code"] == "UNAVAILABLE"
        assert ends(stack.enter_context(served.connect())) == b"", "no room for an answer"
        for sock in three:
            sock.sendall(GET % b"early")
            assert read_answer(sock.makefile("rb")) is not None
        three[0].close()
        fourth.close()
        until(lambda: served.connections() == 2)
        [answer] = served.answers(b"GET /early HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert answer.status == 404


@pytest.mark.parametrize("head", [EARLY % 12_000_000, b"nonsense\r\n\r\n", GET % (b"x" * 20_000)])
def test_a_client_that_sends_everything_before_reading_gets_the_refusal(served: Served, head: bytes) -> None:
    """Closing the connection at once would reset it: the client's write fails, and a proxy answers 502."""
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(head)
        until(lambda: served.connections() == 1 and served.connection().closing)
        sock.sendall(bytes(12_000_000))
        answer = read_answer(stream)
        assert answer is not None
        assert answer.headers["connection"] == "close"
        assert stream.read() == b""


@pytest.fixture(scope="module")
def web(settings: Settings, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(environment | {"MAX_CONNECTIONS": "60"}, tmp_path_factory.mktemp("web")) as running:
        yield running


def test_many_pipelines_delay_no_other_client_and_use_little_memory(web: Web) -> None:
    """Forty of these once used 500 MB and delayed all clients by seconds."""
    assert web.get("/api/health/live").status == 200
    before = web.memory()
    with contextlib.ExitStack() as stack:
        floods = [stack.enter_context(web.connect()) for _ in range(FLOODS)]
        for flood in floods:
            flood.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                flood.send(PIPELINED)
        for _ in range(10):
            assert web.get("/api/health/live").status == 200
        grown = web.memory() - before
    assert grown < 30 * 2**20
    assert web.get("/api/health/live").status == 200


def test_413_arrives_after_the_whole_body_was_written(web: Web) -> None:
    """C-1."""
    head = request("POST", "/api/auth/verify", content_type="application/json", content_length="10000000")
    with web.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(head)
        sock.sendall(bytes(10_000_000))
        answer = read_answer(stream)
    assert answer is not None
    assert (answer.status, answer.code) == (413, "PAYLOAD_TOO_LARGE")


def test_the_limit_of_connections_is_a_setting(web: Web) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(web.connect())
        said = ends(stack.enter_context(web.connect()))
    assert said.startswith(b"HTTP/1.1 503 ")
