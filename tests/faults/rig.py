"""The system under test: PostgreSQL with durable commits, Redis, a broker and a mail server, each behind a proxy, and
the web and worker processes, which are restarted whenever they end, as on a PaaS."""

import asyncio
import contextlib
import email
import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import asyncpg
import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session

from dev import postgres
from dev.part import Part, stop
from dev.ports import free_port
from migrations.__main__ import migrate
from tests.conftest import ENVIRONMENT
from tests.faults.ledger import Ledger
from tests.processes import Process, is_ready
from tests.proxy import Proxy
from tests.worker.parts import Broker, RedisServer

HARM_SECONDS = 6.0
START_SECONDS = 20.0


class Mails:
    """A mail server with faults: `mode` is ok, 451, 550, hang (in DATA) or reset (after it accepted a mail)."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.arrived: dict[str, list[str]] = defaultdict(list)
        """The Message-IDs of accepted mails, by recipient."""
        self.began = asyncio.Event()
        """Set when a client is in DATA."""

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if self.mode == "550":
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mode = self.mode
        self.began.set()
        if mode == "451":
            return "451 greylisted"
        if mode == "hang":
            await asyncio.sleep(15)  # longer than the client waits
            return "451 too late"
        assert isinstance(envelope.content, bytes)
        self.arrived[envelope.rcpt_tos[0]].append(email.message_from_bytes(envelope.content)["Message-ID"])
        if mode == "reset":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"


class Service:
    """One process of the Procfile, restarted when it ends."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path) -> None:
        self._module, self._environment, self._log = module, environment, log
        self.process = self._start({})

    def _start(self, more: Mapping[str, str]) -> Process:
        return Process(self._module, {**self._environment, **more}, self._log)

    async def keep(self) -> None:
        """Restart it whenever it ends."""
        while True:
            if self.process.child.poll() is not None:
                self.process = self._start({})
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.process.kill()

    async def die_at(self, point: str, seconds: float = 30.0) -> None:
        """Restart it with that failpoint, and wait until it dies there."""
        self.process.kill()
        armed = self.process = self._start({"FAIL_AT": point})
        async with asyncio.timeout(seconds):
            while armed.child.poll() is None:  # noqa: ASYNC110  # another process' end
                await asyncio.sleep(0.02)
        assert armed.child.returncode == -9, self._log.read_text()[-2000:]


class Rig:
    def __init__(self, folder: Path, rate: float, seed: int) -> None:
        self.mails = Mails()
        self.folder = folder
        self._servers = 0
        self._old: Part | None = None
        self._keeping: list[asyncio.Task[None]] = []
        self._rate, self._seed = rate, seed

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            self._next_place()
            self._start_database()
            stack.callback(lambda: stop([self._database, *([self._old] if self._old else [])]))
            self.broker = stack.enter_context(Broker(self.folder))
            self.redis_server = stack.enter_context(RedisServer(self.folder))
            await asyncio.to_thread(self._database.wait)
            migrate(self.database_url)
            loop = asyncio.get_running_loop()
            server = await loop.create_server(lambda: SMTP(self.mails, hostname="localhost"), "127.0.0.1", 0)
            stack.callback(server.close)
            self.mail_port = server.sockets[0].getsockname()[1]
            await self._start_proxies(stack)
            self.environment = self._environment()
            self.web = Service("api", self.environment, self.folder / "web.log")
            self.worker = Service("worker", self.environment, self.folder / "worker.log")
            for service in (self.web, self.worker):
                self._keep(service)
            stack.push_async_callback(self._stop)
            self.url = f"http://127.0.0.1:{self.environment['PORT']}"
            self.ledger = Ledger(self.url, self._rate, self._seed)
            await self.ready()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _next_place(self) -> None:
        self._servers += 1
        self._place, self._port = self.folder / f"postgresql-{self._servers}", free_port()
        self._place.mkdir()

    def _start_database(self) -> None:
        self._database, self.database_url = postgres.start(
            self._place / "server", self._place, self._port, durable=True
        )

    def end_database(self) -> None:
        """Crash: connections get no notice, nothing is written."""
        crash(self._database)

    async def begin_database(self) -> None:
        """Start it after `end_database`; it recovers."""
        self._start_database()
        await asyncio.to_thread(self._database.wait)

    async def fail_over(self) -> None:
        """Fail over to a standby that was synchronous for a second, so both have all acknowledged changes. The old
        primary stays up, read-only, with all its connections, until the next time."""
        if self._old:
            crash(self._old)
        primary, place, port, self._old = self.database_url, self._place, self._port, self._database
        self._next_place()
        await asyncio.to_thread(postgres.copy(place / "server", port, self._place / "server", self._place).finish)
        await self.begin_database()
        async with connected(primary, superuser=True) as connection:
            await _set(connection, "synchronous_standby_names", "*")
            async with asyncio.timeout(START_SECONDS):
                while not await connection.fetch("select from pg_stat_replication where sync_state = 'sync'"):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            await asyncio.sleep(1)
            await _set(connection, "default_transaction_read_only", "on")
        async with connected(self.database_url, superuser=True) as connection:
            assert await connection.fetchval("select pg_promote()")
        self.postgresql.to = ("127.0.0.1", self._port)

    async def _start_proxies(self, stack: contextlib.AsyncExitStack) -> None:
        host, _, port = self.broker.address.partition(":")
        self.kafka = await stack.enter_async_context(Proxy((host, int(port))))
        told, ours = (host.encode() + number.to_bytes(4) for number in (int(port), self.kafka.port))
        self.kafka.rewrites = (told, ours)
        self.postgresql = await stack.enter_async_context(Proxy(("127.0.0.1", self._port)))
        redis_port = urlsplit(self.redis_server.url).port
        assert redis_port
        self.redis = await stack.enter_async_context(Proxy(("127.0.0.1", redis_port)))
        self.smtp = await stack.enter_async_context(Proxy(("127.0.0.1", self.mail_port)))

    def _environment(self) -> dict[str, str]:
        return ENVIRONMENT | {
            "DATABASE_URL": self.database_url.replace(f":{self._port}/", f":{self.postgresql.port}/"),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis.port}/0",
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.kafka.port}",
            "SMTP_URL": f"smtp://127.0.0.1:{self.smtp.port}",
            "WEBHOOKS_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
            "PORT": str(free_port()),
            "PYTHONPATH": os.getcwd(),
        }

    @contextlib.asynccontextmanager
    async def workers(self, more: int) -> AsyncIterator[list[Service]]:
        """Run that many workers beside the first."""
        services = [Service("worker", self.environment, self.folder / f"worker-{number}.log") for number in range(more)]
        keeping = [self._keep(service) for service in services]
        try:
            yield services
        finally:
            for task, service in zip(keeping, services, strict=True):
                task.cancel()
                service.kill()

    def _keep(self, service: Service) -> "asyncio.Task[None]":
        self._keeping.append(asyncio.create_task(service.keep()))
        return self._keeping[-1]

    async def _stop(self) -> None:
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        for service in (self.web, self.worker):
            service.kill()

    async def ready(self, url: str | None = None) -> None:
        """Wait until the web process answers, or the one at that address."""
        async with httpx.AsyncClient(base_url=url or self.url, trust_env=False) as client:
            async with asyncio.timeout(START_SECONDS):
                while not await is_ready(client):  # noqa: ASYNC110  # in another process
                    await asyncio.sleep(0.05)

    async def audit(self) -> int:
        """Return the exit status of `python -m api.audit`: 0 if the chain is valid."""
        checking = Process("api.audit", self.environment, self.folder / "audit.log")
        return await asyncio.to_thread(checking.child.wait, 120)

    async def rows(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Query PostgreSQL, bypassing the proxy; waits until it is up."""
        async with connected(self.database_url) as connection:
            return await connection.fetch(statement, *arguments)


@contextlib.asynccontextmanager
async def connected(url: str, *, superuser: bool = False) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Return a connection as soon as the server accepts one."""
    if superuser:
        url = url.replace(f"//{postgres.NAME}:", "//postgres:")
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                connection = await asyncpg.connect(url, timeout=5)
            except (OSError, asyncpg.PostgresError, TimeoutError):
                await asyncio.sleep(0.1)
            else:
                break
    try:
        yield connection
    finally:
        await connection.close()


async def _set(connection: "asyncpg.Connection[asyncpg.Record]", setting: str, value: str) -> None:
    await connection.execute(f"alter system set {setting} = '{value}'")
    await connection.execute("select pg_reload_conf()")


def crash(server: Part) -> None:
    """PostgreSQL's shutdown mode `immediate`."""
    server.process.send_signal(signal.SIGQUIT)
    server.process.wait()
