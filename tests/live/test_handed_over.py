"""C-464: a stream after its request: what its client sends, and what stays in memory."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.live.places import PER_NETWORK
from tests.live.conftest import MODULE, comment, left
from tests.live.following import SECONDS, Follower
from tests.wire import LIVE, Web, serving

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
MOST_BYTES = 12_000
"""Memory of a stream."""


@contextlib.asynccontextmanager
async def opened(web: Web, path: str, more: bytes = b"", version: str = "1.1") -> AsyncIterator[Pair]:
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    writer.write(f"GET /api{path} HTTP/{version}\r\nHost: localhost\r\n\r\n".encode() + more)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def until(reader: asyncio.StreamReader, text: bytes) -> bytes:
    async with asyncio.timeout(SECONDS):
        return await reader.readuntil(text)


async def test_requests_after_a_stream_are_not_answered(newsroom: Web, archive: Context) -> None:
    """The connection ends with the stream, as the response says."""
    id = uuid7()
    async with opened(newsroom, f"/news/{id}/live", LIVE + b"\r\n") as (reader, _):
        head = await until(reader, b"\r\n\r\n")
        assert b"connection: close" in head.lower()
        await until(reader, b"\nid: ")
        await comment(archive, id, 1)
        assert b"HTTP/1.1" not in await until(reader, b'"number":1')


async def test_a_client_that_keeps_sending_is_disconnected(newsroom: Web) -> None:
    async with opened(newsroom, f"/news/{uuid7()}/live") as (reader, writer):
        await until(reader, b"\nid: ")
        writer.write(b"x" * 200_000)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(SECONDS):
                await reader.read()
    await left(newsroom, 0)


async def test_clients_of_http_1_0_get_lines_without_chunks(newsroom: Web, archive: Context) -> None:
    id = uuid7()
    async with opened(newsroom, f"/news/{id}/live", version="1.0") as (reader, _):
        head = await until(reader, b"\r\n\r\n")
        assert b"transfer-encoding" not in head.lower()
        assert (await until(reader, b"\n\n")).startswith(b"retry: ")
        await comment(archive, id, 1)
        lines = (await until(reader, b"\n\n")).decode().splitlines()
        assert [line.partition(":")[0] for line in lines if line] == ["id", "event", "data"]
        assert json.loads(lines[2].removeprefix("data: "))["number"] == 1


async def test_a_client_that_stops_sending_has_left(newsroom: Web) -> None:
    async with opened(newsroom, f"/news/{uuid7()}/live") as (reader, writer):
        await until(reader, b"\nid: ")
        writer.write_eof()
        async with asyncio.timeout(SECONDS):
            await reader.read()
    await left(newsroom, 0)


async def test_a_client_costs_no_more_than_its_connection(newsroom_environment: dict[str, str], tmp_path: Path) -> None:
    """C-457: neither the request nor a task stays in memory."""
    with serving(newsroom_environment, tmp_path, MODULE) as web:
        grown = []
        for _ in range(3):  # the first time, the process also grows by what it keeps
            before = web.memory()
            async with contextlib.AsyncExitStack() as stack:
                for _ in range(PER_NETWORK):
                    follower = Follower(web.port, f"/news/{uuid7()}/live")
                    await (await stack.enter_async_context(follower)).opened()
                grown.append((web.memory() - before) / PER_NETWORK)
            await left(web, 0)
        assert min(grown[1:]) < MOST_BYTES, grown
