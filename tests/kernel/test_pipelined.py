"""Redis commands on one connection. C-345: each reply reaches its own command, or none."""

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from redis.exceptions import NoScriptError

from api.kernel.data.cache import BREAKER_FAILURES, Cache, CacheUnavailable, open_cache
from api.kernel.settings import Settings

ECHO, FAIL, CANCEL = "echo", "fail", "cancel"


async def as_told(cache: Cache, number: int, what: str) -> None:
    """One caller, who checks that the reply is its own."""
    if what == FAIL:
        with pytest.raises(NoScriptError):
            await cache.execute("EVALSHA", f"{number:040}", 0)
    elif what == CANCEL:
        asked = asyncio.create_task(cache.execute("ECHO", str(number)))
        await asyncio.sleep(0)  # the command is on its way
        asked.cancel()
        await asyncio.wait([asked])
        assert asked.cancelled()
    else:
        assert await cache.execute("ECHO", str(number)) == str(number).encode()


@given(st.lists(st.sampled_from([ECHO, ECHO, FAIL, CANCEL]), min_size=1, max_size=60))
@examples(max_examples=25, deadline=None)
async def test_replies_reach_their_commands(settings: Settings, callers: list[str]) -> None:
    async with open_cache(settings) as cache:
        for _ in range(2):  # while the connection is opened, and on the open one
            await asyncio.gather(*(as_told(cache, number, what) for number, what in enumerate(callers)))


async def test_a_lost_connection_fails_its_commands_and_counts_once(nowhere: Settings) -> None:
    """The next command opens another connection: the breaker has not opened for one event."""
    many, carriers = BREAKER_FAILURES + 1, 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal carriers
        received = b""
        while received.count(b"ECHO") < many and (request := await reader.read(65536)):
            received += request
            if b"ECHO" not in request:  # the handshake, or PING
                writer.write(b"+OK\r\n" * request.count(b"*"))
        carriers += b"ECHO" in received
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    async with server, open_cache(msgspec.structs.replace(nowhere, redis_url=url)) as cache:
        asked = (cache.execute("ECHO", number) for number in range(many))
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [CacheUnavailable] * many
        assert await cache.execute("PING") == b"OK"
    assert carriers == 1


@pytest.mark.parametrize("reply", [b"%1\r\n*0\r\n:1\r\n", b"?\r\n", b"+OK\r\n+OK\r\n"], ids=["type", "no RESP", "two"])
async def test_a_reply_that_is_not_of_redis_ends_the_connection(nowhere: Settings, reply: bytes) -> None:
    """C-345: `type` is valid RESP, for which hiredis has no value."""
    connected = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        while request := await reader.read(65536):
            writer.write(reply if b"ECHO" in request else b"+OK\r\n" * request.count(b"*"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    async with server, open_cache(msgspec.structs.replace(nowhere, redis_url=url)) as cache:
        outcomes = await asyncio.gather(cache.execute("ECHO", "1"), return_exceptions=True)
        assert all(outcome == b"OK" or isinstance(outcome, CacheUnavailable) for outcome in outcomes)
        assert await cache.execute("PING") == b"OK"
    assert connected >= 2, "and one that probes for TLS"
