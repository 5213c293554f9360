"""A deployment with services that a test may stop, and checks of all its promises."""

import asyncio
import contextlib
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec

from api.kernel.settings import Settings
from tests.factories import PASSWORD
from tests.faults.rig import connected
from tests.processes import MailServer, Processes
from tests.proxy import Proxy
from tests.worker.messages import Sent, send

SECONDS = 75.0
"""For waits and recoveries: a task's lease, its back-off, and a rejoining consumer, on a busy machine."""
NAMES = ("postgresql", "redis", "kafka", "smtp")
MOUNT = 'mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'


class Names:
    """The machine's names, which a test may remove; other names are not resolved."""

    def __init__(self, folder: Path) -> None:
        self._hosts, resolver = folder / "hosts", folder / "resolv.conf"
        self.up()
        resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.privileges = ["unshare", "--mount", "sh", "-euc", MOUNT, str(self._hosts), str(resolver)]
        works = subprocess.run([*self.privileges, "true"], capture_output=True, check=False).returncode == 0
        self.can_go = os.geteuid() == 0 and works
        if not self.can_go:
            self.privileges = []

    def name(self, part: str) -> str:
        return f"{part}.deploy.test" if self.can_go else "127.0.0.1"

    def up(self) -> None:
        self._hosts.write_text("127.0.0.1 localhost " + " ".join(f"{part}.deploy.test" for part in NAMES) + "\n")

    def down(self) -> None:
        self._hosts.write_text("127.0.0.1 localhost\n")


class World:
    """The processes, with a proxy on each connection, and without a collector."""

    def __init__(self, settings: Settings, mails: MailServer, names: Names) -> None:
        self.settings, self.mails, self.names = settings, mails, names
        self.proxies: dict[str, Proxy] = {}

    async def connect(self, stack: contextlib.AsyncExitStack) -> None:
        [kafka] = self.settings.kafka.bootstrap_servers[:1]
        to = dict(
            zip(NAMES, (self.settings.database_url, self.settings.redis_url, f"//{kafka}", self.mails.url), strict=True)
        )
        for name, url in to.items():
            parts = urlsplit(url)
            assert parts.port
            self.proxies[name] = await stack.enter_async_context(Proxy(("127.0.0.1", parts.port)))
        told, ours = (
            b"127.0.0.1" + port.to_bytes(4) for port in (self.proxies["kafka"].to[1], self.proxies["kafka"].port)
        )
        self.proxies["kafka"].rewrites = (told, ours)

    def environment(self) -> dict[str, str]:
        at = {part: f"{self.names.name(part)}:{self.proxies[part].port}" for part in NAMES}
        return {
            "DATABASE_URL": re.sub(r"@[^/]+/", f"@{at['postgresql']}/", self.settings.database_url),
            "REDIS_URL": f"redis://{at['redis']}/0",
            "KAFKA_BOOTSTRAP_SERVERS": at["kafka"],
            "KAFKA_PREFIX": self.settings.kafka.prefix,
            "SMTP_URL": f"smtp://{at['smtp']}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        }

    async def start(self, processes: Processes, client: httpx.AsyncClient) -> None:
        self.processes, self.client = processes, client
        self.worker = await processes.worker()

    async def take_away(self, part: str) -> None:
        if part in ("worker", "standard output"):
            self.worker.kill()
        if part == "standard output":
            self.worker = self.processes.start("worker", unread=True)
        elif part == "DNS":
            self.names.down()
            for proxy in self.proxies.values():
                proxy.cut()
        elif part.lower() in self.proxies:
            self.proxies[part.lower()].down()

    async def give_back(self, part: str) -> None:
        if part == "standard output":
            self.worker.kill()
        if part in ("worker", "standard output"):
            self.worker = await self.processes.worker()
        elif part == "DNS":
            self.names.up()
        elif part.lower() in self.proxies:
            await self.proxies[part.lower()].up()

    async def register(self, email: str) -> int:
        body = {"email": email, "password": PASSWORD}
        return (await self.client.post("/api/auth/register", json=body)).status_code

    async def command(self, email: str) -> None:
        """Send another service's message: an account for that address."""
        body = msgspec.json.encode({"email": email, "password_hash": "$2b$04$" + "a" * 53})
        await send(self.settings, "users.commands", [Sent(data=body, key=email, id=email, type="users.import")])

    async def delivered(self, email: str) -> tuple[bool, bool, bool]:
        """Return whether the account's mail and event arrived, and whether the following message was consumed."""
        async with connected(self.settings.database_url) as connection:
            row = await connection.fetchrow(
                """select coalesce(bool_and(published_at is not null) filter (where data ->> 'email' = $1), false),
                          coalesce(bool_or(data ->> 'email' = $2), false)
                     from outbox_events""",
                email,
                f"c-{email}",
            )
        assert row is not None
        return any(mail["To"] == email for mail in self.mails.mails), row[0], row[1]

    async def says(self, path: str) -> str | int:
        """Return the status shown to anonymous callers, or that of the answer."""
        answer = await self.client.get(f"/api/health/{path}")
        return str(answer.json()["status"]) if path == "full" else answer.status_code

    async def shown(self) -> int:
        """Return the exit status of `python -m api.system`."""
        return await asyncio.to_thread(self.processes.start("api.system").child.wait, 60)

    async def until(self, **wanted: object) -> None:
        """Wait for these statuses. Raises AssertionError with the actual ones."""
        said: dict[str, object] = {}
        try:
            async with asyncio.timeout(SECONDS):
                while said != wanted:
                    said = {path: await self.says(path) for path in wanted}
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{said} instead of {wanted}") from None

    async def until_delivered(self, email: str, wanted: tuple[bool, bool, bool]) -> None:
        """Wait until at least these arrived. Raises AssertionError with those that did."""
        came = (False, False, False)
        try:
            async with asyncio.timeout(SECONDS):
                while any(want and not got for want, got in zip(wanted, came, strict=True)):
                    came = await self.delivered(email)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"mail, event, message: {came} instead of {wanted}") from None
