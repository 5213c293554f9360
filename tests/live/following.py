"""A client of server-sent events on a raw socket, which reads on demand."""

import asyncio
import json
from typing import Any, Self

import msgspec

SECONDS = 20.0


class Sent(msgspec.Struct, frozen=True):
    id: str
    name: str
    data: Any

    @property
    def position(self) -> int:
        """The number in the id, which is opaque to clients."""
        return int(self.id.partition(".")[2])


class Follower:
    """`last` is the id that a browser sends as Last-Event-ID; `retry` is in milliseconds."""

    status = 0
    last = ""
    retry = 0
    beats = 0

    def __init__(self, port: int, path: str, method: str = "GET", /, **headers: str) -> None:
        self._port = port
        told = {"host": "localhost"} | {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._request = f"{method} /api{path} HTTP/1.1\r\n{head}\r\n".encode()
        self.headers: dict[str, str] = {}
        self._lines: list[str] = []
        self._text = ""

    async def __aenter__(self) -> Self:
        self._reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        self.writer.write(self._request)
        async with asyncio.timeout(SECONDS):
            self.status = int((await self._reader.readline()).split()[1])
            while line := (await self._reader.readline()).decode().strip():
                name, _, value = line.partition(": ")
                self.headers[name] = value
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    async def opened(self) -> Self:
        """Wait until the stream has begun."""
        while not self.last:
            assert await self._block() is None
        return self

    async def next(self) -> Sent | None:
        """Return the next event, or None if the stream ends or is cut. Heartbeats are counted."""
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    sent = await self._block()
                except (EOFError, asyncio.IncompleteReadError, ConnectionError):
                    return None
                if sent is not None:
                    return sent

    async def beat(self) -> None:
        """Wait for a heartbeat. Events before it are skipped."""
        before = self.beats
        async with asyncio.timeout(SECONDS):
            while self.beats == before:
                await self._block()

    async def numbers(self, many: int) -> list[int]:
        """Return the data of the next events."""
        found = []
        for _ in range(many):
            sent = await self.next()
            assert sent is not None
            found.append(sent.data["number"])
        return found

    async def rest(self) -> list[Sent]:
        """Return all events until the end."""
        found = []
        while sent := await self.next():
            found.append(sent)
        return found

    async def _block(self) -> Sent | None:
        """Return the lines up to an empty one, by the rules of HTML §9.2.6. Raises EOFError at the end."""
        name, data, id = "message", [], None
        while line := await self._line():
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match field:
                case "":
                    self.beats += 1
                case "event":
                    name = value
                case "data":
                    data.append(value)
                case "id":
                    id = value
                case "retry":
                    self.retry = int(value)
        self.last = id or self.last
        return Sent(self.last, name, json.loads("\n".join(data))) if data else None

    async def _line(self) -> str:
        while "\n" not in self._text:
            self._text += (await self._chunk()).decode()
        line, _, self._text = self._text.partition("\n")
        return line

    async def _chunk(self) -> bytes:
        size = int((await self._reader.readline()) or b"0", 16)
        if size == 0:
            raise EOFError
        chunk = await self._reader.readexactly(size)
        await self._reader.readexactly(2)
        return chunk
