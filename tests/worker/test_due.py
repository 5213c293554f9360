"""Polling for due work reads only what it takes, independent of waiting rows: according to plans and touched pages, not
times."""

import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from api.kernel.context import Context
from api.kernel.outbox import events
from api.kernel.outbox.backlog import MOST_COUNTED
from api.kernel.settings import Settings
from tests.query_plans import explain, nodes, pages
from worker import queries
from worker.relay import EVENTS_AT_ONCE, TASKS_QUEUED

MANY = 200_000
DUE = 10
NAMES = ["users.send_reset", "audit.erase"]
EVENT = """
insert into outbox_events (id, type, topic, key, data, traceparent, available_at, dead_at, held)
select gen_random_uuid(), 'users.updated', {topic}, gen_random_uuid(), '{{}}', '', {available_at}, {dead_at}, {held}
  from generate_series(1, {count}) as n
"""
TASK = """
insert into outbox_tasks (task, event_id, data, traceparent, available_at)
select {task}, gen_random_uuid(), '{{}}', '', {available_at} from generate_series(1, {count}) as n
"""
READY = {"topic": "'users'", "available_at": "null", "dead_at": "null", "held": "false", "count": MANY}
DUE_EVENTS = EVENT.format(**READY | {"topic": "'sessions'", "count": DUE})
CLOSED = "insert into outbox_topics (topic, reason, probe_at) values ('users', 'x', now() + interval '1 hour')"
EVENTS_WAITING = {
    "refused": [EVENT.format(**READY | {"available_at": "now() + interval '1 hour'"})],
    "held": [EVENT.format(**READY | {"held": "true"})],
    "dead": [EVENT.format(**READY | {"dead_at": "now()"})],
    "topic closed": [EVENT.format(**READY), CLOSED],
}
LATER = {"task": "'users.send_reset'", "available_at": "now() + interval '1 hour'", "count": MANY}
DUE_TASKS = TASK.format(task="'users.send_reset'", available_at="now()", count=DUE)
TASKS_WAITING = {
    "later": [TASK.format(**LATER)],
    "of a feature that is gone": [
        TASK.format(**LATER | {"task": "'gone.do'", "available_at": "now() - interval '1 h'"})
    ],
}


@pytest.fixture
async def admin(cloned: Settings) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection for long statements."""
    opened = await asyncpg.connect(cloned.database_url)
    yield opened
    await opened.close()


async def prepare(admin: "asyncpg.Connection[asyncpg.Record]", *statements: str) -> None:
    for statement in (*statements, "vacuum analyze"):
        await admin.execute(statement)


def statement_of(query: Any) -> str:
    statement: str = query.bound.statement
    return statement


def read(plan: dict[str, Any]) -> tuple[float, int]:
    """Return the maximum of rows that a node read, including those removed by a filter, and the touched pages."""
    rows = (
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in nodes(plan)
    )
    return max(rows), pages(plan)


@pytest.mark.case(224, 226)
@pytest.mark.parametrize("waiting", EVENTS_WAITING)
async def test_the_relay_reads_no_waiting_event_and_counts_up_to_a_bound(
    admin: "asyncpg.Connection[asyncpg.Record]", waiting: str
) -> None:
    await prepare(admin, *EVENTS_WAITING[waiting], DUE_EVENTS)
    rows, touched = read(await explain(admin, statement_of(events.measure_outbox)))
    assert rows <= MOST_COUNTED + DUE
    assert touched < 2 * MOST_COUNTED
    plan = await explain(admin, statement_of(queries.claim_events), EVENTS_AT_ONCE)
    rows, touched = read(plan)
    assert plan["Actual Rows"] == DUE
    assert rows <= 10 * DUE
    assert touched < 50 * DUE


@pytest.mark.case(224, 226)
@pytest.mark.parametrize("waiting", TASKS_WAITING)
async def test_no_unleasable_task_is_read_and_counting_has_a_bound(
    admin: "asyncpg.Connection[asyncpg.Record]", waiting: str
) -> None:
    await prepare(admin, *TASKS_WAITING[waiting], DUE_TASKS)
    rows, touched = read(await explain(admin, statement_of(events.measure_outbox)))
    assert rows <= MOST_COUNTED + DUE
    assert touched < 2 * MOST_COUNTED
    plan = await explain(admin, statement_of(queries.lease_tasks), NAMES, TASKS_QUEUED, 30.0)
    rows, touched = read(plan)
    assert plan["Actual Rows"] == DUE
    assert rows <= 2 * DUE
    assert touched < 50 * DUE


@pytest.mark.alone
@pytest.mark.case(224)
async def test_the_health_costs_at_most_ten_times_as_much_with_a_backlog(
    admin: "asyncpg.Connection[asyncpg.Record]", live: Context, live_client: httpx.AsyncClient
) -> None:
    """The best of several in the same run, each with its own measurement."""

    async def ask() -> float:
        live.cache.flights.clear()
        began = time.perf_counter()
        assert (await live_client.get("/api/health/full")).status_code == 200
        return time.perf_counter() - began

    await ask()
    empty = min([await ask() for _ in range(10)])
    await prepare(admin, EVENT.format(**READY))
    assert min([await ask() for _ in range(10)]) < 10 * empty
    [backlog] = await events.measure_outbox(live.db)
    assert (backlog.name, backlog.pending) == ("users", MOST_COUNTED)
