"""A running copy of the product, and its users."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis

from tests.attacks.attack import Skipped, held
from tests.attacks.client import Account, Client, code, fresh_email, fresh_number, fresh_password
from tests.attacks.mail import Mailbox
from tests.attacks.raw import Wire

ROOT = Path(__file__).parents[2]


@dataclass
class Site:
    """`port` is the public one: nginx's if it is installed, else that of the web process, which is `direct`."""

    host: str
    origin: str
    port: int
    direct: int
    streaming: int
    """The port of nginx without request buffering, 0 without nginx."""
    environment: dict[str, str]
    mailbox: Mailbox
    log: Path
    web: psutil.Process
    behind_nginx: bool = False
    _superuser: Account | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, address: str | None = None, *, direct: bool = False) -> Client:
        """Return a client with its own address, in its own network unless the address is given."""
        number = fresh_number()
        if self.behind_nginx and not direct:
            headers = {"host": self.host, "x-attack-from": address or f"11.{number // 250}.{number % 250}.7"}
            return Client(f"http://127.0.0.1:{self.port}", headers, None)
        source = address or f"127.{10 + number // 250}.{number % 250}.7"
        return Client(f"http://127.0.0.1:{self.direct}", {"host": self.host}, source)

    def neighbours(self, count: int) -> list[str]:
        """Return addresses of one unused /24."""
        number = fresh_number()
        network = (
            f"11.{number // 250}.{number % 250}" if self.behind_nginx else f"127.{10 + number // 250}.{number % 250}"
        )
        return [f"{network}.{host}" for host in range(7, 7 + count)]

    def wire(self, *, direct: bool = True, receive_buffer: int | None = None) -> Wire:
        number = fresh_number()
        source = f"127.{10 + number // 250}.{number % 250}.7"
        return Wire(self.direct if direct else self.port, source, receive_buffer)

    def needs_nginx(self) -> None:
        if not self.behind_nginx:
            raise Skipped("nginx is not installed")

    def unverified(self, email: str | None = None, password: str | None = None) -> Account:
        """Register and sign in, if possible, without following the link."""
        account = Account(email or fresh_email(), password or fresh_password(), self.client())
        answer = account.client.register(account.email, account.password)
        assert answer.status_code in (201, 202), answer.text
        if account.client.login(account.email, account.password).status_code == 200:
            account.id = (account.client.me() or {}).get("id", "")
        return account

    def verified(self, email: str | None = None, password: str | None = None) -> Account:
        """Register, follow the link, and sign in."""
        account = Account(email or fresh_email(), password or fresh_password(), self.client())
        answer = account.client.register(account.email, account.password)
        assert answer.status_code in (201, 202), answer.text
        answer = account.client.ask(
            "POST", "/auth/verify", {"token": self.mailbox.token(account.email, "verif|confirm")}
        )
        assert answer.status_code == 200, answer.text
        account.id = answer.json()["id"]
        answer = account.client.login(account.email, account.password)
        assert answer.status_code == 200, answer.text
        return account

    def superuser(self) -> Account:
        """The operator's account, created with the command."""
        with self._lock:
            if self._superuser is None:
                self._superuser = self._open_superuser()
            return self._superuser

    def _open_superuser(self) -> Account:
        account = Account(fresh_email("operator"), fresh_password(), self.client())
        done = self.command("api.superuser", account.email, stdin=account.password + "\n")
        assert done.returncode == 0, done
        if account.client.login(account.email, account.password).status_code != 200:
            body = {"token": self.mailbox.token(account.email), "password": account.password}
            answer = account.client.ask("POST", "/auth/reset-password", body)
            assert answer.status_code == 200, answer.text
            assert account.client.login(account.email, account.password).status_code == 200
        account.id = (account.client.me() or {})["id"]
        return account

    def deputy(self) -> Account:
        """A second superuser: a verified account, promoted by the first."""
        account = self.verified()
        answer = self.superuser().client.ask("PATCH", f"/users/{account.id}", {"is_superuser": True})
        held(answer.status_code == 200, f"a proved account could not be promoted: {code(answer)}")
        if not account.client.me():
            assert account.client.login(account.email, account.password).status_code == 200
        return account

    def command(self, module: str, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command of the product, with this copy's environment."""
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **self.environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=40,
        )

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def tables(self) -> list[str]:
        query = "select table_name from information_schema.tables where table_schema = 'public'"
        return [name for (name,) in self.rows(query)]

    def row_count(self) -> int:
        """Return all rows of all tables."""
        return sum(self.rows(f'select count(*) from "{name}"')[0][0] for name in self.tables())

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.environment["REDIS_URL"])

    def logged(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def sockets(self, ends: set[tuple[str, int]]) -> int:
        """Return how many connections from those addresses and ports the web process holds."""
        held_open = self.web.net_connections(kind="tcp")
        return sum(1 for each in held_open if each.raddr and (each.raddr.ip, each.raddr.port) in ends)

    def memory(self) -> int:
        return int(self.web.memory_info().rss)

    def latency(self, path: str = "/api/health/live") -> float:
        """Return the seconds until a new connection has its answer."""
        began = time.monotonic()
        with self.wire() as wire:
            wire.send(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode())
            wire.read(8)
        return time.monotonic() - began
