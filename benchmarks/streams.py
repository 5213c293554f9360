"""From a commit to connected clients: one event to 2,000 streams of one process, with and without clients that do not
read, to 2,000 superusers at /events, and the memory of a stream. `python -m benchmarks.streams` is the server: this
backend and one feature."""

import asyncio
import contextlib
import resource
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
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
from benchmarks.bench import Bench, Table, Verdict, at_most
from benchmarks.crowd import Crowd
from benchmarks.load import LOAD_CORE, drive, on_core, request
from benchmarks.servers import Server, environment_for, serving

PORT = 9240
EVENTS = "/api/events"
CLIENTS, DEAF = 2000, 20
NAME = b"\nevent: bench"
IDLE_SECONDS = 5.0
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
            kilobytes, idle, alone, beside, wide = uvloop.run(_measure(bench, server, accounts))
    p99, with_deaf = (statistics.median(each.at(0.99) for each in rounds) for rounds in (alone, beside))
    everyone = statistics.median(each.at(0.99) for each in wide)
    ratio = statistics.median(b.at(0.99) / a.at(0.99) for a, b in zip(alone, beside, strict=True))
    cpu = statistics.median(each.cpu for each in alone)
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
        f"connection included; {CLIENTS:,} silent ones take {idle:.1%} of a core, for heartbeats and checks of their "
        "callers. Timed from before the COMMIT until the client's kernel has the event (SO_TIMESTAMPNS), without the "
        "work of the benchmark's process on the other core.",
        [
            Verdict("commit → 2,000 clients p99 ≤ 120 ms", f"{p99:.0f} ms", p99 <= 120),
            Verdict("commit → 2,000 superusers at /events p99 ≤ 120 ms", f"{everyone:.0f} ms", everyone <= 120),
            at_most("CPU time to send an event to a client ≤ 15 µs", cpu, 15, "µs", 1),
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


async def _measure(
    bench: Bench, server: Server, accounts: Sequence[Account]
) -> tuple[float, float, list[Round], list[Round], list[Round]]:
    """Return the kilobytes of a client, the share of a core that silent ones take, and the rounds without and with
    clients that do not read, and of /events."""
    alone, beside, wide = list[Round](), list[Round](), list[Round]()
    settings = load(environment_for(bench.services, PORT), settings_of(FEATURES))
    topic, other = uuid7(), uuid7()
    async with open_database(settings, {}, 2) as db:

        async def round_(crowd: Crowd) -> Round:
            used, latencies = 0.0, list[float]()
            for number in range(10 if bench.quick else 40):
                before = server.cpu_seconds
                began = await _write(db, topic, str(number))
                latencies += [(arrived - began) * 1000 for arrived in crowd.arrivals(NAME)]
                used += server.cpu_seconds - before
                await asyncio.sleep(PAUSE_SECONDS)
            return Round(sorted(latencies), used * 1e6 / len(latencies))

        with Crowd() as first:
            first.open(server.port, _requests(_live(topic), accounts[:50]))  # they also load code
        with Crowd() as crowd:
            before = server.megabytes
            crowd.open(server.port, _requests(_live(topic), accounts[:CLIENTS]))
            kilobytes = (server.megabytes - before) * 1000 / CLIENTS
            await round_(crowd)  # a warm-up
            used = server.cpu_seconds
            await asyncio.sleep(IDLE_SECONDS)
            idle = (server.cpu_seconds - used) / IDLE_SECONDS
            for _ in range(bench.rounds):
                alone.append(await round_(crowd))
                with Crowd() as deaf:
                    deaf.open(server.port, _requests(_live(other), accounts[CLIENTS:]))
                    for _ in range(FILLED):
                        await _write(db, other, FILL)
                    beside.append(await round_(crowd))
        async with _superusers(db, accounts[:CLIENTS]):
            with Crowd() as crowd:
                crowd.open(server.port, _requests(EVENTS, accounts[:CLIENTS]))
                await round_(crowd)
                for _ in range(bench.rounds):
                    wide.append(await round_(crowd))
    return kilobytes, idle, alone, beside, wide


def _requests(path: str, accounts: Sequence[Account]) -> list[bytes]:
    return [request("GET", path, bearer(account)) for account in accounts]


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
    """Commit an event. Returns the time before the commit, in seconds since 1970."""
    async with db.transaction() as transaction:
        await record(transaction, Noted(topic_id=topic, text=text))
        return time.time()


if __name__ == "__main__":
    settings = load(kinds=settings_of(FEATURES))
    config = configuration(settings)
    config.app = "benchmarks.streams:create"
    uvicorn.Server(config).run(bind(settings))
