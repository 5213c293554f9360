"""Events that cannot be published: they hold up their own key and nobody else's."""

import asyncio
import json
import logging
from collections.abc import Sequence
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError
from arq.connections import ArqRedis

import worker.kafka
import worker.relay
from api.kernel.context import Context
from api.kernel.database import Database, uuid7
from api.kernel.settings import Settings
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
    """The addresses of the events, of one thing or of all, in Kafka's order."""
    records = await read_records(settings, "users", count)
    return [json.loads(each.value)["email"] for each in records if user_id is None or each.key == str(user_id).encode()]


async def test_an_event_that_is_too_large_holds_back_its_own_key_alone(
    live: Context, cloned: Settings, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    victim, other = uuid7(), uuid7()
    for user_id, email in ((victim, "1"), (other, "a"), (victim, POISON), (other, "b"), (victim, "3"), (other, "c")):
        await announce(live.db, user_id, email)
    with caplog.at_level(logging.INFO):
        assert await relay.publish_events() == 5
    assert await dead(live.db) == [("canary", "MessageSizeTooLargeError")]
    assert await relay.publish_events() == 0, "what is dead stays so, and what it holds back, until somebody decides"
    assert await pending(live.db) == 1
    assert await published(cloned, 4, victim) == ["1"]
    assert await published(cloned, 4, other) == ["a", "b", "c"]
    assert "canary" not in caplog.text
    [told] = [each for each in caplog.records if each.levelno == logging.ERROR and each.name == "worker.relay"]
    assert told.message == "kafka refused an event"


async def test_what_was_claimed_while_it_was_refused_is_held_back_too(
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
    """A publisher whose broker has a say in what is sent: `refuses` raises."""

    async def _send_batch(
        self, producer: AIOKafkaProducer, place: tuple[str, int], events: Sequence[OutboxEvent]
    ) -> int:
        self.refuses(events[: self._fill(producer.create_batch(), events)])
        return await super()._send_batch(producer, place, events)

    def refuses(self, batch: Sequence[OutboxEvent]) -> None:
        raise NotImplementedError


class LowLimit(Picky):
    """As with a topic whose max.message.bytes is less than a batch."""

    def refuses(self, batch: Sequence[OutboxEvent]) -> None:
        if sum(len(event.data) for event in batch) > 1000:
            raise MessageSizeTooLargeError


class Crash(Picky):
    """A mistake of ours that one record brings to light."""

    def refuses(self, batch: Sequence[OutboxEvent]) -> None:
        if any("poison" in event.data for event in batch):
            raise UnicodeError


class Away(Picky):
    def refuses(self, batch: Sequence[OutboxEvent]) -> None:
        raise OSError


async def test_a_batch_that_is_refused_does_not_condemn_its_records(
    live: Context, cloned: Settings, queue: ArqRedis
) -> None:
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


@pytest.mark.skipif(not APACHE, reason="the embedded broker takes whatever it is sent: make test-kafka")
async def test_a_topic_that_takes_less_than_a_batch_is_sent_what_it_takes(
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


async def test_the_event_that_makes_all_the_others_fail_is_found_after_eight_failures(
    live: Context, cloned: Settings, queue: ArqRedis
) -> None:
    publisher, others = Crash(cloned), [uuid7() for _ in range(3)]
    victim = uuid7()
    for user_id, email in ((others[0], "a"), (victim, "poison"), (others[1], "b"), (victim, "2"), (others[2], "c")):
        await announce(live.db, user_id, email)
    relay = Relay(live, publisher, queue, [])
    for _ in range(8):
        with pytest.raises(UnicodeError):
            await relay.publish_events()
    assert await relay.publish_events() == 4
    await publisher.stop()
    assert await dead(live.db) == [("poison", "UnicodeError")]
    assert sorted(set(await published(cloned, 3))) == ["a", "b", "c"]
    assert await pending(live.db) == 1


async def test_a_broker_that_is_away_for_long_makes_no_event_a_dead_letter(
    live: Context, cloned: Settings, queue: ArqRedis
) -> None:
    publisher = Away(cloned)
    relay = Relay(live, publisher, queue, [])
    await announce(live.db, uuid7())
    for _ in range(12):
        with pytest.raises(KafkaUnavailable):
            await relay.publish_events()
    assert (await dead(live.db), await pending(live.db)) == ([], 1)


class Lacking(Publisher):
    """As where topics are not made by their first use, and one has been forgotten."""

    there = False

    async def _exists(self, producer: AIOKafkaProducer, name: str, looks: int) -> bool:
        return (self.there or not name.endswith("orders")) and await super()._exists(producer, name, looks)


async def test_a_topic_that_is_missing_holds_up_no_other_and_its_events_are_set_aside_in_the_end(
    live: Context, cloned: Settings, queue: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, thing = Lacking(cloned), uuid7()
    relay = Relay(live, publisher, queue, [])
    await announce(live.db, thing, "first")
    await announce(live.db, thing, "second")
    await live.db.fetch("update outbox_events set topic = 'orders'")
    await announce(live.db, uuid7(), "other")
    assert await relay.publish_events() == 1
    assert (await dead(live.db), await pending(live.db)) == ([], 2), "it may be on its way"
    monkeypatch.setattr(worker.kafka, "TOPIC_SECONDS", 0.0)
    assert await relay.publish_events() == 1
    assert await dead(live.db) == [("first", "UnknownTopicOrPartitionError")]
    publisher.there = True
    monkeypatch.setattr(worker.kafka, "TOPIC_SECONDS", 30.0)
    await live.db.fetch("update outbox_events set dead_at = null")
    async with asyncio.timeout(5):  # Apache Kafka takes its time to make a topic
        while not await relay.publish_events():
            assert await dead(live.db) == []
    assert await pending(live.db) == 0
    await publisher.stop()
    records = await read_records(cloned, "orders", 2)
    assert [json.loads(each.value)["email"] for each in records] == ["first", "second"]
    assert await published(cloned, 1) == ["other"]


async def test_what_cannot_be_sent_one_by_one_in_time_waits_for_the_next_time(
    live: Context, cloned: Settings, queue: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.kafka, "SINGLY_SECONDS", -1.0)
    publisher = LowLimit(cloned)
    relay = Relay(live, publisher, queue, [])
    for number in range(10):
        await announce(live.db, UUID(int=1), f"{number}" * 100)
    assert await relay.publish_events() == 0
    monkeypatch.setattr(worker.kafka, "SINGLY_SECONDS", 2.0)
    assert await relay.publish_events() == 10
    await publisher.stop()
    assert await published(cloned, 10) == [f"{number}" * 100 for number in range(10)]
