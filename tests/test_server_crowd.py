"""F-27: many clients that are slow or do not read. They delay no other client, and are disconnected."""

import asyncio
from pathlib import Path

import pytest

from tests.wire import request, serving

SLOW_HEADS, SLOW_BODIES, DEAF = 500, 200, 100
HEAD = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n"
BODY = request("POST", "/api/auth/verify", content_type="application/json", content_length="1000") + b'{"token"'
# More answers than the kernel's buffers hold.
GREEDY = request("GET", "/api/openapi.json", connection="keep-alive") * 20
UNNOTICED = 5.0
"""Seconds: below the ten after which slow clients are disconnected, and far above the delay of a busy machine."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def call(port: int) -> None:
    """Send a hundred requests, each on its own connection. None is delayed."""
    for _ in range(100):
        async with asyncio.timeout(UNNOTICED):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request("GET", "/api/health"))
            assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
        writer.close()


@pytest.mark.alone
async def test_slow_clients_and_clients_that_do_not_read_delay_no_other(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with serving(environment, tmp_path) as web:
        await call(web.port)
        memory = web.memory()
        crowd: dict[bytes, list[Streams]] = {}
        for said, many in ((HEAD, SLOW_HEADS), (BODY, SLOW_BODIES), (GREEDY, DEAF)):
            crowd[said] = [await asyncio.open_connection("127.0.0.1", web.port, limit=1) for _ in range(many)]
            for _, writer in crowd[said]:
                writer.write(said)
        await call(web.port)
        grown = web.memory() - memory
        async with asyncio.timeout(60):
            for said in (HEAD, BODY):
                answers = await asyncio.gather(*(reader.read() for reader, _ in crowd[said]))
                assert {answer[:12] for answer in answers} == {b"HTTP/1.1 408"}
        for streams in crowd.values():
            for _, writer in streams:
                writer.transport.abort()
        await call(web.port)
        assert web.stop() == 0
    assert grown < 50 * 2**20, grown
