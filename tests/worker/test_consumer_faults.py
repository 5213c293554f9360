"""Consumers during failures: no message is lost, none takes effect twice."""

import asyncio
import logging
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer

import worker.consumer
import worker.watch
from api.kernel.context import Context, open_context
from api.kernel.settings import Settings
from tests.proxy import Proxy
from tests.worker.jobs import soon, until
from tests.worker.messages import noted, notes, noting, reading, send
from tests.worker.parts import APACHE, Broker
from worker.internals import Internals

pytestmark = pytest.mark.usefixtures("consuming")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.watch, "LOOK_SECONDS", 0.5)


@pytest.fixture
async def postgresql(live: Context) -> AsyncIterator[Proxy]:
    """A connection that a test may cut."""
    where = urlsplit(live.settings.database_url)
    async with Proxy() as made:
        made.to = (where.hostname or "", where.port or 5432)
        yield made


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[AIOKafkaConsumer]:
    """The members' clients."""
    made: list[AIOKafkaConsumer] = []

    def make(*arguments: object, **options: object) -> AIOKafkaConsumer:
        made.append(AIOKafkaConsumer(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(worker.consumer, "AIOKafkaConsumer", make)
    return made


def through(settings: Settings, proxy: Proxy) -> Settings:
    where = urlsplit(settings.database_url)
    user = where.netloc.rpartition("@")[0]
    url = where._replace(netloc=f"{user}@127.0.0.1:{proxy.port}").geturl()
    return msgspec.structs.replace(settings, database_url=url)


async def test_an_outage_of_postgresql(
    live: Context, cloned: Settings, postgresql: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    there = postgresql.to
    async with open_context(through(cloned, postgresql), {}) as context, reading(context, noting()):
        await send(cloned, "tests.notes", [noted("a", 0)])
        await until(live.db, "select count(*) = 1 from notes")
        postgresql.to = ("127.0.0.1", 1)
        postgresql.cut()
        await send(cloned, "tests.notes", [noted("a", number) for number in range(1, 4)])
        await soon(lambda: "a message will be retried" in caplog.text)
        postgresql.to = there
        await until(live.db, "select count(*) = 4 from notes")
    assert await notes(live.db) == [("a", number) for number in range(4)]


async def test_a_broker_that_becomes_silent_and_answers_again(
    live: Context, cloned: Settings, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    settings = broker.settings(cloned)
    context = msgspec.structs.replace(live, settings=settings)
    await send(settings, "tests.notes", [noted("a", 0)])
    async with reading(context, noting()):
        await until(live.db, "select count(*) = 1 from notes")
        broker.freeze()
        await soon(lambda: "the consumer restarts" in caplog.text)
        broker.thaw()
        await send(settings, "tests.notes", [noted("a", 1)])
        await until(live.db, "select count(*) = 2 from notes")
    assert await notes(live.db) == [("a", 0), ("a", 1)]


async def test_a_client_that_fails_silently_is_replaced(
    live: Context,
    cloned: Settings,
    clients: list[AIOKafkaConsumer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """aiokafka#1154: it reports no error and reads nothing."""
    monkeypatch.setattr(worker.watch, "STILL_SECONDS", 1.0)
    await send(cloned, "tests.notes", [noted("a", 0)])
    with caplog.at_level(logging.WARNING):
        async with reading(live, noting()):
            await until(live.db, "select count(*) = 1 from notes")
            clients[0]._fetcher._fetch_task.cancel()
            for number in (1, 2):  # the first may be the answer to an earlier request
                await send(cloned, "tests.notes", [noted("a", number)])
                await until(live.db, f"select count(*) = {number + 1} from notes")
    assert "a consumer is stalled" in caplog.text
    assert len(clients) == 2


@pytest.mark.skipif(not APACHE, reason="librdkafka's mock cluster refuses the SyncGroup of aiokafka's second member")
async def test_two_members_share_a_topic_and_one_takes_over(
    live: Context, cloned: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.consumer, "LONGEST_PAUSE", 5.0)
    things = [f"thing {number}" for number in range(40)]
    async with reading(live, noting()) as first:
        await send(cloned, "tests.notes", [noted(thing, 1) for thing in things])
        await until(live.db, "select count(*) = 40 from notes")
        async with reading(live, noting(), drain=False):
            for number in range(2, 5):  # while the partitions are reassigned
                await send(cloned, "tests.notes", [noted(thing, number) for thing in things])
                await until(live.db, f"select count(*) = {40 * number} from notes")
            first[0].cancel()
            await asyncio.wait(first)
            await send(cloned, "tests.notes", [noted(thing, 5) for thing in things])
            await until(live.db, "select count(*) = 200 from notes")
    done = await notes(live.db)
    assert all([number for name, number in done if name == thing] == [1, 2, 3, 4, 5] for thing in things)


@pytest.mark.skipif(not APACHE, reason="it takes more members than one")
async def test_an_idle_member_stays_and_one_outside_its_group_is_replaced(
    live: Context, clients: list[AIOKafkaConsumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.watch, "STILL_SECONDS", 1.0)
    looks: list[AIOKafkaConsumer] = []
    is_member = Internals.is_member

    def look(client: AIOKafkaConsumer) -> bool:
        looks.append(client)
        return is_member(client)

    monkeypatch.setattr(Internals, "is_member", look)  # a member without a partition is checked
    async with reading(live, *[noting() for _ in range(5)]):  # a topic has four partitions
        await soon(lambda: any(looks.count(client) > 6 for client in clients))
        assert len(clients) == 5
        idle = max(clients, key=looks.count)
        idle._coordinator._heartbeat_task.cancel()
        await soon(lambda: len(clients) == 6)
