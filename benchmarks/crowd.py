"""Many streams in one thread: raw sockets and epoll. The times of events are those at which the kernel received them
(SO_TIMESTAMPNS), so that they contain nothing of this process's own work."""

import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Self

AT_ONCE = 20
TRIES = 10
SECONDS = 60.0
SO_TIMESTAMPNS = 35  # Linux's SCM_TIMESTAMPNS; the socket module lacks it
_READ = 64 * 1024


class Stream:
    """A connection that has sent its request."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)
        self.socket.send(request)
        self.is_over = False
        self._head = b""

    def read(self) -> tuple[bytes, float]:
        """Return what has arrived, and when the last of it did in seconds since 1970."""
        try:
            data, ancillary, _, _ = self.socket.recvmsg(_READ, 64)
        except BlockingIOError:
            return b"", 0.0
        except OSError:
            data, ancillary = b"", []
        self.is_over = not data
        for _, kind, value in ancillary:
            if kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("qq", value[:16])
                return data, seconds + nanoseconds / 1e9
        return data, time.time()

    def begin(self) -> bool | None:
        """Return whether the server accepts the stream; None if that has not arrived."""
        self._head += self.read()[0]
        if b"\nid: " in self._head:
            return True
        return False if self.is_over or not self._head.startswith(b"HTTP/1.1 200"[: len(self._head)]) else None


class Crowd:
    """Streams that are read together."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self.streams: dict[int, Stream] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self.streams.values():
            stream.socket.close()
        self._poll.close()

    def open(self, port: int, requests: Sequence[bytes]) -> None:
        """Open a stream for each request, AT_ONCE at a time, and wait until they have begun. A busy server refuses some
        at first. Raises RuntimeError if it always does, TimeoutError if it does not answer."""
        for first in range(0, len(requests), AT_ONCE):
            wanted = requests[first : first + AT_ONCE]
            for _ in range(TRIES):
                wanted = self._open(port, wanted)
                if not wanted:
                    break
                time.sleep(1)
            else:
                raise RuntimeError(f"a stream was refused {TRIES} times")

    def _open(self, port: int, requests: Sequence[bytes]) -> list[bytes]:
        """Return the requests that were refused."""
        refused, opening = list[bytes](), dict[int, bytes]()
        for request in requests:
            stream = Stream(port, request)
            self.streams[stream.socket.fileno()] = stream
            opening[stream.socket.fileno()] = request
            self._poll.register(stream.socket, select.EPOLLIN)
        while opening:
            for number, stream in self._ready():
                if number not in opening:
                    stream.read()
                elif (begun := stream.begin()) is not None:
                    request = opening.pop(number)
                    if not begun:
                        refused.append(request)
                        self._poll.unregister(number)
                        self.streams.pop(number).socket.close()
        return refused

    def _ready(self) -> list[tuple[int, Stream]]:
        found = self._poll.poll(SECONDS)
        if not found:
            raise TimeoutError("no stream has anything to read")
        return [(number, self.streams[number]) for number, _ in found]

    def arrivals(self, name: bytes) -> list[float]:
        """Wait until each stream has received an event of that name. Returns when, in seconds since 1970."""
        times = list[float]()
        while len(times) < len(self.streams):
            for _, stream in self._ready():
                data, at = stream.read()
                if name in data:
                    times.append(at)
                elif stream.is_over:
                    raise RuntimeError("a stream has ended")
        return times
