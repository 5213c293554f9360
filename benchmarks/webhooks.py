"""From a commit to an endpoint: deliveries per second of a backlog, and the latency at a steady rate, also while one of
twenty endpoints does not answer. The worker is the real process; the endpoints are on loopback."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import cast
from uuid import UUID

import httptools
import psutil
import uvloop

from api.features import FEATURES
from api.kernel.data.database import Database, open_database, uuid7
from api.kernel.feature import tasks_of
from api.kernel.outbox.events import record
from api.kernel.outbox.tasks import subscribers
from api.kernel.settings import Settings, load
from api.users import queries as users
from api.users.events import UserVerified
from api.webhooks import queries, secrets
from benchmarks.bench import Bench, Table, at_least, at_most
from benchmarks.events import running_worker
from benchmarks.load import LOAD_CORE, on_core
from benchmarks.servers import environment_for

ENDPOINTS = 20
EVENTS_A_SECOND = 5
"""Each has a delivery to each endpoint: 100 deliveries a second."""
HANGING_SECONDS = 15
PORT = 9231
SECRET = secrets.PREFIX + base64.b64encode(bytes(32)).decode()


class Endpoint(asyncio.Protocol):
    """Answers each request with 204. Those of the path /hang are never answered."""

    def __init__(self, arrivals: "Arrivals") -> None:
        self._arrivals = arrivals
        self._parser = httptools.HttpRequestParser(self)
        self._id = self._path = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has another base class

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == b"webhook-id":
            self._id = value

    def on_message_complete(self) -> None:
        if self._path != b"/hang":
            self._arrivals.add(self._id.decode())
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


class Arrivals:
    """Times of arrival of each event, at each endpoint."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}
        self.count = 0

    def add(self, id: str) -> None:
        self.count += 1
        self.times.setdefault(id, []).append(time.perf_counter())

    async def all(self, count: int, seconds: float = 60) -> None:
        """Wait until that many have arrived. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while self.count < count:  # noqa: ASYNC110  # filled by a protocol
                await asyncio.sleep(0.01)


def ask(bench: Bench) -> Table:
    with on_core(LOAD_CORE):
        rate, cpu, quiet, hanging = uvloop.run(_measure(bench))
    rows = [
        ["a backlog", "", "", f"{rate:,.0f}", f"{cpu:.2f}"],
        [f"{EVENTS_A_SECOND * ENDPOINTS} deliveries a second", *_waits(quiet), "", ""],
        ["the same, 1 of 20 endpoints hangs", *_waits(hanging), "", ""],
    ]
    return Table(
        f"Webhooks: commit → {ENDPOINTS} endpoints",
        "≥ 500 deliveries/s; p99 ≤ 1 s, also while an endpoint hangs",
        ("", "p50 ms", "p99 ms", "deliveries/s", "worker's CPU s per 1,000"),
        rows,
        f"The hanging endpoint keeps requests for {HANGING_SECONDS} s, the timeout; latencies are those of the others.",
        [
            at_least("webhooks ≥ 500 deliveries/s", rate, 500, "deliveries/s", 0),
            at_most("commit → received p99 ≤ 1 s", _at(quiet, 0.99), 1000, "ms", 0),
            at_most("the same while an endpoint hangs", _at(hanging, 0.99), 1000, "ms", 0),
        ],
    )


def _at(waits: list[float], part: float) -> float:
    return waits[int(len(waits) * part)]


def _waits(waits: list[float]) -> tuple[str, str]:
    return f"{_at(waits, 0.5):.1f}", f"{_at(waits, 0.99):.1f}"


async def _measure(bench: Bench) -> tuple[float, float, list[float], list[float]]:
    """Return deliveries per second and CPU seconds per 1,000 with a backlog, and the sorted milliseconds at a steady
    rate, without and with a hanging endpoint."""
    networks = {"WEBHOOKS_ALLOWED_NETWORKS": "127.0.0.0/8"}
    environment = environment_for(bench.services, PORT, **networks)
    settings, seconds = load(environment), 3.0 if bench.quick else 10.0
    events = 50 if bench.quick else 250
    async with _endpoints() as (arrivals, url), open_database(settings, subscribers(tasks_of(FEATURES)), 8) as db:
        user = await _account(db, settings, url)
        with _working(environment) as cpu_seconds:
            await _steadily(db, user, arrivals, 1.0)
            quiet = await _steadily(db, user, arrivals, seconds)
            busy, began, before = cpu_seconds(), time.perf_counter(), arrivals.count
            async with db.transaction() as tx:
                for _ in range(events):
                    await record(tx, UserVerified(user_id=user, email="ada@example.com"))
            await arrivals.all(before + events * ENDPOINTS)
            took = time.perf_counter() - began
            cpu = 1000 * (cpu_seconds() - busy) / (events * ENDPOINTS)
            await db.fetch(f"update webhook_endpoints set url = '{url}/hang' where description = '0'")
            hanging = await _steadily(db, user, arrivals, seconds, ENDPOINTS - 1)
        await db.fetch("delete from users where id = $1", user)
        await db.fetch("truncate webhook_deliveries cascade")
    return events * ENDPOINTS / took, cpu, quiet, hanging


@contextlib.asynccontextmanager
async def _endpoints() -> AsyncIterator[tuple[Arrivals, str]]:
    arrivals = Arrivals()
    server = await asyncio.get_running_loop().create_server(lambda: Endpoint(arrivals), "127.0.0.1", 0)
    async with server:
        yield arrivals, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@contextlib.contextmanager
def _working(environment: dict[str, str]) -> Iterator[Callable[[], float]]:
    """Run a worker. Yields a function that returns its CPU seconds."""
    with running_worker(environment) as process:
        worker = psutil.Process(process.pid)
        yield lambda: sum(worker.cpu_times()[:2])


async def _account(db: Database, settings: Settings, url: str) -> UUID:
    user = uuid7()
    async with db.transaction() as tx:
        await users.insert(tx, user, f"{user}@example.com", "no hash", "en", None, None)
        for number in range(ENDPOINTS):
            id = uuid7()
            await queries.insert(tx, id, user, "own", f"{url}/{number}", str(number), ["users.*"])
            await queries.insert_secret(tx, uuid7(), id, secrets.seal(settings, id, SECRET))
    await db.fetch("update users set is_verified = true where id = $1", user)
    return user


async def _steadily(
    db: Database, user: UUID, arrivals: Arrivals, seconds: float, endpoints: int = ENDPOINTS
) -> list[float]:
    """Commit events at a fixed rate. Returns the sorted milliseconds until each delivery."""
    committed: list[float] = []
    arrivals.times.clear()
    began, before, count = time.perf_counter(), arrivals.count, int(EVENTS_A_SECOND * seconds)
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / EVENTS_A_SECOND - time.perf_counter()))
        async with db.transaction() as tx:
            await record(tx, UserVerified(user_id=user, email="ada@example.com"))
        committed.append(time.perf_counter())
    await arrivals.all(before + count * endpoints)
    arrived = [arrivals.times[id] for id in sorted(arrivals.times)]  # ids in the order of time
    return sorted(
        1000 * (time - commit) for commit, times in zip(committed, arrived, strict=True) for time in times[:endpoints]
    )
