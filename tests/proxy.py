"""A TCP proxy on loopback that a test may take away, silence, cut, or make deaf."""

import asyncio
import contextlib
from typing import Self


class Proxy:
    """Leads to wherever `to` says. `silent` swallows what is sent, as a dead network does; a connection that says
    `deaf_at` hears nothing more.

    `rewrites` are pairs of what is replaced in the answers, of equal length: a Kafka broker tells its own address."""

    def __init__(self, to: tuple[str, int] = ("127.0.0.1", 1)) -> None:
        self.to = to
        self.silent = False
        self.deaf_at: bytes | None = None
        self.rewrites: tuple[bytes, bytes] = (b"", b"")
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def up(self) -> None:
        """Listen, on the same port as the last time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def down(self) -> None:
        """Refuse what comes, and reset what is open."""
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Reset what is open."""
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
            deaf = asyncio.Event()
            await asyncio.gather(self._send(reader, back, deaf), self._answer(there, writer, deaf))
            self._writers.discard(back)
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.deaf_at and self.deaf_at in data:
                    deaf.set()
                if not self.silent:
                    writer.write(data)
                    await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not self.silent and not deaf.is_set():
                    writer.write(data.replace(*self.rewrites) if self.rewrites[0] else data)
                    await writer.drain()
        writer.close()
