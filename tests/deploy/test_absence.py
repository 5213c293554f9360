"""C-252: what the absence of each part does to the answers, mails, events, consumers and the status, and that all heals
by itself: the table of docs/operations.md, cell by cell."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from api.kernel.database import uuid7
from api.kernel.settings import Settings
from tests.conftest import clone
from tests.deploy import manual
from tests.factories import PASSWORD
from tests.faults.rig import connected
from tests.processes import MailServer, Processes
from tests.proxy import Proxy
from tests.worker.messages import Sent, send

SECONDS = 75.0
"""For whatever waits or heals: a task's lease, its back-off, and a consumer that joins again, on a busy machine."""
NAMES = ("postgresql", "redis", "kafka", "smtp")
MOUNT = 'mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'


class Cells(msgspec.Struct, frozen=True):
    """What is so while a part is absent: what registering and `ready` answer, and whether `/health/full` says ok and a
    mail, an event and a message that were there before are delivered."""

    register: int = 201
    ready: int = 200
    status: str = "degraded"
    mails: bool = False
    events: bool = False
    consumers: bool = False


ABSENT = {
    "PostgreSQL": Cells(register=503, ready=503),
    "Redis": Cells(events=True, consumers=True),
    "Kafka": Cells(mails=True),
    "SMTP": Cells(status="ok", events=True, consumers=True),
    "worker": Cells(),
    "OTLP collector": Cells(status="ok", mails=True, events=True, consumers=True),
    "DNS": Cells(register=503, ready=503),
}


class Names:
    """The machine's names, which a test may take away; nobody answers for other ones."""

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
    """The processes, each of their connections through a proxy, and nobody where the collector should be."""

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
        if part == "worker":
            self.worker.kill()
        elif part == "DNS":
            self.names.down()
            for proxy in self.proxies.values():
                proxy.cut()
        elif part.lower() in self.proxies:
            self.proxies[part.lower()].down()

    async def give_back(self, part: str) -> None:
        if part == "worker":
            self.worker = await self.processes.worker()
        elif part == "DNS":
            self.names.up()
        elif part.lower() in self.proxies:
            await self.proxies[part.lower()].up()

    async def register(self, email: str) -> int:
        body = {"email": email, "password": PASSWORD}
        return (await self.client.post("/api/auth/register", json=body)).status_code

    async def command(self, email: str) -> None:
        """A message from another service: an account for that address."""
        body = msgspec.json.encode({"email": email, "password_hash": "$2b$04$" + "a" * 53})
        await send(self.settings, "users.commands", [Sent(data=body, key=email, id=email, type="users.import")])

    async def delivered(self, email: str) -> tuple[bool, bool, bool]:
        """Whether the mail and the event of the account came, and the message that follows it was consumed."""
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
        """The status that is told to strangers, or that of the answer."""
        answer = await self.client.get(f"/api/health/{path}")
        return str(answer.json()["status"]) if path == "full" else answer.status_code

    async def shown(self) -> int:
        """The exit status of `python -m api.system`."""
        return await asyncio.to_thread(self.processes.start("api.system").child.wait, 60)

    async def until(self, **wanted: object) -> None:
        """Wait until the health pages say this. Raises AssertionError, with what they say."""
        said: dict[str, object] = {}
        try:
            async with asyncio.timeout(SECONDS):
                while said != wanted:
                    said = {path: await self.says(path) for path in wanted}
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{said} instead of {wanted}") from None

    async def until_delivered(self, email: str, wanted: tuple[bool, bool, bool]) -> None:
        """Wait until at least these came. Raises AssertionError, with what did."""
        came = (False, False, False)
        try:
            async with asyncio.timeout(SECONDS):
                while any(want and not got for want, got in zip(wanted, came, strict=True)):
                    came = await self.delivered(email)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"mail, event, message: {came} instead of {wanted}") from None


@pytest.fixture(scope="module")
async def world(
    environment: dict[str, str], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("absence")
    async with contextlib.AsyncExitStack() as stack:
        mails = await stack.enter_async_context(MailServer())
        made = World(await stack.enter_async_context(clone(settings)), mails, Names(folder))
        await made.connect(stack)
        own = environment | made.environment()
        processes = stack.enter_context(Processes(own, folder, made.names.privileges))
        client = await stack.enter_async_context(processes.web())
        await made.start(processes, client)
        await made.command("first@example.com")
        async with connected(made.settings.database_url) as connection, asyncio.timeout(SECONDS):
            while not await connection.fetchval("select count(*) from inbox"):
                await asyncio.sleep(0.1)
        yield made


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", ABSENT)
async def test_what_is_absent_does_what_the_manual_says_and_heals(part: str, world: World) -> None:
    if part == "DNS" and not world.names.can_go:
        pytest.skip("needs to be root, to have names of its own")
    expected, email = ABSENT[part], f"{uuid7().hex}@example.com"
    world.worker.child.send_signal(signal.SIGSTOP)  # so that something waits when the part goes
    assert await world.register(email) == 201
    await world.command(f"c-{email}")
    await world.take_away(part)
    world.worker.child.send_signal(signal.SIGCONT)
    try:
        assert await world.register(f"during-{email}") == expected.register
        assert (await world.client.get("/api/health/live")).status_code == 200
        wanted = expected.mails, expected.events, expected.consumers
        await world.until_delivered(email, wanted)
        await world.until(ready=expected.ready, full=expected.status)
        assert await world.shown() == (expected.status != "ok")
        assert await world.delivered(email) == wanted
    finally:
        await world.give_back(part)
    await world.until(ready=200, full="ok")
    await world.until_delivered(email, (True, True, True))
    if expected.register == 201:
        await world.until_delivered(f"during-{email}", (True, True, False))
    assert await world.register(f"after-{email}") == 201


def rows() -> dict[str, list[str]]:
    section = manual.OPERATIONS.read_text().partition("## When something is absent\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", section, re.M)]
    return {row[0]: row[1:] for row in cells[2:]}


def test_each_cell_of_the_table_names_what_shows_it() -> None:
    table = rows()
    assert table.keys() >= ABSENT.keys()
    references = dict(re.findall(r"^- \[(\d+)\] (.*(?:\n  .*)*)", manual.OPERATIONS.read_text(), re.MULTILINE))
    for part, cells in table.items():
        assert len(cells) == 6
        for cell in cells:
            assert re.search(r"\[\d+\]", cell), f"{part}: {cell}"
            assert set(re.findall(r"\[(\d+)\]", cell)) <= references.keys()
        assert part not in ABSENT or all("[1]" in cell for cell in cells), part
    for text in references.values():
        found = re.findall(r"`([\w/]+\.py)::(\w+)`", text)
        assert found, text
        for file, test in found:
            assert f"def {test}(" in (manual.ROOT / "tests" / file).read_text(), f"{file}::{test}"
