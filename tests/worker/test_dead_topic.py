"""C-267: a message that cannot be handled, while Kafka lacks the topic of its dead letters."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

import worker.consumer
import worker.dead_messages
from api.kernel.context import Context
from api.kernel.settings import Settings
from api.system.routes import measure_parts
from dev import apache_kafka
from dev.part import stop
from tests.deploy.servers import apache_can_be_had
from tests.deploy.test_absence_partial import make_topics
from tests.worker.jobs import until
from tests.worker.messages import Sent, make_notes, noted, notes, noting, send
from tests.worker.parts import at
from worker.consumer import Reader
from worker.kafka import missing_topic
from worker.main import publish_remedies

TOPIC = "tests.notes"


@pytest.fixture
async def live(live: Context) -> Context:
    await make_notes(live.db)
    return live


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.consumer, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(worker.main, "REMEDY_SECONDS", 0.05)


async def consumers(context: Context) -> str:
    """Return the check in /health/full."""
    checks = (await measure_parts(context)).checks
    assert isinstance(checks, dict)
    return checks["consumers"]


async def named(context: Context, name: str) -> None:
    """Wait until the status names the topic."""
    wanted = f"misconfigured: topic {name} (UnknownTopicOrPartitionError); see `python -m worker topics`"
    async with asyncio.timeout(60):
        while await consumers(context) != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def withdrawn(context: Context) -> None:
    async with asyncio.timeout(60):
        while (await consumers(context)).startswith("misconfigured"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_the_status_names_the_topic_until_it_exists(
    live: Context, cloned: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without automatic creation of topics."""
    there = False

    async def lacking(client: AIOKafkaClient, name: str) -> KafkaError | None:
        return await missing_topic(client, name) if there else UnknownTopicOrPartitionError(name)

    monkeypatch.setattr(worker.dead_messages, "missing_topic", lacking)
    reader = Reader(live, noting())
    await send(cloned, TOPIC, [Sent(data=b"{", id="1"), noted("a", 1)])
    async with asyncio.TaskGroup() as parts:
        parts.create_task(reader.run())
        parts.create_task(publish_remedies(live, {("consumers", TOPIC): reader.outage}))
        await named(live, f"{cloned.kafka.prefix}{TOPIC}.dead")
        assert await live.db.fetch("select 1 from inbox_dead") == []
        there = True
        await until(live.db, "select count(*) = 1 from inbox_dead", 30)
        await withdrawn(live)
        live.draining.set()


@pytest.mark.skipif(not apache_can_be_had(), reason="needs Apache Kafka: Java and Maven")
@pytest.mark.timeout(180)
async def test_apache_kafka_without_the_topic(live: Context, cloned: Settings, tmp_path: Path) -> None:
    """On a broker without automatic creation, the message's own topic is reported first, then that of its dead letters;
    after each is created, consuming continues."""
    [properties] = apache_kafka.make(tmp_path / "kafka")
    properties.write_text(properties.read_text().replace("topics.enable=true", "topics.enable=false"))
    broker, address = apache_kafka.start(properties, tmp_path)
    try:
        await asyncio.to_thread(broker.wait)
        settings = at(cloned, address)
        reader = Reader(msgspec.structs.replace(live, settings=settings), noting())
        async with asyncio.TaskGroup() as parts:
            parts.create_task(reader.run())
            parts.create_task(publish_remedies(live, {("consumers", TOPIC): reader.outage}))
            await named(live, f"{settings.kafka.prefix}{TOPIC}")
            await make_topics(settings, TOPIC)
            await send(settings, TOPIC, [Sent(data=b"{", id="1"), noted("a", 1)])
            await named(live, f"{settings.kafka.prefix}{TOPIC}.dead")
            assert await notes(live.db) == [], "the partition waits, in order"
            await make_topics(settings, f"{TOPIC}.dead")
            await until(live.db, "select count(*) = 1 from inbox_dead", 60)
            await until(live.db, "select count(*) = 1 from notes", 60)
            await withdrawn(live)
            live.draining.set()
    finally:
        await asyncio.to_thread(stop, [broker])
