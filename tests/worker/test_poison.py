"""Events that cannot be published: they block their own key only."""

import json
import logging
from collections.abc import Sequence
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError, TopicAuthorizationFailedError
from arq.connections import ArqRedis

import worker.kafka
import worker.relay
from api.kernel.context import Context
from api.kernel.data.database import Database, uuid7
from api.kernel.outbox.events import record
from api.kernel.settings import Settings
from api.users.events import UserVerified
from tests.worker.jobs import read_records
from tests.worker.parts import APACHE
from tests.worker.test_publishing import announce, pending
from worker.kafka import KafkaUnavailable, Publisher
from worker.relay import Relay
from worker.types import OutboxEvent

POISON = "canary" * 200_000
"""More than Kafka takes."""


async def dead(db: Database) -> list[tuple[str, str]]:
    rows = await db.fetch(
        "select left(data->>'email', 6) as email, last_error from outbox_events where dead_at is not null order by seq"
    )
    return [(row["email"], row["last_error"]) for row in rows]


async def published(settings: Settings, count: int, user_id: UUID | None = None) -> list[str]:
    """Return the ids of the events, of one thing or of all, in Kafka's order."""
    records = await read_records(settings, "users", count)
    return [json.loads(each.value)["email"] for each in records if user_id is None or each.key == str(user_id).encode()]


async def test_an_oversized_event_blocks_only_its_own_key(
    live: Context, cloned: Settings, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    victim, other = uuid7(), uuid7()
    for user_id, email in ((victim, "1"), (other, "a"), (victim, POISON), (other, "b"), (victim, "3"), (other, "c")):
        await announce(live.db, user_id, email)
    with caplog.at_level(logging.INFO):
        assert await relay.publish_events() == 5
    assert await dead(live.db) == [("canary", "MessageSizeTooLargeError")]
    assert await relay.publish_events() == 0, "a dead event and those behind it wait for an operator's decision"
    assert await pending(live.db) == 1
    assert await published(cloned, 4, victim) == ["1"]
    assert await published(cloned, 4, other) == ["a", "b", "c"]
    assert "canary" not in caplog.text
    [told] = [each for each in caplog.records if each.levelno == logging.ERROR and each.name == "worker.relay"]
    assert told.message == "kafka refused an event"


async def test_events_claimed_during_the_refusal_are_held_back_too(
    live: Context, cloned: Settings, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.relay, "EVENTS_AT_ONCE", 2)
    victim, other = uuid7(), uuid7()
    for user_id, email in ((other, "a"), (victim, POISON), (victim, "2"), (other, "b"), (victim, "3")):
        await announce(live.db, user_id, email)
    assert [await relay.publish_events(), await relay.publish_events()] == [2, 1]
    assert await published(cloned, 2) == ["a", "b"]
    assert await pending(live.db) == 2


class Picky(Publisher):
    """A publisher with a broker that may refuse: `refuses` raises. `batches` is the number of batches."""

    batches = 0

    async def _send_batch(
        self, producer: AIOKafkaProducer, place: tuple[str, int], events: Sequence[OutboxEvent]
    ) -> int:
        self.batches += 1
        self.refuses(events[: self._fill(producer.create_batch(), events, [])])
        return await super()._send_batch(producer, place, events)

    def refuses(self, batch: Sequence[OutboxEvent]) -> None:
        raise NotImplementedError


class LowLimit(Picky):
    """Like a topic whose max.message.bytes is less than a batch."""

    def refuses(self, batch: Sequence[OutboxEvent]) -> None:
        if sum(len(event.data) for event in batch) > 1000:
            raise MessageSizeTooLargeError


class Crash(Picky):
    """A programming error that one record causes."""

    def refuses(self, batch: Sequence[OutboxEvent]) -> None:
        if any("poison" in event.data for event in batch):
            raise UnicodeError


class Away(Picky):
    def refuses(self, batch: Sequence[OutboxEvent]) -> None:
        raise OSError


async def test_a_refused_batch_does_not_condemn_its_records(live: Context, cloned: Settings, queue: ArqRedis) -> None:
    publisher, things = LowLimit(cloned), [uuid7() for _ in range(4)]
    for number in range(8):
        for thing in things:
            await announce(live.db, thing, f"{number}")
    await announce(live.db, things[0], "poison" * 200)
    for thing in things:
        await announce(live.db, thing, "last")
    relay = Relay(live, publisher, queue, [])
    assert await relay.publish_events() == 36
    await publisher.stop()
    assert await dead(live.db) == [("poison", "MessageSizeTooLargeError")]
    in_order = [str(number) for number in range(8)]
    assert await published(cloned, 35, things[0]) == in_order
    for thing in things[1:]:
        assert await published(cloned, 35, thing) == [*in_order, "last"]


@pytest.mark.skipif(not APACHE, reason="the embedded broker has no size limit: make test-kafka")
async def test_a_topic_with_a_smaller_limit_gets_smaller_batches(
    live: Context, cloned: Settings, queue: ArqRedis, publisher: Publisher
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=list(cloned.kafka.bootstrap_servers))
    await admin.start()
    name = f"{cloned.kafka.prefix}users"
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs={"max.message.bytes": "2000"})])
    await admin.close()
    things = [uuid7() for _ in range(4)]
    for number in range(20):
        for thing in things:
            await announce(live.db, thing, f"{number}")
    await announce(live.db, things[0], "poison" * 400)
    await announce(live.db, things[0], "last")
    await announce(live.db, things[1], "last")
    relay = Relay(live, publisher, queue, [])
    assert await relay.publish_events() == 82
    assert await dead(live.db) == [("poison", "MessageSizeTooLargeError")]
    in_order = [str(number) for number in range(20)]
    assert await published(cloned, 81, things[0]) == in_order
    assert await published(cloned, 81, things[1]) == [*in_order, "last"]


async def come_due(db: Database) -> None:
    """Make the next attempts due."""
    await db.fetch("update outbox_events set available_at = now() where available_at is not null")


async def test_a_poisonous_event_delays_only_its_own_key_and_is_dead_after_eight_attempts(
    live: Context, cloned: Settings, queue: ArqRedis
) -> None:
    publisher, others, victim = Crash(cloned), [uuid7() for _ in range(400)], uuid7()
    async with live.db.transaction() as tx:
        for number, thing in enumerate(others):
            await record(tx, UserVerified(user_id=thing, email=f"{number}"))
        await record(tx, UserVerified(user_id=victim, email="poison"))
        for thing in others:
            await record(tx, UserVerified(user_id=thing, email="last"))
        await record(tx, UserVerified(user_id=victim, email="2"))
    relay = Relay(live, publisher, queue, [])
    await publisher.publish([])
    assert await relay.publish_events() + await relay.publish_events() == 800
    assert publisher.batches < 60, "the search is binary, and the others wait for a short time only"
    assert [await pending(live.db), await dead(live.db)] == [2, []]
    for attempt in range(2, 9):
        assert await relay.publish_events() == 0, "it waits for its next attempt, and blocks its key"
        await come_due(live.db)
        await announce(live.db, others[0], f"{attempt}")
        assert await relay.publish_events() == 1 + (attempt == 8)
    await publisher.stop()
    assert await dead(live.db) == [("poison", "UnicodeError")]
    assert [await relay.publish_events(), await pending(live.db)] == [0, 1], "a dead letter blocks its key, too"
    assert await published(cloned, 807, others[0]) == ["0", "last", *(f"{attempt}" for attempt in range(2, 9))]
    assert await published(cloned, 807, others[399]) == ["399", "last"]
    assert await published(cloned, 807, victim) == []


async def test_an_event_published_at_last_precedes_those_that_waited_for_it(
    live: Context, cloned: Settings, queue: ArqRedis
) -> None:
    publisher, victim = Crash(cloned), uuid7()
    relay = Relay(live, publisher, queue, [])
    for email in ("1", "poison", "3"):
        await announce(live.db, victim, email)
    assert [await relay.publish_events(), await pending(live.db)] == [1, 2]
    await live.db.fetch("update outbox_events set data = jsonb_set(data, '{email}', '\"mended\"') where attempts > 0")
    await announce(live.db, victim, "4")
    await come_due(live.db)
    assert await relay.publish_events() == 3
    await publisher.stop()
    assert await published(cloned, 4, victim) == ["1", "mended", "3", "4"]
    assert await dead(live.db) == []


async def test_a_long_outage_of_the_broker_counts_as_no_attempt(
    live: Context, cloned: Settings, queue: ArqRedis
) -> None:
    publisher = Away(cloned)
    relay = Relay(live, publisher, queue, [])
    await announce(live.db, uuid7())
    for _ in range(12):
        with pytest.raises(KafkaUnavailable):
            await relay.publish_events()
    [row] = await live.db.fetch("select attempts, available_at, dead_at, published_at from outbox_events")
    assert tuple(row) == (0, None, None, None)


class Forbidden(Picky):
    """Like a topic with permission to describe but not to write."""

    def refuses(self, batch: Sequence[OutboxEvent]) -> None:
        if batch[0].topic == "orders":
            raise TopicAuthorizationFailedError


async def test_a_forbidden_topic_blocks_no_other(live: Context, cloned: Settings, queue: ArqRedis) -> None:
    publisher, things = Forbidden(cloned), [uuid7() for _ in range(3)]
    for thing in (*things, *things):
        await announce(live.db, thing)
    await live.db.fetch("update outbox_events set topic = 'orders'")
    await announce(live.db, uuid7(), "other")
    relay = Relay(live, publisher, queue, [])
    assert [await relay.publish_events(), await relay.publish_events()] == [1, 0]
    await publisher.stop()
    rows = await live.db.fetch("select attempts, dead_at from outbox_events where topic = 'orders'")
    assert [tuple(row) for row in rows] == [(0, None)] * 6, "it is no attempt"
    assert await published(cloned, 1) == ["other"]


async def test_an_event_that_times_out_waits_for_the_next_attempt(
    live: Context, cloned: Settings, queue: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.kafka, "SEARCH_SECONDS", -1.0)
    publisher = LowLimit(cloned)
    relay = Relay(live, publisher, queue, [])
    for number in range(10):
        await announce(live.db, UUID(int=1), f"{number}" * 100)
    assert await relay.publish_events() == 0
    monkeypatch.setattr(worker.kafka, "SEARCH_SECONDS", 2.0)
    assert await relay.publish_events() == 10
    await publisher.stop()
    assert await published(cloned, 10) == [f"{number}" * 100 for number in range(10)]
