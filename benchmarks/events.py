"""From a commit to Kafka and to a mail server: the latency at a steady rate, and the relay's throughput with a backlog,
compared to a bare aiokafka producer of equal records. The worker is the real process."""

import asyncio
import contextlib
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from uuid import UUID

import psutil
import psycopg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiosmtpd.smtp import SMTP, Envelope, Session
from psycopg.rows import class_row

from api.features import FEATURES
from api.kernel.data.database import Database, open_database, uuid7
from api.kernel.data.sql import FOLDER
from api.kernel.feature import tasks_of
from api.kernel.outbox.events import record
from api.kernel.outbox.tasks import subscribers
from api.kernel.settings import load
from api.users import queries
from api.users.events import UserRegistered, UserVerified
from benchmarks.bench import Bench, Table, at_least, at_most
from benchmarks.load import LOAD_CORE, SERVER_CORE, on_core
from benchmarks.servers import ROOT, environment_for
from dev.stack import Services
from worker.kafka import BATCH_BYTES, Publisher
from worker.types import OutboxEvent

EVENTS_A_SECOND = 200
MAILS_A_SECOND = 50
PORT = 9230
# Events as `record` writes them, with a thousand keys.
_BACKLOG = """
insert into outbox_events (id, type, topic, key, data, traceparent)
select gen_random_uuid(), 'users.verified', 'users', thing,
       jsonb_build_object('type', 'users.verified', 'user_id', thing, 'email', 'ada@example.com'),
       '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'
  from (select md5((number %% 1000)::text)::uuid as thing from generate_series(1, %s) as number) as things
"""
_WAITS = "select exists (select from outbox_events where published_at is null and dead_at is null)"
Write = Callable[[UUID], Awaitable[None]]
"""Commits an event about the account with that id."""
Connection = psycopg.Connection[tuple[object, ...]]


class Clock:
    """Times of commit and arrival of each event, by the id of its account."""

    def __init__(self) -> None:
        self.committed: dict[str, float] = {}
        self.arrived: dict[str, float] = {}

    async def steadily(self, a_second: int, seconds: float, write: Write) -> list[float]:
        """Commit events at a fixed rate, whether or not earlier ones have arrived. Returns the sorted latencies in
        milliseconds. Raises TimeoutError if one never arrives."""

        async def commit(number: int) -> None:
            await asyncio.sleep(began + number / a_second - time.perf_counter())
            id = uuid7()
            await write(id)
            self.committed[str(id)] = time.perf_counter()

        self.committed.clear()
        began = time.perf_counter()
        async with asyncio.TaskGroup() as commits:
            for number in range(int(a_second * seconds)):
                commits.create_task(commit(number))
        async with asyncio.timeout(60):
            while not self.committed.keys() <= self.arrived.keys():  # noqa: ASYNC110  # filled by two producers
                await asyncio.sleep(0.05)
        return sorted(1000 * (self.arrived[id] - began) for id, began in self.committed.items())

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's callback for a received mail."""
        self.arrived[envelope.rcpt_tos[0].partition("@")[0]] = time.perf_counter()
        return "250 OK"


def ask(bench: Bench) -> Table:
    with on_core(LOAD_CORE):
        kafka, mail = uvloop.run(_latencies(bench))
        count = 20_000 if bench.quick else 100_000
        relays, bares, broker = _drains(bench, count)
    ratio = statistics.median(relay / bare for relay, bare in zip(relays, bares, strict=True))
    relay, slowest = statistics.median(relays), count / min(relays)
    k50, k99, m50, m99 = (waits[int(len(waits) * q)] for waits in (kafka, mail) for q in (0.5, 0.99))
    most = slowest * 100_000 / count
    rows = [
        [f"commit → Kafka consumer, {EVENTS_A_SECOND} a second", f"{k50:.1f}", f"{k99:.1f}", "", "", ""],
        [f"commit → mail accepted, {MAILS_A_SECOND} a second", f"{m50:.1f}", f"{m99:.1f}", "", "", ""],
        [f"the relay drains {count:,}", "", "", *_rates(relays), f"{ratio:.2f}"],
        ["a bare aiokafka producer", "", "", *_rates(bares), "1.00"],
    ]
    limit = "is the limit" if broker > 0.8 else "is not the limit"
    return Table(
        "Event: commit → Kafka, commit → mail, a backlog",
        "Kafka p50 ≤ 10 ms, p99 ≤ 50 ms; mail p99 ≤ 1 s; ≥ 5,000 events/s, ≥ 0.8 × the producer, 100,000 in ≤ 30 s",
        ("", "p50 ms", "p99 ms", "events/s", "lowest–highest", "× the producer"),
        rows,
        "The producer builds and sends the same records from events in memory, with the relay's settings; the "
        f"relay also reads and marks them in PostgreSQL. The broker was busy for {broker:.0%} of the producer's time "
        f"and {limit}.",
        [
            at_most("commit → Kafka p50 ≤ 10 ms", k50, 10, "ms", 1),
            at_most("commit → Kafka p99 ≤ 50 ms", k99, 50, "ms", 1),
            at_most("commit → mail p99 ≤ 1 s", m99, 1000, "ms", 1),
            at_least("relay ≥ 5,000 events/s", relay, 5000, "events/s", 0),
            at_least("relay ≥ 0.8 × a bare producer", ratio, 0.8),
            at_most("100,000 events in ≤ 30 s", most, 30, "s", 1),
        ],
    )


def _rates(rates: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(rates):,.0f}", f"{min(rates):,.0f}–{max(rates):,.0f}"


async def _latencies(bench: Bench) -> tuple[list[float], list[float]]:
    """Return the sorted milliseconds to Kafka and to the mail server."""
    seconds = 3.0 if bench.quick else 10.0
    async with _to_kafka(bench.services) as (clock, write):
        await clock.steadily(EVENTS_A_SECOND, 1.0, write)
        kafka = await clock.steadily(EVENTS_A_SECOND, seconds, write)
    async with _to_mail(bench.services) as (clock, write):
        await clock.steadily(MAILS_A_SECOND, 1.0, write)
        mail = await clock.steadily(MAILS_A_SECOND, seconds, write)
    return kafka, mail


@contextlib.asynccontextmanager
async def _to_kafka(services: Services) -> AsyncIterator[tuple[Clock, Write]]:
    clock = Clock()

    async def write(id: UUID) -> None:
        async with db.transaction() as tx:
            await record(tx, UserVerified(user_id=id, email="ada@example.com"))

    async def consume() -> None:
        async for message in consumer:
            clock.arrived[message.key.decode()] = time.perf_counter()

    async with _announcing(environment_for(services, PORT)) as db:
        # The mock broker checks for new records only when a fetch's wait is over.
        consumer = AIOKafkaConsumer("users", bootstrap_servers=services.kafka_bootstrap_servers, fetch_max_wait_ms=1)
        async with consumer:
            await consumer.seek_to_end()
            consuming = asyncio.create_task(consume())
            yield clock, write
            consuming.cancel()


@contextlib.asynccontextmanager
async def _to_mail(services: Services) -> AsyncIterator[tuple[Clock, Write]]:
    clock = Clock()

    async def write(id: UUID) -> None:
        async with db.transaction() as tx:
            email = f"{id}@example.com"
            await queries.insert(tx, id, email, "no hash", "en", None, None)
            await record(tx, UserRegistered(user_id=id, email=email, language="en"))

    server = await asyncio.get_running_loop().create_server(lambda: SMTP(clock), "127.0.0.1", 0)
    async with server:
        smtp_url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with _announcing(environment_for(services, PORT, SMTP_URL=smtp_url)) as db:
            yield clock, write


@contextlib.asynccontextmanager
async def _announcing(environment: dict[str, str]) -> AsyncIterator[Database]:
    """Run a worker, and yield a pool like the application's to record events with."""
    with running_worker(environment):
        async with open_database(load(environment), subscribers(tasks_of(FEATURES)), 8) as db:
            yield db


@contextlib.contextmanager
def running_worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with on_core(SERVER_CORE):
        process = subprocess.Popen([sys.executable, "-m", "worker"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _drains(bench: Bench, count: int) -> tuple[list[float], list[float], float]:
    """Return events per second of the relay and of the bare producer, round by round, and the broker's share of a core
    while the producer sends."""
    relays, bares, shares = [], [], []
    with psycopg.connect(bench.services.database_url, autocommit=True) as db, contextlib.ExitStack() as running:
        publisher = Publisher(load(environment_for(bench.services, PORT)))
        events = _read(db, count)
        running.enter_context(running_worker(environment_for(bench.services, PORT)))
        _drain(db, 1000)  # the worker has started and is connected
        for _ in range(2 if bench.quick else 3):
            relays.append(_drain(db, count))
            with on_core(SERVER_CORE):
                rate, share = uvloop.run(_send(bench.services, publisher, events))
            bares.append(rate)
            shares.append(share)
        db.execute("truncate outbox_events")
    return relays, bares, statistics.median(shares)


def _drain(db: Connection, count: int) -> float:
    """Measure from the commit of a backlog until Kafka has all of it and the rows are marked. Returns events per
    second."""
    db.execute("truncate outbox_events")
    with db.transaction():
        db.execute(_BACKLOG, [count])
        db.execute("notify outbox")
    began = time.perf_counter()
    while db.execute(_WAITS).fetchone() == (True,):
        time.sleep(0.02)
    return count / (time.perf_counter() - began)


def _read(db: Connection, count: int) -> list[OutboxEvent]:
    """Read a backlog as the relay does."""
    db.execute("truncate outbox_events")
    db.execute(_BACKLOG, [count])
    claim = (FOLDER / "worker/claim_events.sql").read_text("utf-8").replace("$1", "null")
    with db.cursor(row_factory=class_row(OutboxEvent)) as rows:
        return rows.execute(claim).fetchall()


async def _send(services: Services, publisher: Publisher, events: Sequence[OutboxEvent]) -> tuple[float, float]:
    """Send each event as the relay's record, with aiokafka's own send(). Returns events per second and the broker's
    share of a core."""
    producer = AIOKafkaProducer(
        bootstrap_servers=services.kafka_bootstrap_servers,
        enable_idempotence=True,
        acks="all",
        max_batch_size=BATCH_BYTES,
    )
    async with producer:
        await producer.partitions_for("users")
        gc.freeze()  # keeps the garbage collector from scanning the benchmark's events
        busy, began = _broker_seconds(), time.perf_counter()
        sent = [
            await producer.send(
                "users", event.data.encode(), event.key.encode(), headers=publisher._headers(event, event.traceparent)
            )
            for event in events
        ]
        for acknowledged in sent:
            await acknowledged
        took = time.perf_counter() - began
        return len(events) / took, (_broker_seconds() - busy) / took


def _broker_seconds() -> float:
    """Return the CPU seconds of the embedded broker, a child of this process; 0 for an external broker."""
    children = psutil.Process().children(recursive=True)
    return sum(sum(child.cpu_times()[:2]) for child in children if "dev.kafka" in child.cmdline())
