"""The embedded stack: starts the services that the environment does not provide, concurrently, and stops them.

DATABASE_URL, REDIS_URL, KAFKA_BOOTSTRAP_SERVERS and SMTP_URL each replace a part."""

import fcntl
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev import postgres, redis
from dev.files import write_whole
from dev.part import Part, StackError, stop
from dev.ports import bind_free

KEPT = ("postgres", "postgres.unfinished", "redis", "mail", "logs", "secret_key", "services.json", "demo.json", "lock")
"""The files and folders of a stack in its DATA_DIR."""


@dataclass(frozen=True)
class Services:
    """Addresses of the services; `mail_url` is the mailbox page, or None if your own SMTP_URL is used."""

    database_url: str
    redis_url: str
    kafka_bootstrap_servers: str
    smtp_url: str
    mail_url: str | None


@contextmanager
def embedded(data_dir: Path, durable: bool = True) -> Iterator[Services]:
    """Run the stack on `data_dir` (created if missing) for the length of a `with` block. Call it from the main thread.

    `durable=False` makes PostgreSQL faster but not crash-safe, for tests. Raises StackError if a part does not start or
    another stack runs on the folder."""
    with running(data_dir, durable) as (services, _):
        yield services


@contextmanager
def running(data_dir: Path, durable: bool = True) -> Iterator[tuple[Services, list[Part]]]:
    """Like `embedded()`, but also yields the running parts, so that the caller can detect the end of a part."""
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as cleanup:
        cleanup.enter_context(_lock(data_dir))
        parts: list[Part] = []
        cleanup.callback(stop, parts)
        yield _start(data_dir, durable, parts), parts


def _start(data_dir: Path, durable: bool, parts: list[Part]) -> Services:
    """Start the parts, the slowest last, and wait for each. `parts` grows meanwhile, so that they are stopped on
    failure."""
    logs, mail = data_dir / "logs", data_dir / "mail"
    logs.mkdir(mode=0o700, exist_ok=True)
    mail.mkdir(mode=0o700, exist_ok=True)
    database_url, redis_url, kafka, smtp_url = (
        os.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL")
    )
    mail_url = None
    database_port, redis_port, smtp_port, mail_port = _ports(data_dir)
    if not kafka:
        broker = Part("kafka", [sys.executable, "-m", "dev.kafka"], logs, ready=r"^127\.0\.0\.1:\d+$")
        parts.append(broker)
    if not smtp_url:
        ports = [str(smtp_port), str(mail_port)]
        parts.append(Part("mail", [sys.executable, "-m", "dev.mail", mail, *ports], logs, ready="Uvicorn running on"))
        smtp_url, mail_url = f"smtp://127.0.0.1:{smtp_port}", f"http://localhost:{mail_port}"
    if not redis_url:
        part, redis_url = redis.start(data_dir / "redis", logs, redis_port)
        parts.append(part)
    if not database_url:
        part, database_url = postgres.start(data_dir / "postgres", logs, database_port, durable=durable)
        parts.append(part)
    for part in parts:
        part.wait()
    return Services(database_url, redis_url, kafka or broker.wait(), smtp_url, mail_url)


def is_running(data_dir: Path) -> bool:
    """Return whether a stack runs on `data_dir`."""
    if not data_dir.exists():
        return False
    try:
        with _lock(data_dir):
            return False
    except StackError:
        return True


def remember(data_dir: Path, addresses: dict[str, Any]) -> None:
    """Write services.json, from which scripts find the stack and the next start reuses the ports."""
    write_whole(data_dir / "services.json", json.dumps(addresses, indent=2).encode() + b"\n")


def remembered(data_dir: Path) -> dict[str, Any]:
    """Return the content written by `remember`, {} if there is none."""
    path = data_dir / "services.json"
    addresses: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
    return addresses


def delete(data_dir: Path) -> bool:
    """Delete the stack's files in `data_dir`, and the folder if it is then empty. Returns whether there was anything.
    Raises StackError while a stack runs on it."""
    if not (data_dir / "logs").exists() or not (data_dir / "lock").exists():
        return False
    with _lock(data_dir):
        for name in KEPT:
            path = data_dir / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    with suppress(OSError):  # not empty
        data_dir.rmdir()
    return True


@contextmanager
def _lock(data_dir: Path) -> Iterator[None]:
    with (data_dir / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"{data_dir} is in use by another `make run`: stop it, or set DATA_DIR.") from None
        yield


def _ports(data_dir: Path) -> list[int]:
    """Return free ports of 127.0.0.1 for PostgreSQL, Redis, SMTP and the mailbox, if possible those of the last
    time."""
    last = remembered(data_dir)
    urls = (last.get(name) or "" for name in ("database_url", "redis_url", "smtp_url", "mail_url"))
    with ExitStack() as held:  # all held at once, so that no port is assigned twice
        return [_bind(held.enter_context(socket.socket()), url) for url in urls]


def _bind(listener: socket.socket, last_url: str) -> int:
    """Bind to the port in `last_url` if it is free, otherwise to any. Returns the port."""
    if last := re.search(r"(?:127\.0\.0\.1|localhost):(\d{1,5})\b", last_url):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the last run may linger
        with suppress(OSError, OverflowError):
            listener.bind(("127.0.0.1", int(last[1])))
            return int(last[1])
    listener.setsockopt(
        socket.SOL_SOCKET, socket.SO_REUSEADDR, 0
    )  # with it, two sockets could share a port before listening
    return bind_free(listener)
