"""Outbox rows → Kafka: one batch at a time, against a real broker."""

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import pytest
from arq.connections import ArqRedis

import worker.internals
import worker.kafka
import worker.relay
from api.kernel.context import Context
from api.kernel.data.database import Database, uuid7
from api.kernel.outbox.events import record
from api.kernel.settings import Settings
from api.kernel.telemetry import span, traceparent
from api.users.events import UserRegistered
from tests.transactions import Another
from tests.worker.jobs import header, read_records
from tests.worker.parts import Broker
from worker.kafka import KafkaUnavailable, Publisher
from worker.relay import Relay
from worker.types import OutboxEvent, Refusal


async def announce(db: Database, user_id: UUID, email: str = "ada@example.com") -> None:
    async with db.transaction() as tx:
        await record(tx, UserRegistered(user_id=user_id, email=email, language="en"))


async def pending(db: Database) -> int:
    rows = await db.fetch("select count(*) from outbox_events where published_at is null and dead_at is null")
    count: int = rows[0][0]
    return count


async def test_a_record_is_a_cloud_event_in_the_binary_binding(live: Context, cloned: Settings, relay: Relay) -> None:
    user_id = uuid7()
    with span("request"):
        request = traceparent()
        await announce(live.db, user_id)
    [row] = await live.db.fetch("select id, created_at, traceparent from outbox_events")
    assert await relay.publish_events() == 1
    [message] = await read_records(cloned, "users", 1)
    assert message.topic == f"{cloned.kafka.prefix}users"
    assert message.key == str(user_id).encode()
    assert json.loads(message.value) == {
        "type": "users.registered",
        "user_id": str(user_id),
        "email": "ada@example.com",
        "language": "en",
    }
    headers = dict(message.headers)
    publishing = headers.pop("traceparent").decode()
    when = headers.pop("ce_time").decode()
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": str(row["id"]).encode(),
        "ce_type": b"users.registered",
        "ce_source": cloned.public_url.encode(),
        "ce_subject": str(user_id).encode(),
        "content-type": b"application/json",
    }
    assert when.endswith("Z")
    assert datetime.fromisoformat(when) == row["created_at"]
    assert row["traceparent"] == request
    assert publishing.split("-")[1] == request.split("-")[1], "the request's trace is continued"
    assert await pending(live.db) == 0


async def test_an_unsampled_trace_is_continued_unsampled(live: Context, cloned: Settings, relay: Relay) -> None:
    unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
    await announce(live.db, uuid7())
    await live.db.fetch("update outbox_events set traceparent = $1", unsampled)
    assert await relay.publish_events() == 1
    [message] = await read_records(cloned, "users", 1)
    assert header(message, "traceparent") == unsampled


async def test_a_published_event_is_not_published_again(live: Context, cloned: Settings, relay: Relay) -> None:
    await announce(live.db, uuid7())
    assert [await relay.publish_events(), await relay.publish_events()] == [1, 0]
    assert len(await read_records(cloned, "users", 1)) == 1


async def test_a_rolled_back_event_is_never_published(live: Context, relay: Relay) -> None:
    async def fail() -> None:
        async with live.db.transaction() as tx:
            await record(tx, UserRegistered(user_id=uuid7(), email="ada@example.com", language="en"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await relay.publish_events() == 0


async def test_the_events_of_one_thing_stay_in_order(
    live: Context, cloned: Settings, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.relay, "EVENTS_AT_ONCE", 50)
    monkeypatch.setattr(worker.relay, "EVENTS_IN_TRANSACTION", 200)
    things = [uuid7() for _ in range(5)]
    async with live.db.transaction() as tx:
        for number, thing in itertools.product(range(60), things):
            await record(tx, UserRegistered(user_id=thing, email=str(number), language="en"))
    assert [await relay.publish_events(), await relay.publish_events()] == [200, 100]
    records = await read_records(cloned, "users", 300)
    assert len(records) == 300
    for thing in things:
        mine = [json.loads(each.value)["email"] for each in records if each.key == str(thing).encode()]
        assert mine == [str(number) for number in range(60)]


async def test_an_event_that_commits_late_is_not_skipped(live: Context, cloned: Settings, relay: Relay) -> None:
    first, second = uuid7(), uuid7()
    async with Another(live.db).transaction() as slow:
        await record(slow, UserRegistered(user_id=first, email="first", language="en"))
        await announce(live.db, second)
        assert await relay.publish_events() == 1
    assert await relay.publish_events() == 1
    keys = {each.key for each in await read_records(cloned, "users", 2)}
    assert keys == {str(first).encode(), str(second).encode()}


async def test_a_record_larger_than_a_batch_is_published_in_its_order(
    live: Context, cloned: Settings, relay: Relay
) -> None:
    user_id = uuid7()
    emails = ["before", "large" * 100_000, "between", "large" * 100_000, "after"]
    for email in emails:
        await announce(live.db, user_id, email)
    assert await relay.publish_events() == 5
    records = await read_records(cloned, "users", 5)
    assert [json.loads(each.value)["email"] for each in records] == emails


async def test_a_broker_that_dies_during_a_backlog_leaves_every_row_unchanged(
    live: Context, cloned: Settings, queue: ArqRedis, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.relay, "EVENTS_AT_ONCE", 2)
    publisher = Publisher(broker.settings(cloned))
    publish, batches = publisher.publish, []

    async def publish_and_kill(events: Sequence[OutboxEvent]) -> dict[OutboxEvent, Refusal | None]:
        batches.append(len(events))
        if len(batches) == 2:
            broker.kill()
            monkeypatch.setattr(worker.kafka, "PUBLISH_SECONDS", 1.0)
        return await publish(events)

    monkeypatch.setattr(publisher, "publish", publish_and_kill)
    for _ in range(7):
        await announce(live.db, uuid7())
    with pytest.raises(KafkaUnavailable):
        await Relay(live, publisher, queue, []).publish_events()
    assert batches == [2, 2]
    assert await pending(live.db) == 7, "marked but not committed"


async def test_two_relays_at_once_keep_the_order_and_publish_once(
    live: Context, cloned: Settings, relay: Relay, queue: ArqRedis
) -> None:
    user_id, other = uuid7(), Publisher(cloned)
    second = Relay(live, other, queue, [])
    for number in range(20):
        await announce(live.db, user_id, str(number))
    outcomes = await asyncio.gather(*(each.publish_events() for each in (relay, second) * 3))
    await other.stop()
    assert sum(outcomes) == 20
    records = await read_records(cloned, "users", 20)
    assert [json.loads(each.value)["email"] for each in records] == [str(number) for number in range(20)]


async def test_without_a_broker_every_row_stays_unchanged(live: Context, cloned: Settings, queue: ArqRedis) -> None:
    nowhere = msgspec.structs.replace(cloned.kafka, bootstrap_servers=("127.0.0.1:1",))
    relay = Relay(live, Publisher(msgspec.structs.replace(cloned, kafka=nowhere)), queue, [])
    await announce(live.db, uuid7())
    with pytest.raises(KafkaUnavailable, match="ConnectionRefusedError"):
        await relay.publish_events()
    assert await pending(live.db) == 1


async def test_a_silent_broker_is_abandoned_and_gets_everything_when_it_answers_again(
    live: Context, cloned: Settings, queue: ArqRedis, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, user_id = broker.settings(cloned), uuid7()
    relay = Relay(live, Publisher(settings), queue, [])
    await announce(live.db, user_id, "0")
    assert await relay.publish_events() == 1
    monkeypatch.setattr(worker.kafka, "PUBLISH_SECONDS", 0.7)
    monkeypatch.setattr(worker.internals, "STOP_SECONDS", 0.3)
    broker.freeze()
    for number in range(1, 4):
        await announce(live.db, user_id, str(number))
        began = time.monotonic()
        with pytest.raises(KafkaUnavailable, match="TimeoutError"):
            await relay.publish_events()
        assert time.monotonic() - began < 30
    assert await pending(live.db) == 3, "no row is marked unless all are acknowledged"
    broker.thaw()
    monkeypatch.setattr(worker.kafka, "PUBLISH_SECONDS", 5)
    await announce(live.db, user_id, "4")
    assert await relay.publish_events() == 4
    records = await read_records(settings, "users", 5)
    emails = [json.loads(each.value)["email"] for each in records]
    assert emails[-4:] == ["1", "2", "3", "4"], "no discarded producer publishes after its successor"
    assert await pending(live.db) == 0
    async with asyncio.timeout(60):
        while len(aiokafkas_tasks()) != producer_tasks(relay):  # noqa: ASYNC110  # which end in their own time
            await asyncio.sleep(0.05)
    await relay._publisher.stop()
    assert not aiokafkas_tasks(), "no task of it is left"


def aiokafkas_tasks() -> list["asyncio.Task[object]"]:
    return [each for each in asyncio.all_tasks() if "aiokafka" in repr(each)]


def producer_tasks(relay: Relay) -> int:
    """The tasks of one healthy producer: its sender, its metadata's refresh, and a reader for each connection."""
    producer = relay._publisher._producer
    assert producer is not None
    return 2 + len(producer.client._conns)


async def test_a_broker_that_dies_loses_nothing_and_the_next_one_gets_the_events(
    live: Context,
    cloned: Settings,
    queue: ArqRedis,
    broker: Broker,
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relay = Relay(live, Publisher(broker.settings(cloned)), queue, [])
    await announce(live.db, uuid7())
    assert await relay.publish_events() == 1
    broker.kill()
    monkeypatch.setattr(worker.kafka, "PUBLISH_SECONDS", 1.0)
    await announce(live.db, uuid7())
    with pytest.raises(KafkaUnavailable):
        await relay.publish_events()
    monkeypatch.setattr(worker.kafka, "PUBLISH_SECONDS", 5.0)
    assert await Relay(live, publisher, queue, []).publish_events() == 1
    assert len(await read_records(cloned, "users", 1)) == 1


async def test_a_connection_lost_before_the_commit_repeats_the_record_with_the_same_id(
    live: Context, cloned: Settings, relay: Relay, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api.kernel.errors import UNAVAILABLE

    publish = publisher.publish

    async def publish_and_lose(events: object) -> object:
        refused = await publish(events)  # type: ignore[arg-type]
        await Another(live.db).fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and state = 'idle in transaction'"
        )
        return refused

    await announce(live.db, uuid7())
    with monkeypatch.context() as once:
        once.setattr(publisher, "publish", publish_and_lose)
        with pytest.raises(UNAVAILABLE):
            await relay.publish_events()
    assert await pending(live.db) == 1
    assert await relay.publish_events() == 1
    first, second = await read_records(cloned, "users", 2)
    assert header(first, "ce_id") == header(second, "ce_id")


async def test_a_producer_is_discarded_after_a_programming_error(publisher: Publisher, live: Context) -> None:
    with pytest.raises(AttributeError):
        await publisher.publish([object()])  # type: ignore[list-item]
    assert publisher._producer is None
    assert await publisher.publish([]) == {}
