"""What the worker runs: arq with the features' tasks, and the relay, over the same Context as the web process."""

import asyncio
import logging
import signal
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from arq.connections import ArqRedis
from arq.worker import Function, Worker, func
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from api.kernel.cache import redis_options
from api.kernel.context import Context, open_context
from api.kernel.feature import Feature, tasks_of
from api.kernel.settings import Settings
from api.kernel.tasks import HEARTBEAT_KEY, QUEUE, RUN_SECONDS, Task, subscribers
from worker.kafka import Publisher
from worker.relay import Relay

logger = logging.getLogger(__name__)

POOL_SIZE = 6
"""Four for tasks, one for the relay's transaction, one that listens."""
TASKS_AT_ONCE = 10
FINISH_SECONDS = 8.0
HEARTBEAT_SECONDS = 2
RESTART_SECONDS = 1.0
REDIS_SECONDS = 2.0


async def run(settings: Settings, features: Sequence[Feature]) -> None:
    """Work until SIGTERM or SIGINT, then finish what was begun."""
    tasks = tasks_of(features)
    async with open_context(settings, subscribers(tasks), POOL_SIZE) as context:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, context.draining.set)
        logger.info("worker runs", extra={"fields": {"tasks": ",".join(task.name for task in tasks)}})
        publisher, queue = Publisher(settings), open_queue(settings)
        try:
            async with asyncio.TaskGroup() as parts:
                parts.create_task(Relay(context, publisher, queue, [task.name for task in tasks]).run())
                parts.create_task(work(context, tasks))
        finally:
            await publisher.stop()
            await queue.aclose()
    logger.info("worker ends")


async def work(context: Context, tasks: Sequence[Task[Any]]) -> None:
    """Run arq until the process drains. arq ends when Redis does; here it is started again."""
    while not context.draining.is_set():
        queue = open_queue(context.settings)
        worker = Worker(**worker_settings(context, tasks), redis_pool=queue)
        running = asyncio.create_task(worker.async_run())
        draining = asyncio.create_task(context.draining.wait())
        try:
            await asyncio.wait((running, draining), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                logger.warning("arq starts again", extra={"fields": {"cause": type(running.exception()).__name__}})
                await asyncio.wait((draining,), timeout=RESTART_SECONDS)
            else:
                worker.allow_pick_jobs = False
                if worker.tasks:
                    await asyncio.wait(worker.tasks.values(), timeout=FINISH_SECONDS)
        finally:
            draining.cancel()
            await _close(worker, running, queue)


async def _close(worker: Worker, running: "asyncio.Task[None]", queue: ArqRedis) -> None:
    unfinished = [running, *worker.tasks.values(), *worker.job_tasks.values()]
    for task in unfinished:
        task.cancel()  # a job that is cut off gives its row's lease back
    outcomes = await asyncio.gather(*unfinished, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, RedisError | OSError):
            raise outcome
    try:
        await queue.delete(HEARTBEAT_KEY)
    except (RedisError, OSError):
        logger.info("redis is gone before the worker")
    await queue.aclose()


def worker_settings(context: Context, tasks: Sequence[Task[Any]]) -> dict[str, Any]:
    """arq's settings. It is the fast path and nothing more: tries, results and failures are kept in PostgreSQL."""
    return {
        "functions": [_function(context, task) for task in tasks],
        "queue_name": QUEUE,
        "handle_signals": False,
        "max_jobs": TASKS_AT_ONCE,
        "job_timeout": RUN_SECONDS + 5,
        "keep_result": 0,
        "max_tries": 1,
        "poll_delay": 0.1,
        "health_check_interval": HEARTBEAT_SECONDS,
        "health_check_key": HEARTBEAT_KEY,
        "job_serializer": encode,
        "job_deserializer": msgspec.json.decode,
    }


def _function(context: Context, task: Task[Any]) -> Function:
    async def run_task(_: dict[str, Any], id: str, attempt: int) -> None:
        await task.run(context, UUID(id), attempt)

    return func(run_task, name=task.name)  # type: ignore[arg-type]  # arq types the arguments as *Any


def open_queue(settings: Settings) -> ArqRedis:
    """arq's client. Made here and not from a DSN by arq, which neither decodes a password nor can leave a certificate
    unverified."""
    pool = ConnectionPool.from_url(
        settings.redis_url,
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        **redis_options(settings),
    )
    return ArqRedis(
        pool_or_conn=pool,
        job_serializer=encode,
        job_deserializer=msgspec.json.decode,
        default_queue_name=QUEUE,
    )


def encode(job: dict[str, Any]) -> bytes:
    """JSON, and never pickle: whoever can write to Redis must not be able to run code here."""
    return msgspec.json.encode(job, enc_hook=repr)
