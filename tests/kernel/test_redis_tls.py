"""C-205, C-215: Redis over TLS and over a socket, and the remedies for its refusals."""

import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.exceptions import RedisError

from api.kernel.data import cache as cache_module
from api.kernel.data.cache import Cache, CacheUnavailable, open_cache
from api.kernel.settings import load
from api.kernel.telemetry import outages
from dev.part import Part, stop
from dev.ports import free_port
from dev.stack import Services
from tests.authority import LOOPBACK, Authority, write
from tests.conftest import _NOWHERE, ENVIRONMENT
from worker import main as worker_main
from worker.main import open_queue

AUTHORITY = Authority()
Start = Callable[[tuple[str, str]], int]
PASSWORD = "wrong horse"


def server() -> str:
    """The redis-server built with TLS; the one in the wheel has none."""
    program = shutil.which("redis-server")
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout if program else ""
    if program is None or "libssl" not in linked:
        pytest.skip("needs a redis-server with TLS (Debian: apt-get install redis-server)")
    return program


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Start]:
    """Starts a Redis with this certificate on 127.0.0.1, and with a socket in the test's folder. Returns its port."""
    parts: list[Part] = []
    program = server()

    def start(pair: tuple[str, str]) -> int:
        certificate, key = write(tmp_path, pair)
        port = free_port()
        files = (
            f"--tls-cert-file {certificate} --tls-key-file {key} --unixsocket {tmp_path}/redis.sock --dir {tmp_path}"
        )
        place = f"--port 0 --tls-port {port} --tls-auth-clients no --bind 127.0.0.1"
        reader = "--user reader on >pw ~* -@all +ping"
        accounts = ["--save", "", "--requirepass", PASSWORD, *reader.split()]
        command = [program, *files.split(), *place.split(), *accounts]
        part = Part("redis", command, tmp_path, ready="Ready to accept connections")
        parts.append(part)
        part.wait()
        return port

    yield start
    stop(parts)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may be slow at handshakes."""
    monkeypatch.setattr(outages, "PROBE_SECONDS", 60.0)


@contextlib.asynccontextmanager
async def connected(url: str, **variables: str) -> AsyncIterator[Cache]:
    async with open_cache(load(ENVIRONMENT | _NOWHERE | {"REDIS_URL": url} | variables)) as cache:
        yield cache


async def ping(url: str, **variables: str) -> Any:
    """Return whether the cache connects, and arq's client, which has its own connections."""
    settings = load(ENVIRONMENT | _NOWHERE | {"REDIS_URL": url} | variables)
    async with open_queue(settings) as queue:
        assert await queue.ping()
    async with open_cache(settings) as cache:
        return await cache.execute("PING")


async def refusal(url: str, caplog: pytest.LogCaptureFixture, **variables: str) -> tuple[str | None, str]:
    """Return the remedy, and the cause in the log."""
    caplog.clear()
    async with connected(url, **variables) as cache:
        for _ in range(3):
            with pytest.raises(CacheUnavailable) as raised:
                await cache.execute("PING")
    [line] = [record for record in caplog.records if record.name == "api.kernel.data.cache"]
    assert line.getMessage() == f"redis is {'misconfigured' if raised.value.remedy else 'not available'}"
    fields: dict[str, str] = line.fields  # type: ignore[attr-defined]
    return raised.value.remedy, fields["cause"]


def url(port: int, host: str = "localhost", scheme: str = "rediss", login: str = f":{PASSWORD}") -> str:
    return f"{scheme}://{login.replace(' ', '%20')}@{host}:{port}/0"


async def test_a_certificate_of_a_private_authority(redis: Start, caplog: pytest.LogCaptureFixture) -> None:
    port = redis(AUTHORITY.sign("redis", LOOPBACK))
    assert await ping(url(port), REDIS_CA_CERT=AUTHORITY.pem)
    assert await ping(url(port, "127.0.0.1"), REDIS_CA_CERT=AUTHORITY.pem)
    for variables in ({}, {"REDIS_CA_CERT": Authority().pem}):
        remedy, cause = await refusal(url(port), caplog, **variables)
        assert remedy is not None
        assert "REDIS_CA_CERT" in remedy
        assert "CERTIFICATE_VERIFY_FAILED" in cause


async def test_a_certificate_with_another_name(redis: Start, caplog: pytest.LogCaptureFixture) -> None:
    port = redis(AUTHORITY.sign("redis", ["redis.example.com"]))
    remedy, cause = await refusal(url(port), caplog, REDIS_CA_CERT=AUTHORITY.pem)
    assert remedy is not None
    assert remedy.endswith("check the host in REDIS_URL")
    assert "localhost" in cause
    assert await ping(url(port), REDIS_TLS_VERIFY="false")


async def test_a_self_signed_certificate_is_accepted_on_request(redis: Start) -> None:
    """By the variable, by the URL, or by trusting that certificate."""
    signer = Authority()
    port = redis(signer.sign("redis", LOOPBACK))
    assert await ping(url(port), REDIS_TLS_VERIFY="false")
    assert await ping(url(port) + "?ssl_cert_reqs=none")
    assert await ping(url(port), REDIS_CA_CERT=signer.pem.replace("\n", "\\n"))


async def test_a_socket_needs_no_tls(redis: Start, tmp_path: Path) -> None:
    redis(AUTHORITY.sign("redis"))
    assert await ping(f"unix://:{PASSWORD.replace(' ', '%20')}@{tmp_path}/redis.sock?db=3")


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"login": ":wrong"}, "name or password"),
        ({"login": ":"}, "name or password"),
        ({"login": "reader:pw"}, None),
        ({"host": "redis.invalid"}, "the host name cannot be resolved: check REDIS_URL"),
    ],
    ids=["wrong password", "no password", "no privilege", "no such host"],
)
async def test_a_refusal_is_not_reported_as_an_outage(
    change: dict[str, str], remedy: str | None, redis: Start, caplog: pytest.LogCaptureFixture
) -> None:
    port = redis(AUTHORITY.sign("redis", LOOPBACK))
    where = url(port, **change).replace("://:@", "://")
    if remedy is None:
        async with connected(where, REDIS_CA_CERT=AUTHORITY.pem) as cache:
            with pytest.raises(CacheUnavailable, match="lacks a privilege"):
                await cache.execute("GET", "x")
        return
    told, cause = await refusal(where, caplog, REDIS_CA_CERT=AUTHORITY.pem)
    assert told is not None
    assert remedy in told
    assert "pw" not in cause


async def test_a_database_that_does_not_exist(redis: Start, caplog: pytest.LogCaptureFixture) -> None:
    port = redis(AUTHORITY.sign("redis", LOOPBACK))
    told, _ = await refusal(url(port).removesuffix("0") + "99", caplog, REDIS_CA_CERT=AUTHORITY.pem)
    assert told == "there is no such database: check the number in REDIS_URL"


@pytest.mark.case(266)
async def test_tls_to_a_server_without_it(
    services: Services, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis takes the handshake for an unfinished command, and stays silent."""
    monkeypatch.setattr(cache_module, "CALL_SECONDS", 0.5)
    monkeypatch.setattr(worker_main, "REDIS_SECONDS", 0.5)
    plain = urlsplit(services.redis_url)
    await told_as_misconfigured(
        f"rediss://{plain.netloc}/0", "the server does not use TLS at this port: check REDIS_URL", caplog
    )


@pytest.mark.case(266)
async def test_a_server_with_tls_to_a_client_without_it(redis: Start, caplog: pytest.LogCaptureFixture) -> None:
    """Redis closes the connection."""
    port = redis(AUTHORITY.sign("redis", LOOPBACK))
    remedy = "the server requires TLS at this port, but the client does not use it: check REDIS_URL"
    await told_as_misconfigured(url(port, scheme="redis"), remedy, caplog)


async def told_as_misconfigured(where: str, remedy: str, caplog: pytest.LogCaptureFixture) -> None:
    """By the cache from the second failure on, because the first caller does not wait for the check of the port, and by
    the worker's queue."""
    settings = load(ENVIRONMENT | _NOWHERE | {"REDIS_URL": where})
    async with open_cache(settings) as cache:
        with pytest.raises(CacheUnavailable):
            await cache.execute("PING")
        assert await cache.explain() == remedy
        with pytest.raises(CacheUnavailable) as raised:
            await cache.execute("PING")
    assert raised.value.remedy == remedy
    lines = [record for record in caplog.records if record.name == "api.kernel.data.cache"]
    assert lines[-1].getMessage() == "redis is misconfigured"
    assert lines[-1].fields["remedy"] == remedy  # type: ignore[attr-defined]
    caplog.clear()
    async with open_queue(settings) as queue:
        with pytest.raises((RedisError, OSError)) as refused:
            await queue.ping()
        await worker_main._recover(refused.value, queue)
    [line] = [record for record in caplog.records if record.getMessage() == "redis is misconfigured"]
    assert line.fields["remedy"] == remedy  # type: ignore[attr-defined]


async def test_a_server_that_is_down_is_an_outage(caplog: pytest.LogCaptureFixture) -> None:
    told, cause = await refusal("redis://127.0.0.1:1", caplog)
    assert told is None
    assert "refused" in cause.lower() or "111" in cause
