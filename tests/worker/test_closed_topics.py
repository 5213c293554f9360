"""A missing or forbidden topic: its events wait, as in an outage of that topic only."""

import asyncio
import json
from collections.abc import Iterable

import httpx
import pytest
from aiokafka.errors import UnknownTopicOrPartitionError
from arq.connections import ArqRedis

from api.kernel.context import Context
from api.kernel.data.database import Database, uuid7
from api.kernel.outbox.tasks import HEARTBEAT_KEY
from api.kernel.settings import Settings
from tests.factories import make_user
from tests.users.people import sign_in
from tests.worker.jobs import read_records
from tests.worker.test_poison import Forbidden, dead, published
from tests.worker.test_publishing import announce, pending
from worker.kafka import Publisher
from worker.relay import Relay

pytestmark = pytest.mark.case(220)


class Lacking(Publisher):
    """A broker without automatic creation of topics, and a missing one."""

    there = False

    async def _missing(self, topics: Iterable[str]) -> dict[str, str]:
        lacking = set() if self.there else {"orders"}.intersection(topics)
        missed = await super()._missing(set(topics) - lacking)
        missed |= dict.fromkeys(lacking, UnknownTopicOrPartitionError.__name__)
        return missed


async def probe(db: Database) -> None:
    """Make the topics due for their next check."""
    await db.fetch("update outbox_topics set probe_at = now()")


async def drain(db: Database, relay: Relay) -> None:
    """Publish pending events; Apache Kafka takes time to create a topic."""
    async with asyncio.timeout(60):
        while await pending(db):
            await probe(db)
            await relay.publish_events()


async def order(db: Database, count: int) -> None:
    """Insert events of one thing for the topic `orders`."""
    thing = uuid7()
    for number in range(count):
        await announce(db, thing, f"{number}")
    await db.fetch("update outbox_events set topic = 'orders' where published_at is null")


async def test_events_of_a_missing_topic_wait_without_an_attempt_and_are_published_in_order_later(
    live: Context, cloned: Settings, queue: ArqRedis
) -> None:
    publisher = Lacking(cloned)
    relay = Relay(live, publisher, queue, [])
    await order(live.db, 40)
    await announce(live.db, uuid7(), "other")
    assert [await relay.publish_events(), await relay.publish_events()] == [1, 0]
    for _ in range(12):
        await probe(live.db)
        await relay.publish_events()
    rows = await live.db.fetch(
        "select distinct attempts, available_at, last_error from outbox_events where topic = 'orders'"
    )
    assert [tuple(row) for row in rows] == [(0, None, None)]
    assert (await dead(live.db), await pending(live.db)) == ([], 40)
    assert await published(cloned, 1) == ["other"]
    publisher.there = True
    await drain(live.db, relay)
    await publisher.stop()
    records = await read_records(cloned, "orders", 40)
    assert [json.loads(each.value)["email"] for each in records] == [f"{number}" for number in range(40)]
    assert await live.db.fetch("select 1 from outbox_topics") == []


async def test_a_closed_topic_is_skipped_until_its_next_check(live: Context, cloned: Settings, queue: ArqRedis) -> None:
    publisher = Lacking(cloned)
    relay = Relay(live, publisher, queue, [])
    await order(live.db, 3)
    await relay.publish_events()
    await live.db.fetch("update outbox_topics set probe_at = now() + interval '1 hour'")
    before = await live.db.fetch("select ctid from outbox_events order by seq")
    assert await relay.publish_events() == 0
    assert await live.db.fetch("select ctid from outbox_events order by seq") == before, "no row is written"
    await publisher.stop()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Lacking, "UnknownTopicOrPartitionError"), (Forbidden, "TopicAuthorizationFailedError")],
)
async def test_the_status_names_the_topic_and_the_reason_until_it_exists(
    live_client: httpx.AsyncClient,
    live: Context,
    cloned: Settings,
    queue: ArqRedis,
    publisher: Publisher,
    kind: type[Publisher],
    reason: str,
) -> None:
    await live.cache.set(HEARTBEAT_KEY, b"x", 60)
    root = await make_user(live, "root@example.com", superuser=True)
    live_client.headers.update(await sign_in(live_client, root.email))
    while await Relay(live, publisher, queue, []).publish_events():
        pass
    refusing = kind(cloned)
    await order(live.db, 3)
    assert await Relay(live, refusing, queue, []).publish_events() == 0
    await refusing.stop()
    await live.db.fetch("update outbox_events set created_at = now() - interval '1 hour'")
    report = (await live_client.get("/api/health/full")).json()
    assert report["status"] == "degraded"
    assert report["checks"]["kafka"].startswith(f"misconfigured: topic orders ({reason})")
    assert report["outbox"]["events_pending"] == 3
    assert 3500 < report["outbox"]["events_oldest_seconds"] < 3700
    live.cache.flights.clear()  # instead of waiting for the measurement to expire
    await drain(live.db, Relay(live, publisher, queue, []))
    report = (await live_client.get("/api/health/full")).json()
    assert (report["checks"]["kafka"], report["outbox"]["events_pending"]) == ("up", 0)
