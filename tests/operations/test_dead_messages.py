"""Failed messages of other services: listed, retried and discarded like other dead letters."""

import httpx
import pytest

import worker.consumer
from api.kernel.context import Context
from api.kernel.data.database import Database
from api.kernel.errors import NOT_FOUND
from api.kernel.settings import Settings
from tests.operations.test_dead_letters import LETTERS, letters
from tests.worker.jobs import header, read_records, until
from tests.worker.messages import SHORTEST_SESSION, Noted, make_notes, note, noted, notes, noting, reading, send
from worker.dead_messages import resend

pytestmark = pytest.mark.case(223)


@pytest.fixture(autouse=True)
async def impatient(live: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_notes(live.db)
    monkeypatch.setattr(worker.consumer, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(worker.consumer, "SESSION_SECONDS", SHORTEST_SESSION)


async def test_a_dead_message_is_listed_and_counted_and_takes_effect_after_a_retry(
    operator: httpx.AsyncClient, live: Context, cloned: Settings
) -> None:
    known = False

    async def look_up(context: Context, db: Database, message: Noted) -> None:
        if not known and message.number == 1:
            raise NOT_FOUND
        await note(context, db, message)

    await send(cloned, "tests.notes", [noted("canary", 1), noted("canary", 2)])
    async with reading(live, noting(look_up)):
        await until(live.db, "select count(*) = 1 from notes")
        [letter] = await letters(operator)
        assert (letter["kind"], letter["type"], letter["event_key"]) == ("message", "tests.notes", None)
        assert (letter["attempts"], str(letter["reason"]).partition(":")[0]) == (1, "NOT_FOUND")
        [buried] = await read_records(cloned, "tests.notes.dead", 1)
        assert letter["place"] == f"{buried.topic}/{buried.partition}/{buried.offset}"
        details = (await operator.get(f"{LETTERS}/{letter['id']}")).json()
        assert details == {**letter, "data": None}
        report = (await operator.get("/api/health/full")).json()
        assert (report["status"], report["outbox"]["messages_dead"]) == ("degraded", 1)
        assert await resend(live) == 0, "there is no decision yet"
        known = True
        assert (await operator.post(f"{LETTERS}/{letter['id']}/retry")).status_code == 204
        assert await letters(operator) == []
        assert (await operator.post(f"{LETTERS}/{letter['id']}/retry")).status_code == 404
        assert [await resend(live), await resend(live)] == [1, 0]
        await until(live.db, "select count(*) = 2 from notes")
    assert await notes(live.db) == [("canary", 2), ("canary", 1)]
    again = (await read_records(cloned, "tests.notes", 3))[-1]
    assert header(again, "ce_id") == "canary-1", "with its own id, without headers of the dead letter"
    assert [name for name, _ in again.headers if name.startswith("dead_")] == []
    assert await live.db.fetch("select 1 from inbox_dead") == []


async def test_a_discarded_message_stays_only_in_kafka(
    operator: httpx.AsyncClient, live: Context, cloned: Settings
) -> None:
    await send(cloned, "tests.notes", [noted("a", 1, data=b"no JSON")])
    async with reading(live, noting()):
        await until(live.db, "select count(*) = 1 from inbox_dead")
        [letter] = await letters(operator)
        assert (await operator.post(f"{LETTERS}/{letter['id']}/discard")).status_code == 204
        assert await letters(operator) == []
        assert await resend(live) == 0
    assert len(await read_records(cloned, "tests.notes.dead", 1)) == 1
    query = {"type": "operations.dead_letter_discarded"}
    [entry] = (await operator.get("/api/audit", params=query)).json()["items"]
    assert (entry["data"]["kind"], entry["data"]["what"]) == ("message", "tests.notes")


async def test_a_message_that_kafka_deleted_is_listed_again_with_that_reason(
    operator: httpx.AsyncClient, live: Context, cloned: Settings
) -> None:
    await send(cloned, "tests.notes", [noted("a", 1, data=b"no JSON")])
    async with reading(live, noting()):
        await until(live.db, "select count(*) = 1 from inbox_dead")
    await live.db.fetch("update inbox_dead set dead_offset = 1000")
    [letter] = await letters(operator)
    assert (await operator.post(f"{LETTERS}/{letter['id']}/retry")).status_code == 204
    assert await resend(live) == 1
    [again] = await letters(operator)
    assert (again["id"], again["reason"]) == (letter["id"], "the message is no longer in Kafka")
