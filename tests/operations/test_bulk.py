"""C-231: dead letters, one and in bulk, over REST."""

import asyncio
from uuid import UUID

import httpx
import msgspec
import pytest

import api.operations.bulk
from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Rate
from api.operations.types import DeadLetterFilter
from tests.operations.test_dead_letters import LETTERS, letters
from tests.worker.jobs import add_tasks
from tests.worker.test_publishing import announce

pytestmark = pytest.mark.case(231)


async def add_dead(live: Context, tasks: int = 3, events: int = 2) -> tuple[list[UUID], list[UUID]]:
    """Insert dead tasks, each an hour older than the one before, and dead events, each with its own key."""
    ids = await add_tasks(live.db, count=tasks)
    for age, id in enumerate(ids):
        await live.db.fetch("update outbox_tasks set dead_at = now() - $2 * interval '1 hour' where id = $1", id, age)
    keys = [uuid7() for _ in range(events)]
    for key in keys:
        await announce(live.db, key)
    await live.db.fetch("delete from outbox_tasks where dead_at is null")
    await live.db.fetch("update outbox_events set dead_at = now() where key = any($1)", keys)
    return ids, keys


async def decide(client: httpx.AsyncClient, verb: str, **wanted: object) -> dict[str, int]:
    answer = await client.post(f"{LETTERS}/{verb}", json=wanted)
    assert answer.status_code == 200, answer.text
    said: dict[str, int] = answer.json()
    return said


async def decisions(live: Context, verb: str) -> set[str]:
    rows = await live.db.fetch("select key from audit_entries where type = $1", f"operations.dead_letter_{verb}")
    return {str(row["key"]) for row in rows}


async def test_each_selected_letter_is_retried_and_recorded(operator: httpx.AsyncClient, live: Context) -> None:
    ids, _ = await add_dead(live)
    before = {str(each["id"]) for each in await letters(operator)}
    assert await decide(operator, "retry", all=True) == {"count": 5, "left": 0}
    assert await letters(operator) == []
    assert await decisions(live, "retried") == before
    waiting = await live.db.fetch("select id from outbox_tasks where dead_at is null and attempts = 0")
    assert {row["id"] for row in waiting} >= set(ids)
    assert await decide(operator, "retry", all=True) == {"count": 0, "left": 0}


async def test_a_filter_selects_letters_that_match_all_its_fields(operator: httpx.AsyncClient, live: Context) -> None:
    ids, keys = await add_dead(live)
    assert await decide(operator, "discard", type="users.nothing") == {"count": 0, "left": 0}
    assert await decide(operator, "discard", type="users.registered", key=str(uuid7())) == {"count": 0, "left": 0}
    assert await decide(operator, "discard", key=str(keys[0])) == {"count": 1, "left": 0}
    assert await decide(operator, "discard", older_than=5400) == {"count": 1, "left": 0}
    assert await decide(operator, "discard", ids=[str(ids[1]), str(uuid7())]) == {"count": 1, "left": 0}
    assert await decide(operator, "discard", kind="event", type="worker.wait_at_gate") == {"count": 0, "left": 0}
    assert await decide(operator, "discard", kind="message") == {"count": 0, "left": 0}
    left = {(each["kind"], each["event_key"] or each["id"]) for each in await letters(operator)}
    assert left == {("task", str(ids[0])), ("event", str(keys[1]))}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/all"),
        ({"all": False}, "/all"),
        ({"all": True, "type": "users.registered"}, "/all"),
        ({"typ": "users.registered"}, "/typ"),
        ({"ids": []}, "/ids"),
        ({"older_than": -1}, "/older_than"),
        ({"kind": "letter"}, "/kind"),
    ],
)
async def test_an_empty_filter_changes_nothing(
    operator: httpx.AsyncClient, live: Context, body: dict[str, object], pointer: str
) -> None:
    await add_dead(live)
    for verb in ("retry", "discard"):
        answer = await operator.post(f"{LETTERS}/{verb}", json=body)
        if pointer == "/all":
            assert (answer.status_code, answer.json()["code"]) == (400, "FILTER_INVALID")
        else:
            assert answer.status_code == 422
            assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert len(await letters(operator)) == 5


async def test_a_bulk_request_is_charged_once(operator: httpx.AsyncClient, live: Context) -> None:
    await add_dead(live, tasks=150)
    limited = msgspec.structs.replace(live.settings, rate_limit_signed_in=Rate(3, 3600))
    operator._transport.app.app.state.context = msgspec.structs.replace(live, limiter=Limiter(limited, live.cache))  # type: ignore[attr-defined]
    answer = await operator.post(f"{LETTERS}/discard", json={"all": True})
    assert answer.json() == {"count": 152, "left": 0}
    assert answer.headers["x-ratelimit-remaining"] == "2"


async def test_letters_beyond_the_limit_of_a_request_are_left(
    operator: httpx.AsyncClient, live: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_dead(live, tasks=150)
    monkeypatch.setattr(api.operations.bulk, "REQUEST_SECONDS", 0.0)
    assert await decide(operator, "retry", all=True) == {"count": 100, "left": 52}
    assert await decide(operator, "retry", all=True) == {"count": 52, "left": 0}


async def test_two_concurrent_operators_decide_on_each_letter_once(operator: httpx.AsyncClient, live: Context) -> None:
    await add_dead(live, tasks=120)
    said = await asyncio.gather(*(decide(operator, verb, all=True) for verb in ("retry", "discard") * 2))
    assert sum(each["count"] for each in said) == 122
    retried, discarded = await decisions(live, "retried"), await decisions(live, "discarded")
    assert (len(retried | discarded), retried & discarded) == (122, set())


async def test_a_letter_that_dies_again_meanwhile_is_not_retried_twice(
    operator: httpx.AsyncClient, live: Context
) -> None:
    """Kafka may refuse it again while the rest is retried: that needs another decision."""
    await add_dead(live, tasks=0)
    wanted = DeadLetterFilter(all=True)
    [counted] = await api.operations.bulk.count_matching(live.db, wanted)
    await live.db.fetch("update outbox_events set dead_at = now() where dead_at is not null and seq % 2 = 0")
    async for count in api.operations.bulk.decide(live.db, wanted, counted.until, api.operations.bulk.RETRY):
        assert count == 1
    assert len(await letters(operator)) == 1


async def test_one_letter_is_shown(operator: httpx.AsyncClient, live: Context) -> None:
    [id], _ = await add_dead(live, tasks=1)
    shown = await operator.get(f"{LETTERS}/{id}")
    listed = next(each for each in await letters(operator) if each["id"] == str(id))
    assert shown.json().items() >= listed.items()
    assert (await operator.get(f"{LETTERS}/{uuid7()}")).status_code == 404
    [waits] = await add_tasks(live.db)
    assert (await operator.get(f"{LETTERS}/{waits}")).status_code == 404
