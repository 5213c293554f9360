"""Raw sockets: bytes out, answers in."""

import contextlib
import re
import socket
import time
from dataclasses import dataclass, field


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)


class Wire:
    """A connection to a port of 127.0.0.1."""

    def __init__(self, port: int, source: str = "127.0.0.1", receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(10)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.data = b""
        self.ended = False

    @property
    def end(self) -> tuple[str, int]:
        """Return this side's address and port."""
        host, port = self.socket.getsockname()
        return host, port

    def send(self, *segments: bytes, pause: float = 0.05) -> "Wire":
        """Send each part in a segment of its own."""
        for number, segment in enumerate(segments):
            if number:
                time.sleep(pause)
            with contextlib.suppress(ConnectionError):  # refused before everything was sent
                self.socket.sendall(segment)
        return self

    def read(self, seconds: float = 2.0, until: int = 0) -> list[Answer]:
        """Return the data until the end, until `until` answers, or until a silence of that many seconds."""
        self.socket.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            while not self.ended and not (until and len(parse(self.data)) >= until):
                try:
                    more = self.socket.recv(262144)
                except ConnectionError:
                    more = b""
                self.ended = not more
                self.data += more
        return parse(self.data)

    def is_open(self) -> bool:
        """Return whether the peer keeps the connection open; received data is discarded."""
        self.socket.setblocking(False)
        try:
            while data := self.socket.recv(262144):
                self.data += data
            self.ended = True
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True
        return not self.ended

    def closed_within(self, seconds: float, keep: bytes = b"", every: float = 1.0) -> bool:
        """Return whether the peer closes the connection in time, while `keep` is sent repeatedly."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_open():
                return True
            if keep:
                try:
                    self.socket.send(keep)
                except BlockingIOError:
                    pass
                except OSError:
                    return True
            time.sleep(every)
        return not self.is_open()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def parse(data: bytes) -> list[Answer]:
    """Return the complete answers in those bytes."""
    found = []
    while match := re.match(rb"HTTP/1\.[01] (\d{3})[^\r]*\r\n((?:[^\r]+\r\n)*)\r\n", data):
        answer = Answer(int(match[1]))
        for line in match[2].decode("latin-1").splitlines():
            name, _, value = line.partition(":")
            answer.headers.append((name.lower(), value.strip()))
        data = data[match.end() :]
        if answer.status < 200:
            continue
        if answer.header("transfer-encoding") == "chunked":
            while size := re.match(rb"([0-9a-fA-F]+)\r\n", data):
                length = int(size[1], 16)
                answer.body += data[size.end() : size.end() + length]
                data = data[size.end() + length + 2 :]
                if not length:
                    break
        else:
            length = int(answer.header("content-length") or 0)
            if answer.status in (204, 304):
                length = 0
            if len(data) < length:
                break
            answer.body, data = data[:length], data[length:]
        found.append(answer)
    return found


def request(method: str, path: str, host: str, body: bytes = b"", *headers: str) -> bytes:
    """Return a request that keeps its connection."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    if body and not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def chunked(body: bytes, size: int = 7) -> bytes:
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
