"""Raw sockets, and web processes to connect to."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.ports import free_port
from tests.patient import SECONDS

LIVE = b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\n"
"""A request with further header fields, then one with a chunked body."""
REFRESH = (
    b"POST /api/auth/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
)


@dataclass
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def code(self) -> str:
        """Return the code of a problem, after checking that it has the shape of every error."""
        assert self.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = json.loads(self.body)
        assert problem["status"] == problem["status_code"] == self.status
        assert problem["trace_id"] == self.headers["x-trace-id"] != "0" * 32
        assert problem["instance"] == problem["path"]
        assert problem["error"] == problem["detail"]
        return str(problem["code"])


def read_answer(stream: "socket.SocketIO | Any", method: str = "GET") -> Answer | None:
    """Return the next answer on the connection, or None at its end."""
    line = stream.readline()
    if not line:
        return None
    assert line.startswith(b"HTTP/1.1 "), line
    answer = Answer(int(line.split()[1]))
    while (line := stream.readline()) != b"\r\n":
        name, _, value = line.decode().partition(": ")
        assert name not in answer.headers, f"{name} is repeated"
        answer.headers[name] = value.rstrip()
    if method != "HEAD":
        answer.body = stream.read(int(answer.headers.get("content-length", 0)))
    return answer


@dataclass
class Web:
    """A running `python -m api`."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)

    def answers(self, raw: bytes) -> list[Answer]:
        """Send the bytes and return all answers until the connection ends."""
        with self.connect() as sock, sock.makefile("rb") as stream:
            with contextlib.suppress(ConnectionError):  # refused before all of it was sent
                sock.sendall(raw)
            found = []
            while answer := read_answer(stream):
                found.append(answer)
            return found

    def ask(self, raw: bytes) -> Answer:
        """Send the bytes and return the only answer."""
        [answer] = self.answers(raw)
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask(request("GET", path, **headers))

    def memory(self) -> int:
        """Return the resident memory in bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def logged(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def stop(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


def request(method: str, path: str, body: bytes = b"", /, **headers: str) -> bytes:
    """Return an HTTP/1.1 request that closes its connection; `x_y="…"` is the header x-y."""
    fields = {"host": "localhost", "connection": "close"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    if body:
        fields.setdefault("content-length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def spawn(environment: Mapping[str, str], log: Path, module: str = "api") -> "subprocess.Popen[bytes]":
    """Start `python -m api`, or another module, with only that environment."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.patient", module],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd(), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


@contextlib.contextmanager
def serving(environment: Mapping[str, str], folder: Path, module: str = "api") -> Iterator[Web]:
    """Yield a web process that answers requests. It is killed at the end if it still runs."""
    port = free_port()
    log = folder / f"web-{port}.log"
    web = Web(spawn({**environment, "PORT": str(port)}, log, module), port, log)
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            assert web.process.poll() is None, web.logged()
            with contextlib.suppress(OSError):
                web.connect().close()
                break
            assert time.monotonic() < deadline, web.logged()
            time.sleep(0.02)
        yield web
    finally:
        if web.process.poll() is None:
            web.process.kill()
        web.process.wait()
