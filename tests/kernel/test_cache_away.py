"""Redis refused, silent, reset, answering garbage, and available again: a miss within the time-out, never an error."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from api.kernel.data import cache as module
from api.kernel.data.cache import BREAKER_FAILURES, Cache, CacheUnavailable, Script, open_cache
from api.kernel.settings import Settings
from dev import redis
from dev.part import Part, stop
from dev.ports import free_port
from tests.kernel.things import Holder, Thing, find_thing

pytestmark = pytest.mark.deadlines
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def broken(talk: Talk | None, settings: Settings) -> AsyncIterator[Cache]:
    """Return a cache on a server that behaves like `talk`, or on a closed port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if talk:
                await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1] if talk else 1
    async with server, open_cache(msgspec.structs.replace(settings, redis_url=f"redis://127.0.0.1:{port}/0")) as opened:
        yield opened


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.transport.abort()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await reader.read()


async def read_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        writer.write(b"-READONLY You can't write against a read only replica.\r\n")


@pytest.mark.parametrize(
    "talk", [None, silent, reset, garbage, read_only], ids=["refused", "silent", "reset", "garbage", "read_only"]
)
async def test_an_unavailable_redis_is_a_quick_miss_and_never_an_error(talk: Talk | None, nowhere: Settings) -> None:
    async with broken(talk, nowhere) as cache:
        holder = Holder(cache)
        for asked in (cache.get("a"), cache.set("a", b"1", 1), cache.delete("a")):
            began = time.perf_counter()
            assert await asked is None
            assert time.perf_counter() - began < 15
        assert await find_thing(holder, 1) == Thing(1, "it")
        assert (await find_thing(holder, 1), holder.calls) == (Thing(1, "it"), 2)


async def test_after_five_failures_calls_fail_at_once_and_one_probes(
    nowhere: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    calls = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        with contextlib.suppress(ConnectionResetError):  # a call that timed out may not have read everything
            while received := await reader.read(65536):
                calls += received.count(b"GET")  # the driver sends its greeting, too
                writer.write(b"-LOADING later\r\n")

    async with broken(refuse, nowhere) as cache:
        for _ in range(BREAKER_FAILURES):
            assert await cache.get("a") is None
        heard = calls
        for _ in range(10):
            with pytest.raises(CacheUnavailable):
                await cache.execute("GET", "a")
        assert calls == heard, "the server gets no call"
        now += module.BREAKER_SECONDS
        await asyncio.gather(*(cache.get("a") for _ in range(10)))
        assert calls - heard <= 1, "one call probes, after the driver's greeting"


async def test_a_late_answer_is_not_given_to_the_next_command(nowhere: Settings) -> None:
    """A connection with an unread answer must not be reused."""
    late = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(65536):
            if b"secret" in request:
                await late.wait()
                writer.write(b"$6\r\nsecret\r\n")
            elif b"GET" in request:
                writer.write(b"$6\r\npublic\r\n")
            else:
                writer.write(b"+OK\r\n" * request.count(b"*"))

    async with broken(slow, nowhere) as cache:
        assert await cache.get("secret") is None
        late.set()
        for _ in range(3):
            assert await cache.get("other") == b"public"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Callable[[], Part]]]:
    """Redis for this test: its URL, and a function that starts it."""
    port = free_port()
    parts: list[Part] = []

    def start() -> Part:
        part, _ = redis.start(tmp_path / "redis", tmp_path, port)
        parts.append(part)
        part.wait()
        return part

    try:
        yield f"redis://127.0.0.1:{port}/0", start
    finally:
        stop(parts)


async def test_the_breaker_closes_when_redis_is_available(
    server: tuple[str, Callable[[], Part]], nowhere: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, start = server
    now = 1000.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    script = Script("return 1")
    async with open_cache(msgspec.structs.replace(nowhere, redis_url=url)) as cache:
        for _ in range(2):
            for _ in range(BREAKER_FAILURES + 1):
                with pytest.raises(CacheUnavailable):
                    await cache.evaluate(script, [], [])
            running = start()
            with pytest.raises(CacheUnavailable):
                await cache.execute("PING")
            now += module.BREAKER_SECONDS
            assert await cache.evaluate(script, [], []) == 1, "although it lost the script"
            assert await cache.execute("PING")
            stop([running])
