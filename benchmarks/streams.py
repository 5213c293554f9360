"""From a commit to connected clients: one event to 2,000 streams of one process, with and without clients that do not
read, to 2,000 superusers at /events, and the memory of a stream. `python -m benchmarks.streams` is the server: this
backend and one feature."""

import asyncio
import contextlib
import resource
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from typing import Annotated, ClassVar, cast
from uuid import UUID

import msgspec
import psutil
import uvicorn
import uvloop
from starlette.applications import Starlette

from api.app import create_app
from api.features import FEATURES
from api.kernel import Context, Event, Feature, Feed, Label, Principal, Thing, get, record, signed_in, telemetry
from api.kernel.data.database import Database, open_database, uuid7
from api.kernel.feature import settings_of
from api.kernel.settings import load
from api.kernel.wire.process import bind, configuration
from benchmarks.accounts import ME, Account, bearer, open_accounts
from benchmarks.bench import Bench, Table, Verdict
from benchmarks.load import LOAD_CORE, drive, on_core, request
from benchmarks.servers import Server, environment_for, serving

PORT = 9240
EVENTS = "/api/events"
CLIENTS, DEAF, AT_ONCE = 2000, 20, 20
TRIES = 10
PAUSE_SECONDS = 0.25
"""Between two events."""
FILL = "x" * 50_000
FILLED = 100
"""Events of FILL that a client does not read: more than the buffers of its connection hold."""


class Noted(Event, frozen=True, tag="bench.noted"):
    live: ClassVar[bool] = True
    topic_id: Thing
    text: Annotated[str, Label]


class Note(msgspec.Struct, frozen=True):
    text: str


async def show_note(context: Context, event: Noted) -> Note:
    return Note(event.text)


async def follow(context: Context, principal: Principal, id: UUID) -> Feed[Note]:
    return Feed(show_note, key=id)


def create() -> Starlette:
    settings = load(kinds=settings_of(FEATURES))
    telemetry.set_up(settings, "web")
    return create_app(
        settings, (*FEATURES, Feature(name="bench", routes=[get("/bench/{id}/live", follow, guard=signed_in)]))
    )


class Round(msgspec.Struct, frozen=True):
    """Sorted milliseconds from the commit of each event to each client, and the server's CPU microseconds for each of
    these deliveries."""

    latencies: list[float]
    cpu: float

    def at(self, share: float) -> float:
        return self.latencies[int((len(self.latencies) - 1) * share)]


def ask(bench: Bench) -> Table:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the server inherits it
    environment = environment_for(bench.services, PORT, MAX_CONNECTIONS=str(2 * CLIENTS))
    with serving("streams", ["benchmarks.streams"], environment) as server:
        accounts = open_accounts(bench.services, CLIENTS + DEAF)
        _remember(server, accounts)
        with on_core(LOAD_CORE):
            kilobytes, alone, beside, wide = uvloop.run(_measure(bench, server, accounts))
    p99, with_deaf = (statistics.median(each.at(0.99) for each in rounds) for rounds in (alone, beside))
    everyone = statistics.median(each.at(0.99) for each in wide)
    ratio = statistics.median(b.at(0.99) / a.at(0.99) for a, b in zip(alone, beside, strict=True))
    return Table(
        f"One event to {CLIENTS:,} streams of one process",
        f"commit → client p99 ≤ 120 ms; ≤ 12 kB a client; {DEAF} clients that do not read change p99 by ≤ 10%",
        ("", "p50 ms", "p99 ms", "slowest ms", "server CPU µs a delivery"),
        [
            _row(f"{CLIENTS:,} clients", alone),
            _row(f"beside {DEAF} that do not read", beside),
            _row(f"{CLIENTS:,} superusers at /events", wide),
        ],
        f"Each client is an account of its own. {kilobytes:.1f} kB of the server's memory for each client, its "
        "connection included. Timed from before the COMMIT until the client's process has read the event; that process "
        f"reads {CLIENTS:,} sockets on the other core.",
        [
            Verdict("commit → 2,000 clients p99 ≤ 120 ms", f"{p99:.0f} ms", p99 <= 120),
            Verdict("commit → 2,000 superusers at /events p99 ≤ 120 ms", f"{everyone:.0f} ms", everyone <= 120),
            Verdict("memory of a stream ≤ 12 kB", f"{kilobytes:.1f} kB", kilobytes <= 12),
            Verdict(f"p99 beside {DEAF} that do not read ≤ 1.1 ×", f"{ratio:.2f} × ({with_deaf:.0f} ms)", ratio <= 1.1),
        ],
    )


def _row(name: str, rounds: Sequence[Round]) -> list[str]:
    figures = (statistics.median(each.at(share) for each in rounds) for share in (0.5, 0.99, 1.0))
    return [name, *(f"{figure:.0f}" for figure in figures), f"{statistics.median(each.cpu for each in rounds):.1f}"]


def _remember(server: Server, accounts: Sequence[Account]) -> None:
    """Fill the server's caches, whose memory is not that of streams."""

    def gets(number: int) -> Iterator[bytes]:
        return iter([request("GET", ME, bearer(account)) for account in accounts[number::16]])

    drive(server.port, 60, gets)


class Arrivals:
    """When an event arrived at each client."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.wanted = 0
        self.complete = asyncio.Event()

    def add(self) -> None:
        self.times.append(time.perf_counter())
        if len(self.times) == self.wanted:
            self.complete.set()

    async def of(self, clients: int, written: Awaitable[float]) -> list[float]:
        """Return the milliseconds of an event to each client; `written` commits it."""
        self.times, self.wanted = [], clients
        self.complete.clear()
        began = await written
        await asyncio.wait_for(self.complete.wait(), 60)
        return [(arrived - began) * 1000 for arrived in self.times]


class Client(asyncio.Protocol):
    """A stream."""

    transport: asyncio.Transport

    def __init__(self, path: str, account: Account, arrivals: Arrivals) -> None:
        self._request = request("GET", path, bearer(account))
        self._arrivals = arrivals
        self._rest = b""
        self.begun: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if b"\nevent: bench" in data:
            self._arrivals.add()
        elif not self.begun.done():
            self._rest += data
            if not self._rest.startswith(b"HTTP/1.1 200"[: len(self._rest)]):
                self.begun.set_result(False)
            elif b"\nid: " in self._rest:
                self.begun.set_result(True)
                self._rest = b""


async def _measure(
    bench: Bench, server: Server, accounts: Sequence[Account]
) -> tuple[float, list[Round], list[Round], list[Round]]:
    """Return the kilobytes of a client, and the rounds without and with clients that do not read, and of /events."""
    alone, beside, wide = list[Round](), list[Round](), list[Round]()
    settings = load(environment_for(bench.services, PORT), settings_of(FEATURES))
    topic, other, arrivals = uuid7(), uuid7(), Arrivals()
    events = 10 if bench.quick else 40
    async with open_database(settings, {}, 2) as db:

        async def round_() -> Round:
            used, latencies = _cpu(server), list[float]()
            for number in range(events):
                latencies += await arrivals.of(CLIENTS, _write(db, topic, str(number)))
                await asyncio.sleep(PAUSE_SECONDS)
            return Round(sorted(latencies), (_cpu(server) - used) * 1e6 / len(latencies))

        async with _clients(server, _live(topic), accounts[:50], arrivals):
            pass  # the first ones also load code
        before = server.megabytes
        async with _clients(server, _live(topic), accounts[:CLIENTS], arrivals):
            kilobytes = (server.megabytes - before) * 1000 / CLIENTS
            await round_()  # a warm-up
            for _ in range(bench.rounds):
                alone.append(await round_())
                async with _clients(server, _live(other), accounts[CLIENTS:], Arrivals()) as deaf:
                    for each in deaf:
                        each.transport.pause_reading()
                    for _ in range(FILLED):
                        await _write(db, other, FILL)
                    beside.append(await round_())
        async with _superusers(db, accounts[:CLIENTS]), _clients(server, EVENTS, accounts[:CLIENTS], arrivals):
            await round_()
            for _ in range(bench.rounds):
                wide.append(await round_())
    return kilobytes, alone, beside, wide


def _live(topic: UUID) -> str:
    return f"/api/bench/{topic}/live"


@contextlib.asynccontextmanager
async def _superusers(db: Database, accounts: Sequence[Account]) -> AsyncIterator[None]:
    """Make the accounts superusers while the block runs."""
    change = "update users set is_superuser = $2 where id = any($1::uuid[])"
    ids = [account.id for account in accounts]
    await db.fetch(change, ids, True)
    try:
        yield
    finally:
        await db.fetch(change, ids, False)


async def _write(db: Database, topic: UUID, text: str) -> float:
    """Commit an event. Returns the time before the commit."""
    async with db.transaction() as transaction:
        await record(transaction, Noted(topic_id=topic, text=text))
        return time.perf_counter()


def _cpu(server: Server) -> float:
    times = psutil.Process(server.process.pid).cpu_times()
    return float(times.user + times.system)


@contextlib.asynccontextmanager
async def _clients(
    server: Server, path: str, accounts: Sequence[Account], arrivals: Arrivals
) -> AsyncIterator[list[Client]]:
    """Open a stream for each account, AT_ONCE at a time."""
    clients: list[Client] = []
    try:
        for first in range(0, len(accounts), AT_ONCE):
            some = accounts[first : first + AT_ONCE]
            clients += await asyncio.gather(*(_open(server, path, account, arrivals) for account in some))
        yield clients
    finally:
        for client in clients:
            client.transport.abort()


async def _open(server: Server, path: str, account: Account, arrivals: Arrivals) -> Client:
    """Open a stream. A busy server refuses some at first."""
    for _ in range(TRIES):
        client = Client(path, account, arrivals)
        await asyncio.get_running_loop().create_connection(lambda client=client: client, "127.0.0.1", server.port)  # type: ignore[misc]
        if await asyncio.wait_for(client.begun, 60):
            return client
        client.transport.abort()
        await asyncio.sleep(1)
    raise RuntimeError(f"a stream was refused {TRIES} times")


if __name__ == "__main__":
    settings = load(kinds=settings_of(FEATURES))
    config = configuration(settings)
    config.app = "benchmarks.streams:create"
    uvicorn.Server(config).run(bind(settings))
