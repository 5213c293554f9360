"""Redis commands of concurrent callers, pipelined on one connection: each is written when it is issued, and replies
arrive in the order of the commands. redis-py opens the connection (TLS, AUTH, SELECT); its own way of sending, with a
lock, a task and three timers for each command, would cost more than the command."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

import hiredis
from redis.asyncio.connection import Connection, DefaultParser
from redis.exceptions import ConnectionError, InvalidResponse, RedisError

_MORE = object()
"""What the reader returns if a reply is incomplete. Not the connection itself: its buffer would be freed only by the
garbage collector."""


class Pipeline:
    """Connects with the first command, and again with the first one after a connection was lost. Never sends a command
    twice: Redis may have executed a charge whose reply was lost."""

    def __init__(self, options: Mapping[str, Any], seconds: float) -> None:
        """Take the options of a connection pool, and the time in which a command must be answered."""
        self._options = {**options, "socket_timeout": seconds, "socket_connect_timeout": seconds}
        self._kind: type[Connection] = self._options.pop("connection_class", Connection)
        self._seconds = seconds
        self._replies: _Replies | None = None
        self._connecting: asyncio.Task[_Replies] | None = None

    async def execute(self, *command: str | bytes | float) -> Any:
        """Run one command, and return the reply as Redis sends it. Raises RedisError, OSError or TimeoutError."""
        due = asyncio.get_running_loop().time() + self._seconds
        packed = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub names one argument only
        replies = self._replies
        if replies is None or replies.closed:
            replies = await self._connect()
        return await replies.expect(packed, due)

    async def close(self) -> None:
        """Close the connection. Commands without a reply fail."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._replies is not None:
            self._replies.close(ConnectionError("the client was closed"))
            await self._replies.lost.wait()

    async def _connect(self) -> "_Replies":
        """Wait for the one connection that is being opened."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._open())
            self._connecting.add_done_callback(self._connected)
        # Shielded: a cancelled caller must not cancel the connection of the others.
        return await asyncio.shield(self._connecting)

    async def _open(self) -> "_Replies":
        connection = self._kind(**self._options)
        try:
            async with asyncio.timeout(self._seconds):
                await connection.connect()  # type: ignore[no-untyped-call]
            return _Replies(connection)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise

    def _connected(self, opened: "asyncio.Task[_Replies]") -> None:
        self._connecting = None
        if not opened.cancelled() and not opened.exception():  # retrieved here, because no caller may be left
            self._replies = opened.result()


class _Replies(asyncio.Protocol):
    """Takes over the transport of a connection after its handshake. A late reply ends the connection, with all commands
    that wait for one: otherwise another command would receive it."""

    def __init__(self, connection: Connection) -> None:
        """Raises ConnectionError if the server has closed the connection."""
        writer = connection._writer
        if writer is None or writer.transport.is_closing():
            raise ConnectionError("the server closed the connection")
        self._connection = connection  # kept, because its destructor closes the transport
        self._loop = asyncio.get_running_loop()
        self._expected: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._reader = hiredis.Reader(InvalidResponse, DefaultParser.parse_error, notEnoughData=_MORE)
        self._watch: asyncio.TimerHandle | None = None
        self.closed = False
        self.lost = asyncio.Event()
        self._transport = writer.transport
        self._handshake = self._transport.get_protocol()
        self._transport.set_protocol(self)

    def expect(self, packed: bytes, due: float) -> asyncio.Future[Any]:
        """Send a command. Return its reply, which is due at a time of the event loop."""
        reply: asyncio.Future[Any] = self._loop.create_future()
        if self.closed:
            reply.set_exception(ConnectionError("the server closed the connection"))
            return reply
        self._expected.append((due, reply))
        if self._watch is None:
            self._watch = self._loop.call_at(due, self._look)
        self._transport.write(packed)
        return reply

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (value := self._reader.gets()) is not _MORE:
                self._deliver(value)
        except Exception:  # noqa: BLE001  # not RESP, or a reply to no command; hiredis raises several
            self.close(InvalidResponse("the server does not answer as Redis does"))

    def _deliver(self, value: Any) -> None:
        _, reply = self._expected.popleft()
        if reply.done():  # the caller was cancelled
            return
        if isinstance(value, Exception):
            reply.set_exception(value)
        else:
            reply.set_result(value)

    def connection_lost(self, exc: Exception | None) -> None:
        known = isinstance(exc, OSError | RedisError)
        self.close(exc if exc and known else ConnectionError("the server closed the connection"))
        self._handshake.connection_lost(exc)
        self._connection._close()  # type: ignore[no-untyped-call]
        self.lost.set()

    def close(self, error: Exception) -> None:
        """End the connection. Commands without a reply fail with the error."""
        if self.closed:
            return
        self.closed = True
        if self._watch is not None:
            self._watch.cancel()
        self._transport.abort()
        for _, reply in self._expected:
            if not reply.done():
                reply.set_exception(error)
        self._expected.clear()

    def _look(self) -> None:
        """End the connection if the oldest command has no reply in time; otherwise look again when it is due."""
        self._watch = None
        if not self._expected:
            return
        due, _ = self._expected[0]
        if due <= self._loop.time():
            self.close(TimeoutError())
        else:
            self._watch = self._loop.call_at(due, self._look)
