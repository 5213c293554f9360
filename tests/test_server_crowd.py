"""F-27: a crowd that is slow or does not listen. Whoever behaves does not notice, and the crowd is shown out."""

import asyncio
import time
from pathlib import Path

from tests.wire import request, serving

SLOW_HEADS, SLOW_BODIES, DEAF = 500, 200, 100
HEAD = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n"
BODY = request("POST", "/api/auth/verify", content_type="application/json", content_length="1000") + b'{"token"'
# More answers than fit between here and there.
GREEDY = request("GET", "/api/openapi.json", connection="keep-alive") * 20
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def slowest(port: int, times: int) -> float:
    """Of so many requests on a connection each, the seconds of the second slowest."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("GET", "/api/health"))
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
        took.append(time.perf_counter() - began)
        writer.close()
    return sorted(took)[-2]


async def test_a_crowd_that_is_slow_or_deaf_holds_nobody_up(environment: dict[str, str], tmp_path: Path) -> None:
    with serving(environment, tmp_path) as web:
        alone, memory = await slowest(web.port, 100), web.memory()
        crowd: dict[bytes, list[Streams]] = {}
        for said, many in ((HEAD, SLOW_HEADS), (BODY, SLOW_BODIES), (GREEDY, DEAF)):
            crowd[said] = [await asyncio.open_connection("127.0.0.1", web.port, limit=1) for _ in range(many)]
            for _, writer in crowd[said]:
                writer.write(said)
        arriving, there = await slowest(web.port, 100), await slowest(web.port, 100)
        grown = web.memory() - memory
        async with asyncio.timeout(20):
            for said in (HEAD, BODY):
                answers = await asyncio.gather(*(reader.read() for reader, _ in crowd[said]))
                assert {answer[:12] for answer in answers} == {b"HTTP/1.1 408"}
        for streams in crowd.values():
            for _, writer in streams:
                writer.transport.abort()
        assert await slowest(web.port, 100) < 0.25
        assert web.stop() == 0
    assert arriving < 0.25
    assert there < max(2 * alone, 0.1)
    assert grown < 50 * 2**20
