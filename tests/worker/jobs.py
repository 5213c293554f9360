"""Tasks controlled by a test, rows for them, and records read from Kafka."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from arq.connections import ArqRedis

from api.kernel.context import Context
from api.kernel.data.database import Database, uuid7
from api.kernel.outbox.events import Event, Thing
from api.kernel.outbox.tasks import Task, task
from api.kernel.settings import Settings
from tests.patient import SECONDS
from worker.kafka import Publisher
from worker.main import work
from worker.relay import Relay


class Asked(Event, frozen=True, tag="tests.asked"):
    thing_id: Thing


class Gate:
    """A task that starts, and ends only when it is released."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.open = asyncio.Event()
        self.ended = 0

        @task(on=Asked)
        async def wait_at_gate(context: Context, event: Asked, id: UUID) -> None:
            self.begun.set()
            await self.open.wait()
            self.ended += 1

        self.task: Task[Asked] = wait_at_gate


async def add_tasks(db: Database, name: str = "worker.wait_at_gate", count: int = 1) -> list[UUID]:
    """Insert rows like `record` and return their ids."""
    data = f'{{"type":"tests.asked","thing_id":"{uuid7()}"}}'
    rows = await db.fetch(
        "insert into outbox_tasks (task, event_id, data, traceparent) "
        "select $1, $2, $3::text::jsonb, '' from generate_series(1, $4) returning id",
        name,
        uuid7(),
        data,
        count,
    )
    return [row["id"] for row in rows]


@contextlib.asynccontextmanager
async def working(context: Context, queue: ArqRedis, tasks: Sequence[Task[Any]]) -> AsyncIterator[Relay]:
    """Run the worker's tasks in this process until it has drained."""
    publisher = Publisher(context.settings)
    relay = Relay(context, publisher, queue, [each.name for each in tasks])
    try:
        async with asyncio.TaskGroup() as parts:
            parts.create_task(relay.run())
            parts.create_task(work(context, tasks, relay.want_tasks))
            try:
                yield relay
            finally:
                context.draining.set()
    finally:
        await publisher.stop()


async def until(db: Database, condition: str, seconds: float = SECONDS) -> None:
    """Wait until the statement's only value is true."""
    async with asyncio.timeout(seconds):
        while not (await db.fetch(f"select ({condition})"))[0][0]:  # noqa: ASYNC110  # a row changes without telling
            await asyncio.sleep(0.02)


async def read_records(settings: Settings, topic: str, count: int, seconds: float = SECONDS) -> list[ConsumerRecord]:
    """Return that many records of a topic, and any that arrive within the next half second."""
    consumer = AIOKafkaConsumer(
        settings.kafka.prefix + topic,
        bootstrap_servers=list(settings.kafka.bootstrap_servers),
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    records: list[ConsumerRecord] = []
    try:
        async with asyncio.timeout(seconds):
            while len(records) < count:
                records.append(await anext(consumer))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    records.append(await anext(consumer))
    finally:
        await consumer.stop()
    return records


def header(record: ConsumerRecord, name: str) -> str:
    """Return the only header of that name."""
    (value,) = (value for key, value in record.headers if key == name)
    text: str = value.decode()
    return text


async def soon(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Poll for a condition that has no event."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def postpone(context: Context, task: UUID) -> None:
    """Make a task wait for another attempt, as after a failure."""
    await context.db.fetch(
        "update outbox_tasks set attempts = 1, last_error = 'OSError', available_at = now() + interval '1 hour'"
        " where id = $1",
        task,
    )
