"""Three nodes of Apache Kafka, one killed with SIGKILL, then another: all messages arrive."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from arq.connections import ArqRedis

from api.kernel.context import Context
from api.kernel.data.database import Database, uuid7
from api.kernel.outbox.consumers import Incoming, consume
from api.kernel.settings import Settings
from dev import apache_kafka
from tests.worker.jobs import until
from tests.worker.messages import make_notes, notes, reading
from tests.worker.parts import APACHE, Node, at
from tests.worker.test_broker_restart import WAITING
from tests.worker.test_publishing import announce
from tests.worker.test_relay import running
from worker.kafka import Publisher
from worker.relay import Relay

OFFSETS = "__consumer_offsets"
"""Kafka's internal topic, whose leader coordinates the consumer groups."""
RECOVERY_SECONDS = 40.0
"""Twice the usual time."""


class Registered(Incoming, frozen=True, tag="users.registered"):
    user_id: UUID
    email: str
    language: str


async def note(context: Context, db: Database, message: Registered) -> None:
    await db.fetch("insert into notes (thing, number) values ($1, $2)", str(message.user_id), int(message.email))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[Node]]:
    nodes: list[Node] = []
    try:
        nodes.extend(Node(properties, tmp_path) for properties in apache_kafka.make(tmp_path / "cluster", nodes=3))
        for node in nodes:
            node.part.wait()
        yield nodes
    finally:
        for node in nodes:
            node.kill()


@contextlib.asynccontextmanager
async def admin(cluster: list[Node]) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=[node.address for node in cluster])
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def places(cluster: list[Node], *topics: str) -> list[Any]:
    """Return each partition of the topics, with `leader` and `isr`: the numbers of nodes, from 1."""
    async with admin(cluster) as client:
        described = await client.describe_topics(list(topics))
    return [place for topic in described for place in topic["partitions"]]


async def whole(cluster: list[Node], *topics: str) -> None:
    """Wait until all three nodes are in sync."""
    async with asyncio.timeout(60):
        while not all(len(place["isr"]) == 3 for place in await places(cluster, *topics)):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def arrive(db: Database) -> None:
    """Wait until all recorded events are published and consumed."""
    [[last]] = await db.fetch("select max(seq) from outbox_events")
    announced = f"from outbox_events as event where seq <= {last}"
    await until(db, f"select count(*) = 0 {announced} and published_at is null", RECOVERY_SECONDS)
    noted = "exists (select from notes where thing = event.key::text and number::text = event.data ->> 'email')"
    await until(db, f"select count(*) = 0 {announced} and not {noted}", RECOVERY_SECONDS)


@pytest.mark.skipif(not APACHE, reason="make test-kafka")
@pytest.mark.timeout(300)
async def test_killed_leaders_lose_nothing_and_the_others_continue(
    live: Context, cloned: Settings, queue: ArqRedis, cluster: list[Node]
) -> None:
    settings = at(cloned, *(node.address for node in cluster))
    context = msgspec.structs.replace(live, settings=settings)
    publisher, enough = Publisher(settings), asyncio.Event()
    topic = f"{settings.kafka.prefix}users"
    written: dict[str, list[int]] = {str(uuid7()): [] for _ in range(40)}
    killed: list[int] = []
    await make_notes(live.db)

    async def write(thing: str) -> None:
        while not enough.is_set():
            written[thing].append(len(written[thing]))
            await announce(live.db, UUID(thing), str(written[thing][-1]))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(enough.wait(), 0.5)

    async with running(Relay(context, publisher, queue, []), context), asyncio.TaskGroup() as writers:
        for thing in written:
            writers.create_task(write(thing))
        async with reading(context, consume("users", Registered, note)):
            await until(live.db, "select count(*) >= 40 from notes", RECOVERY_SECONDS)
            for _ in range(2):
                [coordinator] = [place["leader"] for place in await places(cluster, OFFSETS)]
                assert coordinator in [place["leader"] for place in await places(cluster, topic)]
                assert coordinator not in killed
                killed.append(coordinator)
                cluster[coordinator - 1].kill()
                await until(live.db, WAITING.format(30))
                await arrive(live.db)
                cluster[coordinator - 1].start()
                await whole(cluster, topic, OFFSETS)
            enough.set()
            await arrive(live.db)
    await publisher.stop()

    done = await notes(live.db)
    assert {thing: [number for name, number in done if name == thing] for thing in written} == written
