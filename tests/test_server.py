"""The life of a web process: start, trusted proxies, and shutdown."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.kernel.settings import Settings
from api.kernel.wire import server
from tests.factories import PASSWORD
from tests.patient import SECONDS
from tests.wire import Web, read_answer, request, serving, spawn

ABSENT = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere",
    "REDIS_URL": "redis://127.0.0.1:1",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "SMTP_URL": "smtp://127.0.0.1:1",
}
ACCOUNT = json.dumps({"email": "ada@example.com", "password": PASSWORD}).encode()
JSON = {"content_type": "application/json"}


def ended(environment: dict[str, str], folder: Path) -> tuple[int, str]:
    """Return exit status and output of a process that must not start."""
    process = spawn(environment, folder / "log")
    try:
        return process.wait(SECONDS), (folder / "log").read_text()
    finally:
        process.kill()
        process.wait()


def refuses(web: Web) -> bool:
    try:
        web.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# Starting


def test_every_missing_variable_is_named_in_one_message(tmp_path: Path) -> None:
    status, said = ended({}, tmp_path)
    assert status == 1
    for name in ("PUBLIC_URL", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL"):
        assert f"{name} is missing" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_port_that_is_taken_is_named(environment: dict[str, str], tmp_path: Path, processes: str) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status, said = ended({**environment, "PORT": port, "WEB_CONCURRENCY": processes}, tmp_path)
    assert status != 0
    assert any("ddress already in use" in line and (port in line or processes == "2") for line in said.splitlines())


def test_starts_without_its_dependencies(environment: dict[str, str], tmp_path: Path) -> None:
    """F-17: `live` answers 200, `ready` 503, and routes that need PostgreSQL answer 503 with Retry-After."""
    with serving(environment | ABSENT, tmp_path) as web:
        assert web.get("/api/health/live").status == 200
        assert json.loads(web.get("/api/health/full").body)["status"] == "degraded"
        for answer in (
            web.get("/api/health/ready"),
            web.ask(request("POST", "/api/auth/verify", b'{"token":"x"}', **JSON)),
        ):
            assert (answer.status, answer.code) == (503, "UNAVAILABLE")
            assert int(answer.headers["retry-after"]) >= 1
        assert web.stop() == 0


# Listening


def accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), SECONDS).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("processes", ["1", "2"])
def test_in_development_only_this_machine_can_connect(
    environment: dict[str, str], tmp_path: Path, processes: str
) -> None:
    """C-123: unless HOST is set. 127.0.0.2 stands for any other address of the machine."""
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
            has_ipv6 = True
        except OSError:
            has_ipv6 = False
    settings = environment | ABSENT | {"WEB_CONCURRENCY": processes}
    with serving(settings, tmp_path) as web:
        assert [accepts(host, web.port) for host in ("127.0.0.1", "127.0.0.2", "::1")] == [True, False, has_ipv6]
    with serving(settings | {"HOST": "0.0.0.0"}, tmp_path) as web:
        assert accepts("127.0.0.2", web.port)
    if has_ipv6:
        with serving(settings | {"HOST": "::"}, tmp_path) as web:
            assert accepts("127.0.0.2", web.port)
            assert accepts("::1", web.port)


# Forwarded addresses


@pytest.mark.parametrize(("trusted", "believed"), [("127.0.0.1", True), ("10.0.0.0/8", False)])
async def test_a_limit_cannot_be_evaded_by_a_forged_address(
    environment: dict[str, str], cloned: Settings, tmp_path: Path, trusted: str, believed: bool
) -> None:
    """C-12: only the entries of X-Forwarded-For that a trusted proxy appended count."""
    limits = {"RATE_LIMIT_ANONYMOUS": "5/hour", "TRUSTED_PROXIES": trusted, "DATABASE_URL": cloned.database_url}
    with serving(environment | limits, tmp_path) as web:

        def ask(forwarded: str) -> int:
            return web.get("/api/.well-known/jwks.json", x_forwarded_for=forwarded, x_real_ip="9.9.9.9").status

        forged = [ask(f"198.51.100.{index}, unknown, 203.0.113.7") for index in range(8)]
        assert forged == [200] * 5 + [429] * 3
        assert ask("203.0.113.7, 203.0.113.8") == (200 if believed else 429)
        assert ask("'; drop table users; --") == (200 if believed else 429)
        scheme = web.get("/api/health", x_forwarded_proto="gopher", x_forwarded_host="evil.example")
        assert scheme.status == 200
        assert b"evil" not in scheme.body
        assert web.stop() == 0


# Shutdown


@pytest.mark.parametrize(("processes", "stuck"), [("1", True), ("2", False)])
async def test_requests_in_flight_finish_and_new_ones_are_refused(
    environment: dict[str, str], cloned: Settings, tmp_path: Path, processes: str, stuck: bool
) -> None:
    """N-11: readiness fails first, then the socket closes, then the last answer is sent, all within 10 s, even with a
    client that never finishes."""
    settings = environment | {"DATABASE_URL": cloned.database_url, "WEB_CONCURRENCY": processes}
    with serving(settings, tmp_path) as web, web.connect() as sock, sock.makefile("rb") as stream:
        wait_for(lambda: web.get("/api/health/ready").status == 200)
        head = request("POST", "/api/auth/register", content_length=str(len(ACCOUNT)), expect="100-continue", **JSON)
        other = web.connect()
        other.sendall(head if stuck else b"")
        sock.sendall(head)
        assert stream.readline() == b"HTTP/1.1 100 Continue\r\n", "the handler waits for the body"
        stream.readline()
        told = time.monotonic()
        web.process.send_signal(signal.SIGTERM)
        said: list[int] = []
        while not said or said[-1] == 200:
            said.append(web.get("/api/health/ready").status)
        assert said[-1] == 503
        web.process.send_signal(signal.SIGTERM)  # an impatient supervisor changes nothing
        wait_for(lambda: refuses(web))
        await asyncio.sleep(max(0.0, told + 3 - time.monotonic()))  # the request lasts three seconds
        assert web.process.poll() is None
        sock.sendall(ACCOUNT)
        answer = read_answer(stream)
        assert answer is not None
        assert answer.status == 201
        assert web.process.wait(SECONDS) == 0
        assert time.monotonic() - told < 30
        other.close()
        assert "Traceback" not in web.logged()
        assert stuck or '"failure"' not in web.logged()
    connection = await asyncpg.connect(cloned.database_url)
    assert await connection.fetchval("select count(*) from users") == 1
    await connection.close()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_ctrl_c_ends_it_without_a_stack_trace(environment: dict[str, str], tmp_path: Path, processes: str) -> None:
    with serving(environment | {"WEB_CONCURRENCY": processes}, tmp_path) as web:
        wait_for(lambda: web.get("/api/health/ready").status == 200)
        web.process.send_signal(signal.SIGINT)
        assert web.process.wait(SECONDS) == 0
        assert "Traceback" not in web.logged()


def test_a_request_takes_effect_although_its_client_disconnects(
    environment: dict[str, str], cloned: Settings, tmp_path: Path
) -> None:
    """C-20, C-105."""
    with serving(environment | {"DATABASE_URL": cloned.database_url}, tmp_path) as web:
        with web.connect() as sock:
            sock.sendall(request("POST", "/api/auth/register", ACCOUNT, **JSON))
        wait_for(lambda: "/api/auth/register" in web.logged())
        again = web.ask(request("POST", "/api/auth/register", ACCOUNT, **JSON))
        assert again.code == "REGISTER_USER_ALREADY_EXISTS"
        assert web.stop() == 0
        assert "Traceback" not in web.logged()
        assert '"failure"' not in web.logged()


# Deadlines


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], AbstractAsyncContextManager[int]]:
    """Yield the port of the protocol in this process, with a deadline of its own, before an application that answers
    when `release` is set."""

    @asynccontextmanager
    async def listen(seconds: float) -> AsyncIterator[int]:
        monkeypatch.setattr(server, "HEAD_SECONDS", seconds)
        config = uvicorn.Config(
            _slow, http="api.kernel.wire.server:Protocol", lifespan="off", log_config=None, access_log=False
        )
        serving = uvicorn.Server(config)
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            config.load()
            serving.lifespan = config.lifespan_class(config)
            await serving.startup([sock])
            try:
                yield sock.getsockname()[1]
            finally:
                await serving.shutdown([sock])

    return listen


RELEASE = asyncio.Event()


async def _slow(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/slow":
        await RELEASE.wait()
    await Response(b"done")(scope, receive, send)


HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize("start", [HEAD, HEAD + b"\r\n" + HEAD, HEAD + b"\r\n" + HEAD + b"X: y", b"G"])
async def test_an_incomplete_head_is_answered_408(
    listening: Callable[[float], AbstractAsyncContextManager[int]], start: bytes
) -> None:
    """F-27: on a new connection, on a used one, and if both arrive at once."""
    async with listening(0.1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(start)
        said = await asyncio.wait_for(reader.read(), SECONDS)
        writer.close()
    *before, _, last = said.split(b"HTTP/1.1 ")
    assert len(before) == start.count(b"\r\n\r\n")
    assert last.startswith(b"408 Request Timeout\r\n")
    assert json.loads(last.partition(b"\r\n\r\n")[2])["code"] == "REQUEST_TIMEOUT"


async def test_a_silent_connection_is_closed_without_an_answer(
    listening: Callable[[float], AbstractAsyncContextManager[int]],
) -> None:
    async with listening(0.05) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), SECONDS) == b""
        writer.close()


async def test_a_late_next_head_waits_for_the_answer_in_flight(
    listening: Callable[[float], AbstractAsyncContextManager[int]],
) -> None:
    RELEASE.clear()
    async with listening(0.05) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD.replace(b" / ", b" /slow ") + b"\r\n" + HEAD)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
        RELEASE.set()
        said = await asyncio.wait_for(reader.read(), SECONDS)
        writer.close()
    assert [answer[:3] for answer in said.split(b"HTTP/1.1 ")[1:]] == [b"200", b"408"]
