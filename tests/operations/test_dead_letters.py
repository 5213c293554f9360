"""/operations/dead-letters: failed work, and an operator's decisions on it."""

import asyncio
import json
from uuid import UUID

import httpx

from api.kernel.context import Context
from api.kernel.data.database import Database, uuid7
from api.kernel.settings import Settings
from tests.worker.jobs import Gate, add_tasks, header, read_records, until, working
from tests.worker.test_publishing import announce
from worker.main import open_queue
from worker.relay import Relay

LETTERS = "/api/operations/dead-letters"
POISON = "canary" * 200_000
"""More than Kafka takes."""


async def letters(client: httpx.AsyncClient, **query: object) -> list[dict[str, object]]:
    answer = await client.get(LETTERS, params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert POISON not in answer.text, "the list does not show its data"
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def emails(settings: Settings, count: int, user_id: UUID) -> list[str]:
    """Return the types of the events about that account, in Kafka's order."""
    records = await read_records(settings, "users", count)
    return [json.loads(each.value)["email"] for each in records if each.key == str(user_id).encode()]


async def mend(db: Database) -> None:
    """Remove the cause of Kafka's refusal, such as a limit that was too low."""
    await db.fetch("update outbox_events set data = jsonb_set(data, '{email}', '\"mended\"') where dead_at is not null")


async def poisoned(live: Context, relay: Relay) -> UUID:
    """Return an account whose second event was refused."""
    victim, other = uuid7(), uuid7()
    for user_id, email in ((victim, "before"), (victim, POISON), (victim, "after"), (other, "other")):
        await announce(live.db, user_id, email)
    assert await relay.publish_events() == 3
    assert await relay.publish_events() == 0
    return victim


async def test_a_retried_event_precedes_those_that_waited_for_it(
    operator: httpx.AsyncClient, live: Context, cloned: Settings, relay: Relay
) -> None:
    victim = await poisoned(live, relay)
    await announce(live.db, victim, "last")
    assert await relay.publish_events() == 0, "later events with its key wait, too"
    [letter] = await letters(operator)
    assert letter["kind"] == "event"
    assert (letter["type"], letter["event_key"]) == ("users.registered", str(victim))
    assert (letter["reason"], letter["attempts"]) == ("MessageSizeTooLargeError", 1)
    await mend(live.db)
    assert (await operator.post(f"{LETTERS}/{letter['id']}/retry")).status_code == 204
    assert await relay.publish_events() == 4, "the event, two that waited, and the record of the retry"
    records = await read_records(cloned, "users", 5)
    assert await emails(cloned, 5, victim) == ["before", "mended", "after", "last"]
    assert str(letter["id"]) in {header(each, "ce_id") for each in records}, "with the same id"
    assert await letters(operator) == []


async def test_a_retried_event_that_is_refused_again_holds_back_the_same_events(
    operator: httpx.AsyncClient, live: Context, relay: Relay
) -> None:
    await poisoned(live, relay)
    [letter] = await letters(operator)
    await operator.post(f"{LETTERS}/{letter['id']}/retry")
    await relay.publish_events()
    [again] = await letters(operator)
    assert (again["id"], again["attempts"]) == (letter["id"], 1)
    [held] = await live.db.fetch("select count(*) from outbox_events where published_at is null and dead_at is null")
    assert held[0] == 1


async def test_a_discarded_event_is_deleted_and_those_that_waited_continue(
    operator: httpx.AsyncClient, live: Context, cloned: Settings, relay: Relay
) -> None:
    victim = await poisoned(live, relay)
    [letter] = await letters(operator)
    assert (await operator.post(f"{LETTERS}/{letter['id']}/discard")).status_code == 204
    assert await relay.publish_events() == 2
    assert await emails(cloned, 3, victim) == ["before", "after"]
    assert await letters(operator) == []
    kept = await live.db.fetch("select data from audit_entries where id = $1", UUID(str(letter["id"])))
    assert POISON in kept[0]["data"], "the audit records what was discarded"


async def test_a_dead_task_runs_again_under_its_id(operator: httpx.AsyncClient, live: Context) -> None:
    gate = Gate()
    gate.open.set()
    [id] = await add_tasks(live.db)
    await live.db.fetch("update outbox_tasks set dead_at = now(), attempts = 20, last_error = 'MailRefused'")
    [letter] = await letters(operator)
    assert (letter["id"], letter["kind"], letter["type"]) == (str(id), "task", "worker.wait_at_gate")
    assert (letter["event_key"], letter["reason"], letter["attempts"]) == (None, "MailRefused", 20)
    assert (await operator.post(f"{LETTERS}/{id}/retry")).status_code == 204
    async with open_queue(live.settings) as queue, working(live, queue, [gate.task]):
        await until(live.db, "select count(*) = 0 from outbox_tasks")
    assert gate.ended == 1


async def test_a_discarded_task_never_runs(operator: httpx.AsyncClient, live: Context) -> None:
    [id] = await add_tasks(live.db)
    await live.db.fetch("update outbox_tasks set dead_at = now()")
    assert (await operator.post(f"{LETTERS}/{id}/discard")).status_code == 204
    assert (await live.db.fetch("select count(*) from outbox_tasks"))[0][0] == 0


async def test_one_of_two_concurrent_operators_decides(
    operator: httpx.AsyncClient, live: Context, relay: Relay
) -> None:
    await poisoned(live, relay)
    [letter] = await letters(operator)
    ways = ("retry", "discard", "retry", "discard")
    answers = await asyncio.gather(*(operator.post(f"{LETTERS}/{letter['id']}/{way}") for way in ways))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]
    decisions = await live.db.fetch("select count(*) from audit_entries where type like 'operations.%'")
    assert decisions[0][0] == 1


async def test_pending_and_published_events_cannot_be_decided_on(
    operator: httpx.AsyncClient, live: Context, relay: Relay
) -> None:
    await poisoned(live, relay)
    await add_tasks(live.db)
    rows = await live.db.fetch(
        "select id from outbox_events where dead_at is null union all select id from outbox_tasks"
    )
    before = await live.db.fetch("select count(*) from outbox_events")
    for way in ("retry", "discard"):
        answers = [await operator.post(f"{LETTERS}/{row['id']}/{way}") for row in rows]
        assert {answer.status_code for answer in answers} == {404}
    assert await live.db.fetch("select count(*) from outbox_events") == before


async def test_the_operator_is_in_the_audit(operator: httpx.AsyncClient, live: Context, relay: Relay) -> None:
    await poisoned(live, relay)
    [letter] = await letters(operator)
    await operator.post(f"{LETTERS}/{letter['id']}/retry")
    query = {"type": "operations.dead_letter_retried"}
    [entry] = (await operator.get("/api/audit", params=query)).json()["items"]
    me = (await operator.get("/api/users/me")).json()["id"]
    assert entry["principal_id"] == me
    assert (entry["key"], entry["data"]["what"]) == (letter["id"], "users.registered")


async def test_the_list_has_pages_the_latest_first(operator: httpx.AsyncClient, live: Context) -> None:
    ids = await add_tasks(live.db, count=5)
    for age, id in enumerate(ids):
        await live.db.fetch("update outbox_tasks set dead_at = now() - $2 * interval '1 hour' where id = $1", id, age)
    first = (await operator.get(LETTERS, params={"limit": 3})).json()
    second = (await operator.get(LETTERS, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [each["id"] for each in first["items"] + second["items"]] == [str(id) for id in ids]
    assert (first["total"], second["next_cursor"]) == (5, None)
    assert (await operator.get(LETTERS, params={"cursor": "bm9uZQ"})).status_code == 422


async def test_the_list_is_filtered_by_kind_type_and_key(
    operator: httpx.AsyncClient, live: Context, relay: Relay
) -> None:
    victim = await poisoned(live, relay)
    ids = await add_tasks(live.db, count=2)
    await live.db.fetch("update outbox_tasks set dead_at = now() where id = any($1)", ids)
    tasks = {"kind": "task", "type": "worker.wait_at_gate"}
    first = (await operator.get(LETTERS, params={**tasks, "limit": 1})).json()
    assert first["total"] == 2
    [second] = await letters(operator, **tasks, cursor=first["next_cursor"])
    assert {first["items"][0]["id"], second["id"]} == {str(id) for id in ids}
    [event] = await letters(operator, key=victim)
    assert event["kind"] == "event"
    assert await letters(operator, kind="task", key=victim) == []
    other_filter = await operator.get(LETTERS, params={"kind": "event", "cursor": first["next_cursor"]})
    assert other_filter.status_code == 422, "a cursor belongs to its filter"


async def test_one_dead_letter_is_shown_with_its_data(operator: httpx.AsyncClient, live: Context, relay: Relay) -> None:
    victim = await poisoned(live, relay)
    [task] = await add_tasks(live.db)
    await live.db.fetch("update outbox_tasks set dead_at = now() where id = $1", task)
    for letter in await letters(operator):
        details = (await operator.get(f"{LETTERS}/{letter['id']}")).json()
        data = details.pop("data")
        assert details == letter
        expected = {"user_id": str(victim), "email": POISON} if letter["kind"] == "event" else {}
        assert data.items() >= expected.items()


async def test_the_outbox_is_counted_by_topic_and_task(
    operator: httpx.AsyncClient, live: Context, relay: Relay
) -> None:
    await poisoned(live, relay)
    await live.db.fetch("delete from outbox_tasks")
    await announce(live.db, uuid7(), "waits")
    await live.db.fetch("update outbox_events set created_at = now() - interval '1 hour' where published_at is null")
    await add_tasks(live.db, count=2)
    rows = {each["name"]: each for each in (await operator.get("/api/operations/outbox")).json()["items"]}
    kafka = rows["users"]
    assert (kafka["destination"], kafka["pending"], kafka["held"], kafka["dead"]) == ("kafka", 1, 1, 1)
    assert 3500 < kafka["oldest_seconds"] < 3700
    gate = rows["worker.wait_at_gate"]
    assert (gate["destination"], gate["pending"], gate["held"], gate["dead"]) == ("tasks", 2, 0, 0)
