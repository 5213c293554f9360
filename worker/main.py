"""Runs the worker: arq with the features' tasks, the relay, and the consumers, on a Context like the web process's."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from arq.connections import ArqRedis
from arq.worker import Function, Worker, func
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError, ResponseError

from api.kernel.context import Context, open_context
from api.kernel.data.cache import CacheUnavailable
from api.kernel.data.redis_server import redis_options, redis_remedy, tls_remedy
from api.kernel.feature import (
    Feature,
    Sweep,
    consumers_of,
    everywhere,
    personal_of,
    recording,
    schedules_of,
    tasks_of,
)
from api.kernel.live import queries as live
from api.kernel.outbox.remedies import report_remedy
from api.kernel.outbox.tasks import HEARTBEAT_KEY, QUEUE, RUN_SECONDS, Task, subscribers
from api.kernel.process.waiting import wait_until_set
from api.kernel.settings import Settings
from api.kernel.telemetry.outages import Outage, words_of
from worker import queries
from worker.consumer import Reader
from worker.dead_messages import RESEND_SECONDS, resend
from worker.kafka import Publisher
from worker.relay import Relay
from worker.schedules import sweeps_of

logger = logging.getLogger(__name__)
outage = Outage("redis", logger)

POOL_SIZE = 9
"""Four connections for tasks, two for consumers, one for the relay's transaction, two for LISTEN (tasks, webhooks)."""
TASKS_AT_ONCE = 10
FINISH_SECONDS = 2.0
"""Time to finish running work after SIGTERM. A PaaS grants 10 s, and closing connections to unresponsive servers takes
five."""
RELEASE_SECONDS = 1.0
"""Time for a cancelled task to release its lease. If PostgreSQL does not answer, the lease expires."""
HEARTBEAT_SECONDS = 2
RESTART_SECONDS = 1.0
REDIS_SECONDS = 1.0
REMEDY_SECONDS = 2.0
SWEPT_AT_ONCE = 1000
NUMBER_SECONDS = 10.0


async def sweep_inbox(context: Context) -> int:
    """Delete a batch of old inbox rows. Returns their number. Raises Problem."""
    return await queries.sweep_inbox(context.db, SWEPT_AT_ONCE)


async def sweep_live(context: Context) -> int:
    """Delete a batch of events that clients could follow a day ago. Returns their number. Raises Problem."""
    return await queries.sweep_live(context.db, SWEPT_AT_ONCE)


async def sweep_answers(context: Context) -> int:
    """Delete a batch of answers that were kept for requests with an Idempotency-Key. Returns their number. Raises
    Problem."""
    return await queries.sweep_answers(context.db, SWEPT_AT_ONCE)


async def number_live(context: Context) -> int:
    """Number a batch of events of the time without clients: the next client would get them as live ones. Returns their
    number. Raises Problem."""
    return await live.number_live(context.db, SWEPT_AT_ONCE)


async def run(settings: Settings, features: Sequence[Feature], only_consume: bool = False) -> None:
    """Run until SIGTERM or SIGINT, then finish running work."""
    tasks, consumers = tasks_of(features), consumers_of(features)
    async with (
        open_context(settings, subscribers(tasks), POOL_SIZE, personal_of(features)) as opened,
        open_queue(settings) as queue,
        everywhere(opened, features),
        opened.hints.sending(opened.db),
    ):
        context = recording(opened, features)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, context.draining.set)
        topics = " ".join(consumer.topic for consumer in consumers)
        fields = {"tasks": "" if only_consume else " ".join(task.name for task in tasks), "topics": topics}
        logger.info("worker runs", extra={"fields": fields})
        publisher = Publisher(settings)
        readers = [Reader(context, consumer) for consumer in consumers]
        sweeps = [
            Sweep(sweep_inbox),
            Sweep(sweep_live),
            Sweep(sweep_answers),
            Sweep(number_live, NUMBER_SECONDS),
            Sweep(resend, RESEND_SECONDS),
            *sweeps_of(schedules_of(features)),
        ]
        sweeps += [sweep for feature in features for sweep in feature.sweeps]
        urgent = [task.name for task in tasks if task.urgent]
        relay = Relay(context, publisher, queue, [task.name for task in tasks], sweeps, urgent)
        outages = {("consumers", reader.topic): reader.outage for reader in readers}
        if not only_consume:
            outages |= {("kafka", ""): publisher.outage, ("smtp", ""): context.mail.outage}
        try:
            async with asyncio.timeout(None) as end, asyncio.TaskGroup() as parts:
                for reader in readers:
                    parts.create_task(reader.run())
                parts.create_task(publish_remedies(context, outages))
                if not only_consume:
                    parts.create_task(relay.run())
                    parts.create_task(work(context, tasks, relay.want_tasks))
                await context.draining.wait()
                end.reschedule(loop.time() + FINISH_SECONDS + RELEASE_SECONDS)
        except TimeoutError:
            logger.warning("worker ends with unfinished work; its rows are kept for the next worker")
        finally:
            await publisher.stop()
    logger.info("worker ends")


async def publish_remedies(context: Context, outages: Mapping[tuple[str, str], Outage]) -> None:
    """Publish misconfigurations to Redis until the process drains. Each result is published once, because another
    worker may have seen the fault repaired since. `outages` are keyed by component of /health/full and detail. Results
    of an earlier process are dropped, because settings change only with a restart."""
    published: dict[tuple[str, str], int] = {}
    while not context.draining.is_set():
        for place, outage in outages.items():
            results = outage.results
            if published.get(place) != results:
                with contextlib.suppress(CacheUnavailable):
                    await report_remedy(context.cache, *place, outage.remedy)
                    published[place] = results
        await wait_until_set(context.draining, REMEDY_SECONDS)


async def work(context: Context, tasks: Sequence[Task[Any]], ended: Callable[[], None]) -> None:
    """Run arq until the process drains. arq ends when Redis goes away, and is restarted here. Calls `ended` after each
    job."""
    while not context.draining.is_set():
        async with open_queue(context.settings) as queue:
            worker = Worker(**worker_settings(context, tasks, ended), redis_pool=queue)
            await _work_until_redis_ends(context, worker, queue)


async def _work_until_redis_ends(context: Context, worker: Worker, queue: ArqRedis) -> None:
    running = asyncio.create_task(worker.async_run())
    draining = asyncio.create_task(context.draining.wait())
    try:
        await asyncio.wait((running, draining), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await _recover(running.exception(), queue)
        worker.allow_pick_jobs = False
        if worker.tasks:
            await asyncio.wait(worker.tasks.values(), timeout=FINISH_SECONDS)
        if running.done():
            await asyncio.wait((draining,), timeout=RESTART_SECONDS)
    finally:
        draining.cancel()
        # Before Python 3.12, asyncio.wait_for, which redis-py uses to write, may swallow a cancellation.
        while not running.done():
            running.cancel()
            await asyncio.wait((running,), timeout=RELEASE_SECONDS)
        # Cancel jobs only once: a second cancellation would interrupt the release of the lease.
        for task in worker.tasks.values():
            task.cancel()
        await asyncio.gather(*worker.tasks.values(), return_exceptions=True)


async def _recover(error: BaseException | None, queue: ArqRedis) -> None:
    """Log why arq ended. Delete its queue if the cause is its content, such as a value of another type. No task is
    lost: its lease expires, and it is queued again."""
    away = isinstance(error, RedisError | OSError) and type(error) is not ResponseError
    if away and error is not None:
        remedy = redis_remedy(error) or await tls_remedy(queue.connection_pool.connection_kwargs)
        outage.tell(words_of(error), remedy)
    fields = {"cause": type(error).__name__, "seconds": RESTART_SECONDS}
    logger.warning("arq restarts", exc_info=None if away else error, extra={"fields": fields})
    if not away:
        logger.warning("arq's queue was deleted", extra={"fields": {"key": QUEUE}})
        with contextlib.suppress(RedisError, OSError):
            await queue.delete(QUEUE)


def worker_settings(context: Context, tasks: Sequence[Task[Any]], ended: Callable[[], None]) -> dict[str, Any]:
    """Return arq's settings. arq only transports jobs: attempts, results and failures are stored in PostgreSQL."""

    async def after_job_end(_: dict[str, Any]) -> None:
        ended()

    return {
        "functions": [_function(context, task) for task in tasks],
        "queue_name": QUEUE,
        "handle_signals": False,
        "after_job_end": after_job_end,
        "max_jobs": TASKS_AT_ONCE,
        "job_timeout": RUN_SECONDS + 5,
        "keep_result": 0,
        "max_tries": 1_000_000,  # a redelivered job is checked against the lease in its row
        "poll_delay": 0.1,
        "health_check_interval": HEARTBEAT_SECONDS,
        "health_check_key": HEARTBEAT_KEY,
        "job_serializer": encode,
        "job_deserializer": msgspec.json.decode,
    }


def _function(context: Context, task: Task[Any]) -> Function:
    async def run_task(_: dict[str, Any], id: str, lease: int) -> None:
        await task.run(context, UUID(id), lease)

    return func(run_task, name=task.name)  # type: ignore[arg-type]  # arq types the arguments as *Any


@contextlib.asynccontextmanager
async def open_queue(settings: Settings) -> AsyncIterator[ArqRedis]:
    """Open arq's client. Built here and not by arq from a DSN, because arq neither decodes passwords nor supports
    unverified certificates."""
    pool = ConnectionPool(
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        **redis_options(settings),
    )
    queue = ArqRedis(pool, job_serializer=encode, job_deserializer=msgspec.json.decode, default_queue_name=QUEUE)
    try:
        yield queue
    finally:
        await queue.aclose(close_connection_pool=True)


def encode(job: dict[str, Any]) -> bytes:
    """Encode as JSON. Never pickle: write access to Redis must not allow code execution here."""
    return msgspec.json.encode(job, enc_hook=repr)
