"""The cost of health checks: one shared measurement, and the answer when it takes too long."""

import asyncio

import httpx
import pytest

import api.kernel.outbox.backlog
from api.kernel.context import Context
from api.kernel.errors import UNAVAILABLE
from api.kernel.outbox.backlog import MOST_COUNTED, Waiting, measure_waiting
from api.system.__main__ import look, table
from tests.factories import make_user
from tests.transactions import Another
from tests.users.people import sign_in
from tests.worker.jobs import add_tasks


@pytest.fixture
async def operator(live_client: httpx.AsyncClient, live: Context) -> httpx.AsyncClient:
    root = await make_user(live, "root@example.com", superuser=True)
    live_client.headers.update(await sign_in(live_client, root.email))
    return live_client


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Context]:
    """Return the recorded measurements of the outbox."""
    made: list[Context] = []
    measure = api.kernel.outbox.backlog.measure_now

    async def count(context: Context) -> Waiting:
        made.append(context)
        return await measure(context)

    monkeypatch.setattr(api.kernel.outbox.backlog, "measure_now", count)
    return made


@pytest.mark.case(224)
async def test_many_callers_share_one_measurement(operator: httpx.AsyncClient, measured: list[Context]) -> None:
    paths = ["/api/health/full", "/api/operations/outbox"] * 10
    answers = await asyncio.gather(*(operator.get(path) for path in paths))
    assert {answer.status_code for answer in answers} == {200}
    assert len(measured) == 1


@pytest.mark.case(224)
async def test_a_measurement_is_repeated_after_some_seconds(
    live: Context, measured: list[Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.kernel.outbox.backlog, "KEPT_SECONDS", 0.05)
    await measure_waiting(live)
    async with asyncio.timeout(60):
        while live.cache.flights:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.01)
    await measure_waiting(live)
    assert len(measured) == 2


@pytest.mark.case(224)
async def test_a_failure_reaches_all_waiting_callers_and_is_not_kept(
    live: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(context: Context) -> Waiting:
        raise UNAVAILABLE

    with monkeypatch.context() as patch:
        patch.setattr(api.kernel.outbox.backlog, "measure_now", fail)
        both = await asyncio.gather(measure_waiting(live), measure_waiting(live), return_exceptions=True)
    assert [type(each) for each in both] == [UNAVAILABLE, UNAVAILABLE]
    async with asyncio.timeout(60):
        while live.cache.flights:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert (await measure_waiting(live)).backlogs == []


@pytest.mark.case(224)
async def test_a_bounded_count_is_marked(live: Context) -> None:
    await add_tasks(live.db, count=MOST_COUNTED + 1)
    shown = table(*await look(live.settings))
    assert "10,000 or more" in shown
    assert str(MOST_COUNTED + 1) not in shown


@pytest.mark.case(225)
async def test_postgresql_is_busy_and_not_down_when_measuring_takes_too_long(
    operator: httpx.AsyncClient, live: Context
) -> None:
    """C-225: it waits for a lock, and is cancelled after two seconds."""
    async with Another(live.db).transaction() as db:
        await db.fetch("lock table inbox_dead in access exclusive mode")
        report = (await operator.get("/api/health/full")).json()
        ready = await operator.get("/api/health/ready")
    assert report["status"] == "degraded"
    assert {name: report["checks"][name] for name in ("postgresql", "migrations", "kafka", "tasks")} == {
        "postgresql": "busy",
        "migrations": "up",
        "kafka": "unknown",
        "tasks": "unknown",
    }
    assert report["outbox"] is None
    assert ready.status_code == 200
