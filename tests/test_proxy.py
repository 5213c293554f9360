"""The TCP proxy of the fault suite: tests/proxy.py."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.proxy import Proxy


@pytest.fixture
async def echo() -> AsyncIterator[Proxy]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()) as proxy:
        yield proxy
    server.close()


async def test_delayed_data_arrives_late_and_in_order(echo: Proxy) -> None:
    echo.delay = 0.05
    reader, writer = await asyncio.open_connection("127.0.0.1", echo.port)
    began = time.monotonic()
    for number in range(100):
        writer.write(b"%02d" % number)
        await asyncio.sleep(0)
    told = await reader.readexactly(200)
    assert told == b"".join(b"%02d" % number for number in range(100))
    assert time.monotonic() - began >= 0.05
    writer.close()


async def test_an_answer_is_cut_on_the_connection_with_the_marker(echo: Proxy) -> None:
    echo.cut_at, echo.cut_after = b"COMMIT", 3
    first, second = [await asyncio.open_connection("127.0.0.1", echo.port) for _ in range(2)]
    first[1].write(b"COMMIT")
    assert await first[0].read(6) == b"COM"
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await first[0].readexactly(1)
    second[1].write(b"BEGIN")
    assert await second[0].readexactly(5) == b"BEGIN"
    for _, writer in (first, second):
        writer.close()
