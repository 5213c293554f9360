"""Apache Kafka, killed with SIGKILL while events are published, and restarted on its data."""

import asyncio
import json
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from arq.connections import ArqRedis

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.settings import Settings
from tests.worker.jobs import header, until
from tests.worker.parts import APACHE, Broker
from tests.worker.test_publishing import announce
from tests.worker.test_relay import ALL_PUBLISHED, running
from worker.kafka import Publisher
from worker.relay import Relay

KILLS = 2
PUBLISHED = "select count(*) >= {} from outbox_events where published_at is not null"
WAITING = "select count(*) >= {} from outbox_events where published_at is null"


async def read_until_all(settings: Settings, ids: set[str]) -> list[ConsumerRecord]:
    """Read the topic from its start until each id was seen."""
    consumer = AIOKafkaConsumer(
        f"{settings.kafka.prefix}users",
        bootstrap_servers=list(settings.kafka.bootstrap_servers),
        auto_offset_reset="earliest",
    )
    records: list[ConsumerRecord] = []
    missing = set(ids)
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            while missing:
                records.append(await anext(consumer))
                missing.discard(header(records[-1], "ce_id"))
    except TimeoutError:
        raise AssertionError(f"{len(missing)} of {len(ids)} acknowledged events are lost") from None
    finally:
        await consumer.stop()
    return records


@pytest.mark.skipif(not APACHE, reason="the embedded broker keeps nothing and comes back elsewhere: make test-kafka")
async def test_a_killed_and_restarted_broker_loses_nothing_and_keeps_the_order(
    live: Context, cloned: Settings, queue: ArqRedis, broker: Broker
) -> None:
    settings, things = broker.settings(cloned), [uuid7() for _ in range(8)]
    publisher, enough = Publisher(settings), asyncio.Event()
    written: dict[UUID, list[str]] = {thing: [] for thing in things}

    async def write(thing: UUID) -> None:
        while not enough.is_set():
            written[thing].append(f"{len(written[thing])}")
            await announce(live.db, thing, written[thing][-1])

    async with running(Relay(live, publisher, queue, []), live), asyncio.TaskGroup() as writers:
        for thing in things:
            writers.create_task(write(thing))
        for number in range(KILLS):
            await until(live.db, PUBLISHED.format(300 * (number + 1)))
            broker.kill()
            await until(live.db, WAITING.format(300))
            broker.start()
        await until(live.db, PUBLISHED.format(300 * (KILLS + 1)))
        enough.set()
        await until(live.db, ALL_PUBLISHED)
    await publisher.stop()

    rows = await live.db.fetch("select id from outbox_events")
    assert len(rows) == sum(map(len, written.values()))
    records = await read_until_all(settings, {str(row["id"]) for row in rows})
    arrived: dict[str, list[str]] = {}
    seen: set[str] = set()
    for record in records:  # like a receiver that drops duplicates
        if (id := header(record, "ce_id")) not in seen:
            seen.add(id)
            arrived.setdefault(record.key.decode(), []).append(json.loads(record.value)["email"])
    assert arrived == {str(thing): emails for thing, emails in written.items()}
