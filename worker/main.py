"""What the worker runs: arq with the features' tasks, the relay, and the consumers, over the same Context as the web
process."""

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
from api.kernel.feature import Feature, Sweep, consumers_of, schedules_of, tasks_of
from api.kernel.outbox.remedies import report_remedy
from api.kernel.outbox.tasks import HEARTBEAT_KEY, QUEUE, RUN_SECONDS, Task, subscribers
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

POOL_SIZE = 8
"""Four for tasks, two for consumers, one for the relay's transaction, one that listens."""
TASKS_AT_ONCE = 10
FINISH_SECONDS = 2.0
"""How long what was begun may go on after SIGTERM. A PaaS grants 10 s, and letting go of silent servers takes five."""
RELEASE_SECONDS = 1.0
"""How long a task may then take to give its lease back; where PostgreSQL is silent, the lease runs out."""
HEARTBEAT_SECONDS = 2
RESTART_SECONDS = 1.0
REDIS_SECONDS = 1.0
REMEDY_SECONDS = 2.0
SWEPT_AT_ONCE = 1000


async def sweep_inbox(context: Context) -> int:
    """Forget messages that were acted on long ago, one batch of them; how many. Raises Problem."""
    return await queries.sweep_inbox(context.db, SWEPT_AT_ONCE)


async def sweep_live(context: Context) -> int:
    """Remove what clients could follow a day ago, one batch of it; how many. Raises Problem."""
    return await queries.sweep_live(context.db, SWEPT_AT_ONCE)


async def run(settings: Settings, features: Sequence[Feature], only_consume: bool = False) -> None:
    """Work until SIGTERM or SIGINT, then finish what was begun."""
    tasks, consumers = tasks_of(features), consumers_of(features)
    async with open_context(settings, subscribers(tasks), POOL_SIZE) as context, open_queue(settings) as queue:
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
                parts.create_task(tell_remedies(context, outages))
                if not only_consume:
                    parts.create_task(relay.run())
                    parts.create_task(work(context, tasks, relay.want_tasks))
                await context.draining.wait()
                end.reschedule(loop.time() + FINISH_SECONDS + RELEASE_SECONDS)
        except TimeoutError:
            logger.warning("worker leaves unfinished what takes too long; the rows stay")
        finally:
            await publisher.stop()
    logger.info("worker ends")


async def tell_remedies(context: Context, outages: Mapping[tuple[str, str], Outage]) -> None:
    """Leave in Redis what is misconfigured, each result once, until the process drains: another worker may have seen
    since that it is mended. `outages` are by part of /health/full, and what of it. What was left before is dropped:
    settings are mended by a restart."""
    told: dict[tuple[str, str], int] = {}
    while not context.draining.is_set():
        for place, outage in outages.items():
            results = outage.results
            if told.get(place) != results:
                with contextlib.suppress(CacheUnavailable):
                    await report_remedy(context.cache, *place, outage.remedy)
                    told[place] = results
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(context.draining.wait(), REMEDY_SECONDS)


async def work(context: Context, tasks: Sequence[Task[Any]], ended: Callable[[], None]) -> None:
    """Run arq until the process drains. arq ends when Redis does; here it is started again. `ended` is told of each
    job's end."""
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
        # Before Python 3.12, asyncio.wait_for, with which redis-py writes, may swallow a cancellation.
        while not running.done():
            running.cancel()
            await asyncio.wait((running,), timeout=RELEASE_SECONDS)
        # The jobs only once: a second cancellation would not wait until a job has given its lease back.
        for task in worker.tasks.values():
            task.cancel()
        await asyncio.gather(*worker.tasks.values(), return_exceptions=True)


async def _recover(error: BaseException | None, queue: ArqRedis) -> None:
    """Tell why arq ended, and delete its queue where something in it is the cause, such as a value of another type. No
    task is lost: its lease runs out, and it is queued again."""
    away = isinstance(error, RedisError | OSError) and type(error) is not ResponseError
    if away and error is not None:
        remedy = redis_remedy(error) or await tls_remedy(queue.connection_pool.connection_kwargs)
        outage.tell(words_of(error), remedy)
    fields = {"cause": type(error).__name__, "seconds": RESTART_SECONDS}
    logger.warning("arq starts again", exc_info=None if away else error, extra={"fields": fields})
    if not away:
        logger.warning("arq's queue is deleted", extra={"fields": {"key": QUEUE}})
        with contextlib.suppress(RedisError, OSError):
            await queue.delete(QUEUE)


def worker_settings(context: Context, tasks: Sequence[Task[Any]], ended: Callable[[], None]) -> dict[str, Any]:
    """arq's settings. It is the fast path and nothing more: tries, results and failures are kept in PostgreSQL."""

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
        "max_tries": 1_000_000,  # a job that was cut off may come again: its row tells whether it still counts
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
    """arq's client. Made here and not from a DSN by arq, which neither decodes a password nor can leave a certificate
    unverified."""
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
    """JSON, and never pickle: whoever can write to Redis must not be able to run code here."""
    return msgspec.json.encode(job, enc_hook=repr)
