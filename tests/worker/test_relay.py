"""The relay's loops: notified, polling, continuing after failures, stopping."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest
from arq.connections import ArqRedis

import worker.relay
from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.settings import Settings
from tests.worker.jobs import read_records, soon, until
from tests.worker.test_publishing import announce
from worker.kafka import Publisher
from worker.relay import Relay, sweep_published

ALL_PUBLISHED = "select bool_and(published_at is not null) from outbox_events"


@contextlib.asynccontextmanager
async def running(relay: Relay, context: Context) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        context.draining.set()
        async with asyncio.timeout(10):  # granted by a PaaS
            await task


async def connected(publisher: Publisher) -> None:
    """Connect beforehand, so that the test measures the relay only."""
    await publisher.publish([])


async def test_a_commit_notifies_the_relay(
    live: Context, relay: Relay, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.relay, "POLL_SECONDS", 600)
    await connected(publisher)
    async with running(relay, live):
        await until(live.db, "select count(*) > 0 from pg_stat_activity where query ilike 'listen%'")
        await announce(live.db, uuid7())
        await until(live.db, ALL_PUBLISHED)
        await until(live.db, "select bool_and(attempts = 1) from outbox_tasks")


async def test_without_a_notification_the_poll_delivers(
    live: Context, cloned: Settings, publisher: Publisher, queue: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooled = msgspec.structs.replace(live, settings=msgspec.structs.replace(cloned, database_transaction_pooling=True))
    await connected(publisher)
    relay, looked = Relay(pooled, publisher, queue, []), asyncio.Event()
    look = relay.publish_events

    async def publish_events() -> int:
        done = await look()
        looked.set()
        return done

    monkeypatch.setattr(relay, "publish_events", publish_events)
    async with running(relay, live):
        await looked.wait()  # only the next poll can find the row
        await announce(live.db, uuid7())
        await until(live.db, ALL_PUBLISHED)
        assert (await live.db.fetch("select count(*) from pg_stat_activity where query ilike 'listen%'"))[0][0] == 0


async def test_a_closed_listener_is_replaced(live: Context, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.relay, "LISTEN_SECONDS", 0.3)
    listening = "from pg_stat_activity where query ilike 'listen%' and datname = current_database()"
    async with running(relay, live):
        await until(live.db, f"select count(*) > 0 {listening}")
        [row] = await live.db.fetch(f"select pid, pg_terminate_backend(pid) {listening}")
        await until(live.db, f"select count(*) > 0 {listening} and pid <> {row['pid']}")


async def test_an_outage_of_kafka_delays_neither_tasks_nor_the_shutdown(
    live: Context, cloned: Settings, queue: ArqRedis
) -> None:
    nowhere = msgspec.structs.replace(cloned.kafka, bootstrap_servers=("127.0.0.1:1",))
    publisher = Publisher(msgspec.structs.replace(cloned, kafka=nowhere))
    async with running(Relay(live, publisher, queue, ["users.send_verification"]), live):
        await announce(live.db, uuid7())
        await until(live.db, "select bool_and(attempts = 1) from outbox_tasks")
    assert (await live.db.fetch("select published_at from outbox_events"))[0][0] is None


async def test_an_unexpected_failure_is_logged_and_the_step_repeated(
    live: Context, cloned: Settings, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    await announce(live.db, uuid7())
    function = "create function fail() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$"
    await live.db.fetch(function)
    await live.db.fetch("create trigger fail before update on outbox_events for each row execute function fail()")
    async with running(relay, live):
        await until(live.db, "select bool_and(attempts = 1) from outbox_tasks")
        await soon(lambda: caplog.records)
        await live.db.fetch("drop trigger fail on outbox_events")
        await until(live.db, ALL_PUBLISHED)
    assert len(await read_records(cloned, "users", 1)) == 1
    record = next(each for each in caplog.records if each.message == "a step of the relay failed")
    assert record.fields["cause"] == "RaiseError"  # type: ignore[attr-defined]
    assert record.exc_info is not None


async def test_a_full_batch_is_followed_at_once(live: Context, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.relay, "EVENTS_AT_ONCE", 2)
    monkeypatch.setattr(worker.relay, "POLL_SECONDS", 600)
    for _ in range(7):
        await announce(live.db, uuid7())
    async with running(relay, live):
        await until(live.db, ALL_PUBLISHED)


async def test_the_sweep_removes_only_events_published_a_week_ago(live: Context, relay: Relay) -> None:
    for email in ("old", "fresh", "waiting", "dead"):
        await announce(live.db, uuid7(), email)
    age = "update outbox_events set {} where data->>'email' = '{}'"
    await live.db.fetch(age.format("published_at = now() - interval '7 days 1 minute'", "old"))
    await live.db.fetch(age.format("published_at = now() - interval '6 days 23 hours'", "fresh"))
    await live.db.fetch(age.format("created_at = now() - interval '70 days'", "waiting"))
    await live.db.fetch(age.format("dead_at = now() - interval '70 days'", "dead"))
    assert [await sweep_published(relay._context), await sweep_published(relay._context)] == [1, 0]
    rows = await live.db.fetch("select data->>'email' as email from outbox_events order by seq")
    assert [row["email"] for row in rows] == ["fresh", "waiting", "dead"]
