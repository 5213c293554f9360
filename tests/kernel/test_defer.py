"""Task.defer: work without an event, committed with its transaction."""

import asyncio
import json
from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.database import Database
from api.kernel.errors import NOT_FOUND
from api.kernel.outbox.tasks import LEASE_SECONDS, subscribers, task
from api.kernel.telemetry import span, traceparent
from tests.transactions import Another
from worker.queries import lease_tasks


class Wanted(msgspec.Struct, frozen=True):
    name: str


SEEN: list[tuple[Wanted, UUID]] = []


@task(on=Wanted)
async def remember(context: Context, wanted: Wanted, id: UUID) -> None:
    SEEN.append((wanted, id))


async def rows(db: Database, table: str) -> list[dict[str, Any]]:
    tables = {"tasks": "outbox_tasks", "events": "outbox_events", "audit": "audit_entries"}
    return [json.loads(row[0]) for row in await db.fetch(f"select to_json(t)::text from {tables[table]} as t")]


async def test_a_deferred_task_is_one_row_that_runs_with_its_own_id(live: Context) -> None:
    with span("the request"):
        here = traceparent()
        await remember.defer_alone(live.db, Wanted("Ü"))
    [row] = await rows(live.db, "tasks")
    assert (row["task"], row["data"]) == (remember.name, {"name": "Ü"})
    assert row["traceparent"].split("-")[1] == here.split("-")[1]
    assert await rows(live.db, "events") == await rows(live.db, "audit") == [], "no event is recorded"
    [leased] = await lease_tasks(live.db, [remember.name], 9, LEASE_SECONDS)
    SEEN.clear()
    await remember.run(live, leased.id, leased.lease)
    [(wanted, told)] = SEEN
    assert (wanted.name, told) == ("Ü", UUID(row["id"]))
    assert UUID(row["id"]).version == 7
    assert await rows(live.db, "tasks") == []


async def test_it_is_rolled_back_with_its_transaction(live: Context) -> None:
    async def want_in_vain() -> None:
        async with live.db.transaction() as db:
            await remember.defer(db, Wanted("never"))
            raise NOT_FOUND

    heard = asyncio.Event()
    async with live.db.listen("outbox", heard.set):
        with pytest.raises(NOT_FOUND):
            await want_in_vain()
        assert await rows(live.db, "tasks") == []
        async with live.db.transaction() as db:
            await remember.defer(db, Wanted("soon"))
            await Another(live.db).fetch("select 1")
            assert not heard.is_set()
        async with asyncio.timeout(60):
            await heard.wait()
    assert [row["data"]["name"] for row in await rows(live.db, "tasks")] == ["soon"]


async def test_the_same_value_twice_is_two_tasks(db: Database) -> None:
    async with db.transaction() as tx:
        for _ in range(2):
            await remember.defer(tx, Wanted("again"))
    assert len({row["id"] for row in await rows(db, "tasks")}) == 2


def test_a_deferred_task_does_not_wait_for_events() -> None:
    assert subscribers([remember]) == {}
