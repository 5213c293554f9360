"""WebSocket frames (RFC 6455) over a tunnel of bytes, using the sans-I/O protocol of the `websockets` library.
Concurrent sends are ordered by the protocol; reading pauses while writing is blocked.

Close codes: 1000 closed by the client · 1001 greatest age of a connection · 1002 protocol error · 1003 binary message,
or message to a socket that receives none · 1007 invalid UTF-8 · 1008 too many messages over the limit · 1009 message
larger than 64 KiB · 1011 internal error · 1012 process stopping, or rights changed: connect again · 1013 service
unavailable · 4401 no valid access token, expired or signed out · 4408 client does not read or does not answer pings ·
4429 too many connections or requests."""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from websockets.frames import CloseCode, Opcode
from websockets.frames import Frame as FrameBytes
from websockets.protocol import State
from websockets.server import ServerProtocol

from api.kernel.input.bodies import MAX_BODY_BYTES
from api.kernel.live import hub
from api.kernel.live.feeds import Item, encode

_quiet = logging.getLogger(f"{__name__}.protocol")
_quiet.setLevel(logging.WARNING)  # it logs every closed connection

SILENT_BEATS = 3
"""Number of unanswered heartbeats after which a client is considered gone."""
CLOSE_SECONDS = 5.0
"""Time limit for the client's close frame, in seconds."""
SLICE_BYTES = 4096
"""Bytes parsed per turn of the event loop: a frame has at least six bytes and takes about 10 µs."""
FRAMES = 500
"""Maximum control frames and fragments within BEAT_SECONDS."""
CODES = {
    "restart": CloseCode.SERVICE_RESTART,
    "changed": CloseCode.SERVICE_RESTART,
    "age": CloseCode.GOING_AWAY,
    "expired": 4401,
    "signed_out": 4401,
    "too_many": 4429,
    "slow": 4408,
    "silent": 4408,
    "unavailable": CloseCode.TRY_AGAIN_LATER,
    "error": CloseCode.INTERNAL_ERROR,
    "too_fast": CloseCode.POLICY_VIOLATION,
}
Frame: TypeAlias = tuple[str, Any] | tuple[str, Any, Any]


def new_protocol(subprotocols: Any) -> ServerProtocol:
    """A connection without extensions: permessage-deflate would let a small message become a large one."""
    return ServerProtocol(subprotocols=subprotocols, state=State.OPEN, max_size=MAX_BODY_BYTES, logger=_quiet)


@functools.lru_cache(maxsize=16)
def _text(item: Item) -> bytes:
    """The same bytes for all clients: frames of a server are not masked."""
    return FrameBytes(Opcode.TEXT, item.frame.encode()).serialize(mask=False)


class Frames:
    """Events as text messages; `end` is a close frame, a heartbeat a ping."""

    def item(self, item: Item) -> Frame:
        return "bytes", _text(item)

    def beat(self, id: str) -> Frame:
        return "ping", b""

    def resync(self, id: str, reason: str) -> Frame:
        return "text", encode({"id": id, "event": "resync", "data": {"reason": reason}})

    def end(self, reason: str) -> Frame:
        return "close", CODES[reason], reason


FORM = Frames()


class Socket:
    """Frames over a tunnel of bytes. Concurrent sends are ordered by the protocol."""

    def __init__(self, protocol: ServerProtocol) -> None:
        self._protocol = protocol
        self.tunnel: Any = None
        """The connection, from the handshake on: wire.tunnel.Tunnel."""
        self._deadline: asyncio.Timeout | None = None
        self._parts: list[bytes] = []
        self._frames, self._since = 0, 0.0
        self._failed = False

    def write(self, frame: Frame) -> bool:
        """Write a frame, or nothing if the connection is closing. Returns whether the client has taken everything."""
        if self._protocol.state is not State.OPEN:
            return True
        kind, *arguments = frame
        if kind == "bytes":
            return bool(self.tunnel.write(*arguments))
        getattr(self._protocol, f"send_{kind}")(*arguments)
        if kind == "close" and self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time() + CLOSE_SECONDS)
        return self._flush()

    def finish(self, frame: Frame) -> None:
        """Write a close frame; `messages` then waits for that of the client."""
        self.write(frame)

    async def drained(self) -> None:
        await self.tunnel.drained()

    async def send(self, frame: Frame) -> None:
        """Write a frame, and wait until the client has taken it."""
        self.write(frame)
        await self.drained()

    async def fail(self, code: int, reason: str) -> None:
        """Close the connection because of an error of the client; later messages are dropped."""
        self._failed = True
        self._protocol.fail(code, reason)
        self._flush()

    def _flush(self) -> bool:
        return bool(self.tunnel.write(b"".join(self._protocol.data_to_send())))

    async def messages(self, silent: Callable[[], None], take: Callable[[bytes], Awaitable[None]]) -> None:
        """Pass each text message to `take`, one at a time, until the connection ends. `silent` is called if the client
        sends nothing, not even a pong, for too long."""
        seconds = SILENT_BEATS * float(hub.BEAT_SECONDS)
        while self._protocol.state in (State.OPEN, State.CLOSING) and not self._protocol.eof_sent:
            closing = self._protocol.state is State.CLOSING
            message = await self._read(CLOSE_SECONDS if closing else seconds)
            if message is None and self._protocol.state is State.OPEN:
                silent()
                continue
            if not message:
                return
            for at in range(0, len(message), SLICE_BYTES):
                self._protocol.receive_data(message[at : at + SLICE_BYTES])
                self._flush()
                await self.drained()  # reading pauses while the client does not read
                for frame in self._protocol.events_received():
                    await self._put_together(frame, take)
                await asyncio.sleep(0)

    async def _read(self, seconds: float) -> bytes | None:
        try:
            async with asyncio.timeout(seconds) as self._deadline:
                return bytes(await self.tunnel.read())
        except TimeoutError:
            return None
        finally:
            self._deadline = None

    async def _put_together(self, frame: Any, take: Callable[[bytes], Awaitable[None]]) -> None:
        if self._failed:
            return
        if (now := time.monotonic()) > self._since + hub.BEAT_SECONDS:
            self._frames, self._since = 0, now
        self._frames += not frame.fin or frame.opcode not in (Opcode.TEXT, Opcode.BINARY)
        if self._frames > FRAMES:
            await self.fail(CloseCode.POLICY_VIOLATION, "too many frames")
        elif frame.opcode is Opcode.BINARY:
            await self.fail(CloseCode.UNSUPPORTED_DATA, "text only")
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._parts.append(bytes(frame.data))
            if frame.fin:
                message, self._parts = b"".join(self._parts), []
                try:
                    message.decode()
                except UnicodeDecodeError:
                    return await self.fail(CloseCode.INVALID_DATA, "not UTF-8")
                await take(message)
