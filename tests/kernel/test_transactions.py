"""Guarantees of a transaction, by its type and while it is open: no event without its change, no second connection."""

import asyncio
from typing import Any

import pytest

from api.app import create_app
from api.kernel.context import Context
from api.kernel.data.database import SERIALIZATION_FAILURE, Database, Transaction, uuid7
from api.kernel.feature import Feature
from api.kernel.http.routing import post
from api.kernel.identity.auth import anyone
from api.kernel.outbox.events import Event, Thing, record
from tests.conftest import client_of
from tests.kernel.test_defer import Wanted, remember
from tests.transactions import Another

SECOND = "This task holds a transaction"
OUTBOX = "select (select count(*) from outbox_events) + (select count(*) from outbox_tasks) as rows"


class Moved(Event, frozen=True, tag="things.moved"):
    thing_id: Thing


async def test_an_event_or_a_task_outside_of_a_transaction_names_the_remedy(db: Database) -> None:
    """C-320: the type checker refuses the same (tests/test_walkthrough.py)."""
    wrong: Any = db
    with pytest.raises(TypeError, match=r"record writes, .* `async with context\.db\.transaction\(\) as db:`"):
        await record(wrong, Moved(thing_id=uuid7()))
    with pytest.raises(TypeError, match=r"kernel\.remember\.defer writes, and needs a Transaction"):
        await remember.defer(wrong, Wanted("x"))
    assert (await db.fetch(OUTBOX))[0]["rows"] == 0


@pytest.mark.parametrize("kind", ["lent", "pooled"])
async def test_a_statement_on_a_second_connection_is_refused(db: Database, live: Context, kind: str) -> None:
    """C-321: with the single connection of most tests, and with a pool."""
    outer = db if kind == "lent" else live.db
    async with outer.transaction() as tx:
        for refused in (outer.fetch("select 1"), remember.defer_alone(outer, Wanted("x"))):
            with pytest.raises(RuntimeError, match=SECOND):
                await refused
        with pytest.raises(RuntimeError, match=SECOND):
            async with outer.transaction():
                pass
        with pytest.raises(RuntimeError, match=SECOND):
            async with outer.listen("outbox", lambda: None):
                pass
        async with tx.transaction() as inner:
            assert len(await inner.fetch("select 1")) == len(await tx.fetch("select 1")) == 1
            with pytest.raises(RuntimeError, match=SECOND):
                await outer.fetch("select 1")
        with pytest.raises(RuntimeError, match=SECOND):  # still in the outer one
            await outer.fetch("select 1")
    assert len(await outer.fetch("select 1")) == 1


async def test_a_task_awaited_by_the_block_is_refused_too_and_a_detached_one_is_not(live: Context) -> None:
    """C-321: with a full pool the two would wait for each other."""
    over = asyncio.Event()

    async def look_later() -> int:
        await over.wait()
        return len(await live.db.fetch("select 1"))

    async with live.db.transaction():
        with pytest.raises(RuntimeError, match=SECOND):
            await asyncio.gather(live.db.fetch("select 1"))
        later = asyncio.create_task(look_later())
        assert len(await Another(live.db).fetch("select 1")) == 1, "another task's transaction does not affect this one"
    over.set()
    assert await later == 1


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_an_ended_transaction_refuses_statements(db: Database, end: str) -> None:
    """C-322: another request may use its connection."""
    kept: list[Transaction] = []

    async def work() -> None:
        async with db.transaction() as tx:
            kept.append(tx)
            if end == "rollback":
                raise ValueError(end)

    if end == "rollback":
        with pytest.raises(ValueError, match=end):
            await work()
    else:
        await work()
    for wrong in (kept[0].fetch("select 1"), record(kept[0], Moved(thing_id=uuid7()))):
        with pytest.raises(RuntimeError, match="This transaction has ended"):
            await wrong
    with pytest.raises(RuntimeError, match="has ended"):
        async with kept[0].transaction():
            pass
    assert len(await db.fetch("select 1")) == 1


async def test_a_statement_outside_of_the_transaction_fails_the_handler_and_announces_nothing(
    live: Context, caplog: pytest.LogCaptureFixture
) -> None:
    """C-320: in production `context.db` is another connection; the event would be announced although the row is rolled
    back."""

    async def move(context: Context) -> None:
        async with context.db.transaction():
            await remember.defer_alone(context.db, Wanted("x"))

    app = create_app(live.settings, (Feature(name="things", routes=[post("/things", move, guard=anyone)]),))
    app.state.context = live
    async with client_of(app) as client:
        assert (await client.post("/api/things")).status_code == 500
    assert (await live.db.fetch(OUTBOX))[0]["rows"] == 0
    [error] = [each for each in caplog.records if each.exc_info]
    assert error.exc_info is not None
    assert SECOND in str(error.exc_info[1])


async def test_a_repeated_handler_begins_a_new_transaction(live: Context) -> None:
    """C-322."""
    seen: list[Transaction] = []

    async def move(context: Context) -> None:
        async with context.db.transaction() as db:
            seen.append(db)
            await record(db, Moved(thing_id=uuid7()))
            if len(seen) < 3:
                raise SERIALIZATION_FAILURE

    app = create_app(live.settings, (Feature(name="things", routes=[post("/things", move, guard=anyone, status=204)]),))
    app.state.context = live
    async with client_of(app) as client:
        assert (await client.post("/api/things")).status_code == 204
    assert (len(seen), all(each.ended for each in seen)) == (3, True)
    assert (await live.db.fetch("select count(*) as events from outbox_events"))[0]["events"] == 1
