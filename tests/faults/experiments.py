"""The experiments: each causes one round of faults, waits for its end, and returns the number of injections."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.asyncio import Redis

from tests.faults.clients import cancel_calls, lock_users, repeat_posts, roll_web
from tests.faults.digests import kill_digests  # of notifications
from tests.faults.hooks import kill_while_delivering
from tests.faults.limits import lose_counts
from tests.faults.rig import HARM_SECONDS, Rig
from tests.faults.streams import follow_events
from tests.proxy import Proxy

RUNNING = "select id from outbox_tasks where dead_at is null and locked_until is not null"
Harm = Callable[[Rig], Awaitable[int]]


@dataclass(frozen=True)
class Experiment:
    """`number` is the fault's in docs/reliability.md; `short` ones run in CI."""

    number: str
    what: str
    harm: Harm
    short: int = 0
    """Rounds in CI."""
    outage: bool = False
    """Whether calls may fail with 503 or be cut: the web process or PostgreSQL is harmed."""


def refuse(server: Callable[[Rig], Proxy], seconds: float = HARM_SECONDS) -> Harm:
    async def harm(rig: Rig) -> int:
        server(rig).down()
        await asyncio.sleep(seconds)
        await server(rig).up()
        return 1

    return harm


def silence(server: Callable[[Rig], Proxy]) -> Harm:
    async def harm(rig: Rig) -> int:
        server(rig).silent = True
        await asyncio.sleep(HARM_SECONDS)
        server(rig).silent = False
        server(rig).cut()
        return 1

    return harm


def delay(server: Callable[[Rig], Proxy], seconds: float) -> Harm:
    """Delay both directions."""

    async def harm(rig: Rig) -> int:
        server(rig).delay = seconds
        await asyncio.sleep(HARM_SECONDS)
        server(rig).delay = 0
        return 1

    return harm


async def kill_web(rig: Rig) -> int:
    points = ("database.commit:20", "database.committed:20", "pipeline.answer:30")
    for point in points:
        await rig.web.die_at(point)
        await rig.ready()
    await asyncio.sleep(0.5)
    rig.web.kill()
    return len(points) + 1


async def stop_web(rig: Rig) -> int:
    status, seconds = await rig.web.process.stop()
    assert (status, seconds < 10) == (0, True), f"status {status} after {seconds:.1f} s"
    return 1


async def kill_worker(rig: Rig) -> int:
    for point in ("task.leased:3", "task.done:3"):
        await rig.worker.die_at(point)
    rig.mails.mode = "hang"
    rig.mails.began.clear()
    async with asyncio.timeout(20):
        await rig.mails.began.wait()
    rig.worker.kill()
    rig.mails.mode = "ok"
    return 3


async def kill_relay_after_publishing(rig: Rig) -> int:
    for _ in range(3):
        await rig.worker.die_at("relay.published:3")
    return 3


async def kill_relay_before_publishing(rig: Rig) -> int:
    for _ in range(3):
        await rig.worker.die_at("relay.claimed:3")
    return 3


async def many_workers(rig: Rig) -> int:
    async with rig.workers(2) as others:
        for service in (*others, rig.worker):
            await asyncio.sleep(3)
            service.kill()
        await asyncio.sleep(3)
    return 5


async def flush_redis(rig: Rig) -> int:
    """While jobs wait there, because the mail server hangs."""
    rig.mails.mode = "hang"
    await asyncio.sleep(3)
    rig.redis_server.kill()
    rig.redis_server.start()
    rig.mails.mode = "ok"
    return 1


async def fill_redis(rig: Rig) -> int:
    """Refuse writes: as a replica without a primary, then full."""
    async with Redis.from_url(rig.redis_server.url) as redis:
        await redis.replicaof("127.0.0.1", "1")
        await asyncio.sleep(HARM_SECONDS / 2)
        await redis.replicaof("NO", "ONE")
        await redis.config_set("maxmemory", 1)
        await asyncio.sleep(HARM_SECONDS / 2)
        await redis.config_set("maxmemory", 0)
    return 2


async def lose_acknowledgements(rig: Rig) -> int:
    """Records arrive, but the broker's answer is cut in its middle."""
    rig.kafka.cut_at, rig.kafka.cut_after = b"ce_id", 10
    await asyncio.sleep(HARM_SECONDS)
    rig.kafka.cut_after = None
    return 1


async def freeze_kafka(rig: Rig) -> int:
    rig.broker.freeze()
    await asyncio.sleep(2 * HARM_SECONDS)
    rig.broker.thaw()
    return 1


async def start_without_kafka_and_redis(rig: Rig) -> int:
    rig.kafka.down()
    rig.redis.down()
    rig.web.kill()
    rig.worker.kill()
    began = time.monotonic()
    await rig.ready()
    await asyncio.sleep(max(0, HARM_SECONDS - time.monotonic() + began))
    await rig.kafka.up()
    await rig.redis.up()
    return 2


async def restart_postgresql(rig: Rig) -> int:
    rig.end_database()
    await rig.begin_database()
    return 1


async def stop_postgresql(rig: Rig) -> int:
    rig.end_database()
    await asyncio.sleep(HARM_SECONDS)
    await rig.begin_database()
    return 1


async def cut_postgresql(rig: Rig) -> int:
    for _ in range(3):
        rig.postgresql.cut()
        await asyncio.sleep(1)
    return 3


async def cut_answers(rig: Rig) -> int:
    """Cut answers in their middle, then those to COMMIT, so that the outcome is unknown."""
    for said, after in ((b"", 3000), (b"COMMIT", 10)):
        rig.postgresql.cut_at, rig.postgresql.cut_after = said, after
        await asyncio.sleep(HARM_SECONDS / 2)
    rig.postgresql.cut_after = None
    return 2


async def fail_over(rig: Rig) -> int:
    await rig.fail_over()
    return 1


async def lose_notify(rig: Rig) -> int:
    rig.postgresql.deaf_at = b"LISTEN"
    rig.worker.kill()
    await asyncio.sleep(2 * HARM_SECONDS)
    rig.postgresql.deaf_at = None
    return 1


def bad_mail_server(*modes: str) -> Harm:
    async def harm(rig: Rig) -> int:
        for mode in modes:
            rig.mails.mode = mode
            await asyncio.sleep(HARM_SECONDS / 2)
        rig.mails.mode = "ok"
        return len(modes)

    return harm


async def refuse_recipients(rig: Rig) -> int:
    """Each makes a dead letter, which an operator retries."""
    rig.mails.mode = "550"
    await asyncio.sleep(HARM_SECONDS / 2)
    rig.mails.mode = "ok"
    async with asyncio.timeout(10):
        while await rig.rows(RUNNING):  # noqa: ASYNC110  # in PostgreSQL
            await asyncio.sleep(0.2)
    again = "update outbox_tasks set dead_at = null, attempts = 0, available_at = now() where dead_at is not null"
    await rig.rows(again)
    return 1


async def everything(rig: Rig) -> int:
    harms = (kill_web, refuse(lambda rig: rig.redis), freeze_kafka, cut_postgresql, bad_mail_server("451", "reset"))
    return sum(await asyncio.gather(*(harm(rig) for harm in harms)))


EXPERIMENTS = (
    Experiment("F-1", "web killed: before and after its commit, before its answer", kill_web, 1, outage=True),
    Experiment("F-2", "web stopped by SIGTERM, under load", stop_web, 2, outage=True),
    Experiment("F-3", "a new web process replaces the old one, which gets SIGTERM; twice", roll_web, outage=True),
    Experiment("F-4", "worker killed: before a mail, inside DATA, before its row is removed", kill_worker, 1),
    Experiment("F-5", "relay killed between publishing and marking", kill_relay_after_publishing, 1),
    Experiment("F-6", "relay killed between claiming and publishing", kill_relay_before_publishing, 1),
    Experiment("F-7", "three workers at once, killed in turn", many_workers),
    Experiment("F-8", "every connection to PostgreSQL reset", cut_postgresql, 1, outage=True),
    Experiment("F-10", "Redis refuses", refuse(lambda rig: rig.redis)),
    Experiment("F-10", "Redis is killed while plans apply, and starts empty", lose_counts, 1),
    Experiment("F-11", "Redis is silent", silence(lambda rig: rig.redis), 1),
    Experiment("F-12", "Redis flushed while jobs wait in it", flush_redis, 1),
    Experiment("F-13", "Redis refuses writes: a read-only replica, then full", fill_redis),
    Experiment("F-14", "Kafka refuses, then accepts again", refuse(lambda rig: rig.kafka, 2 * HARM_SECONDS)),
    Experiment("F-15", "Kafka suspended, then continued", freeze_kafka, 1),
    Experiment("F-16", "Kafka stores the records, and its answer is cut", lose_acknowledgements),
    Experiment("F-16", "Kafka is slow: 0.2 s each way", delay(lambda rig: rig.kafka, 0.2)),
    Experiment("F-17", "web and worker start without Kafka and Redis", start_without_kafka_and_redis, outage=True),
    Experiment("F-18", "PostgreSQL crashes and starts again", restart_postgresql, 1, outage=True),
    Experiment("F-19", "PostgreSQL stopped", stop_postgresql, outage=True),
    Experiment("F-20", "PostgreSQL fails over; the old primary stays up, read-only", fail_over, 1, outage=True),
    Experiment("F-21", "PostgreSQL is silent", silence(lambda rig: rig.postgresql), outage=True),
    Experiment("F-21", "PostgreSQL is slow: 50 ms each way", delay(lambda rig: rig.postgresql, 0.05), outage=True),
    Experiment("F-21", "PostgreSQL's answers are cut, also to COMMIT", cut_answers, outage=True),
    Experiment("F-22", "a table is locked for 6 s", lock_users, outage=True),
    Experiment("F-23", "200 clients disconnect during a call; then a table is locked", cancel_calls, outage=True),
    Experiment("F-25", "NOTIFY is lost", lose_notify),
    Experiment("F-26", "SMTP refuses", refuse(lambda rig: rig.smtp)),
    Experiment("F-26", "SMTP: 451, reset after DATA", bad_mail_server("451", "reset"), 1),
    Experiment("F-26", "SMTP: 550; dead letters, retried by hand", refuse_recipients),
    Experiment("F-31", "workers killed while they deliver 5,000 webhooks, and Redis flushed", kill_while_delivering),
    Experiment(
        "F-38", "web killed and PostgreSQL crashed during POSTs that are repeated", repeat_posts, 1, outage=True
    ),
    Experiment("F-39", "workers killed while a digest of notifications fills, and at its end", kill_digests),
    Experiment(
        "F-40",
        "a client follows its events: web killed, its connections reset, PostgreSQL crashes",
        follow_events,
        1,
        outage=True,
    ),
    Experiment(
        "F-36", "web killed, Redis refuses, Kafka stopped, PostgreSQL reset, SMTP 451: at once", everything, outage=True
    ),
)
