"""A TCP proxy on loopback that can be stopped, silenced, delayed, cut or made deaf."""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from typing import Self


@dataclass
class _Link:
    """One connection."""

    deaf: bool = False
    left: int | None = None
    """Bytes of answers until the connection is cut."""


class Proxy:
    """Forwards to `to`. `silent` discards all data, like a dead network. A connection that sends `deaf_at` receives
    nothing more. `delay` is the delay in seconds in each direction, ± 50 %. With `cut_after`, a connection that sends
    `cut_at` is reset after so many bytes of the answer.

    `rewrites` are pairs of equal length, replaced in the answers: a Kafka broker reports its own address."""

    def __init__(self, to: tuple[str, int] = ("127.0.0.1", 1)) -> None:
        self.to = to
        self.silent = False
        self.delay = 0.0
        self.deaf_at: bytes | None = None
        self.cut_at = b""
        self.cut_after: int | None = None
        self.rewrites: tuple[bytes, bytes] = (b"", b"")
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def up(self) -> None:
        """Listen on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def down(self) -> None:
        """Refuse new connections and reset open ones."""
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Reset open connections."""
        for writer in self._writers:
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.down()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection(*self.to)
        except OSError:
            writer.transport.abort()
        else:
            self._writers.add(back)
            link = _Link()
            await asyncio.gather(self._send(reader, back, link), self._answer(there, writer, link))
            self._writers.discard(back)
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.deaf_at and self.deaf_at in data:
                    link.deaf = True
                if self.cut_after is not None and self.cut_at in data:
                    link.left = self.cut_after
                if not self.silent:
                    await self._pass_on(data, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.silent or link.deaf:
                    continue
                if link.left is not None:
                    data = data[: link.left]
                    link.left -= len(data)
                await self._pass_on(data.replace(*self.rewrites) if self.rewrites[0] else data, writer)
                if link.left == 0:
                    writer.transport.abort()
        writer.close()

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if self.delay:
            await asyncio.sleep(self.delay * random.uniform(0.5, 1.5))
        writer.write(data)
        await writer.drain()
