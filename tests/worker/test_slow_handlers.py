"""A slow handler does not condemn its message."""

import asyncio
import logging

import pytest

import worker.consumer
from api.kernel.context import Context
from api.kernel.data.database import Database
from api.kernel.settings import Settings
from tests.worker.jobs import soon, until
from tests.worker.messages import Noted, note, noted, notes, noting, reading, send

pytestmark = [pytest.mark.case(228), pytest.mark.usefixtures("consuming")]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.consumer, "HANDLE_SECONDS", 0.3)


async def test_a_message_with_a_slow_handler_waits_and_blocks_only_its_partition(
    live: Context, cloned: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also after more time-outs than the failures of a dead letter."""
    monkeypatch.setattr(worker.consumer, "LONGEST_HANDLE_SECONDS", 0.3)
    tries, gate = 0, asyncio.Event()

    async def crawl(context: Context, db: Database, message: Noted) -> None:
        nonlocal tries
        if message.thing == "a" and message.number == 0:
            tries += 1
            await gate.wait()
        await note(context, db, message)

    await send(cloned, "tests.notes", [noted("a", number, partition=0) for number in range(2)])
    with caplog.at_level(logging.WARNING):
        async with reading(live, noting(crawl)):
            await send(cloned, "tests.notes", [noted("b", 0, partition=1)])
            await soon(lambda: tries > worker.consumer.ATTEMPTS + 1)
            assert await notes(live.db) == [("b", 0)]
            gate.set()
            await until(live.db, "select count(*) = 3 from notes")
    assert await notes(live.db) == [("b", 0), ("a", 0), ("a", 1)]
    causes = {
        getattr(each, "fields", {}).get("cause")
        for each in caplog.records
        if each.message == "a message will be retried"
    }
    assert causes == {"TooSlow"}
    assert await live.db.fetch("select 1 from inbox_dead") == []


async def test_each_attempt_that_timed_out_gives_the_next_more_time(live: Context, cloned: Settings) -> None:
    allowed: list[float] = []

    async def take_long(context: Context, db: Database, message: Noted) -> None:
        began = asyncio.get_running_loop().time()
        try:
            if len(allowed) < 3:
                await asyncio.Event().wait()
        finally:
            allowed.append(asyncio.get_running_loop().time() - began)
        await note(context, db, message)

    await send(cloned, "tests.notes", [noted("a", 0)])
    async with reading(live, noting(take_long)):
        await until(live.db, "select count(*) = 1 from notes")
    assert allowed[0] < allowed[1] < allowed[2]


@pytest.mark.parametrize("error", [TimeoutError, ConnectionRefusedError])
async def test_a_service_that_the_handler_cannot_reach_is_waited_for(
    live: Context, cloned: Settings, error: type[Exception]
) -> None:
    tries = 0

    async def ask(context: Context, db: Database, message: Noted) -> None:
        nonlocal tries
        tries += 1
        if tries <= worker.consumer.ATTEMPTS + 1:
            raise error
        await note(context, db, message)

    await send(cloned, "tests.notes", [noted("a", 0)])
    async with reading(live, noting(ask)):
        await until(live.db, "select count(*) = 1 from notes")
    assert await live.db.fetch("select 1 from inbox_dead") == []
