"""GET /health, /health/live, /health/ready, /health/full."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.app import create_app
from api.kernel.context import Context, open_context
from api.kernel.data.cache import Cache, open_cache, shared
from api.kernel.data.database import Database, uuid7
from api.kernel.errors import UNAVAILABLE
from api.kernel.identity.auth import Tokens
from api.kernel.outbox.consumers import FRESH_SECONDS, KNOWN_SECONDS, Consumer, report_lag
from api.kernel.outbox.events import record
from api.kernel.outbox.tasks import HEARTBEAT_KEY
from api.kernel.settings import Settings
from api.system.routes import SHARED_SECONDS, measure_parts
from api.users.events import UserRegistered
from tests.conftest import SUBSCRIBERS, client_of
from tests.factories import make_user
from tests.sessions.signing import bearer, login
from tests.transactions import in_transaction
from tests.worker.jobs import add_tasks
from worker.queries import claim_events

PARTS = {"postgresql", "migrations", "redis", "worker", "kafka", "tasks", "schedules", "consumers", "smtp"}


@pytest.fixture
async def alone(nowhere: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a process without any reachable service."""
    app = create_app(nowhere)
    async with open_context(nowhere, SUBSCRIBERS) as context:
        app.state.context = context
        async with client_of(app) as client:
            yield client


@pytest.fixture
async def boss(client: httpx.AsyncClient, context: Context) -> httpx.AsyncClient:
    """The client, signed in as a superuser, with an empty outbox."""
    user = await make_user(context, superuser=True)
    client.headers.update(bearer(await sign_in(client, user.email)))
    await context.db.fetch("delete from outbox_tasks")
    await context.db.fetch("delete from outbox_events")
    return client


async def sign_in(client: httpx.AsyncClient, email: str) -> dict[str, str]:
    pair: dict[str, str] = (await login(client, email)).json()
    return pair


async def full(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/api/health/full")
    assert answer.status_code == 200
    report: dict[str, Any] = answer.json()
    return report


async def test_health_has_the_release(client: httpx.AsyncClient, alone: httpx.AsyncClient) -> None:
    for each in (client, alone):
        answer = await each.get("/api/health")
        assert answer.status_code == 200
        health = answer.json()
        told = datetime.fromisoformat(health.pop("timestamp"))
        assert abs((datetime.now(UTC) - told).total_seconds()) < 5
        assert health == {"status": "ok", "version": "unreleased", "environment": "development"}


async def test_live_checks_no_service(alone: httpx.AsyncClient) -> None:
    answer = await alone.get("/api/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_with_the_current_schema(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_needs_neither_redis_nor_kafka(context: Context, nowhere: Settings) -> None:
    settings = msgspec.structs.replace(nowhere, database_url=context.settings.database_url)
    app = create_app(settings)
    async with open_cache(nowhere) as cache:
        app.state.context = msgspec.structs.replace(context, settings=settings, cache=cache)
        async with client_of(app) as client:
            assert (await client.get("/api/health/ready")).status_code == 200


async def test_not_ready_while_shutting_down(client: httpx.AsyncClient, context: Context) -> None:
    context.draining.set()
    answer = await client.get("/api/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "NOT_READY")
    assert answer.headers["retry-after"] == "1"
    assert (await client.get("/api/health/live")).status_code == 200, "it is live until it has finished"


async def test_not_ready_names_the_missing_migration(client: httpx.AsyncClient, context: Context) -> None:
    await context.db.fetch("delete from _yoyo_migration where migration_id = '0003_sessions'")
    answer = await client.get("/api/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "NOT_READY")
    assert "0003_sessions" in answer.json()["detail"]


async def test_ready_with_a_newer_schema(client: httpx.AsyncClient, context: Context) -> None:
    await context.db.fetch(
        "insert into _yoyo_migration (migration_hash, migration_id, applied_at_utc) values ('x', '9999_later', now())"
    )
    assert (await client.get("/api/health/ready")).status_code == 200, "old code runs during a release"


async def test_not_ready_without_the_database(alone: httpx.AsyncClient) -> None:
    answer = await alone.get("/api/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")


async def test_full_with_everything_up(boss: httpx.AsyncClient, context: Context) -> None:
    await context.cache.set(HEARTBEAT_KEY, b"x", 3)
    report = await full(boss)
    assert report["status"] == "ok"
    assert set(report["checks"]) == PARTS
    assert set(report["checks"].values()) == {"up"}
    assert set(report["outbox"].values()) == {0}


async def test_full_has_the_backlog_of_the_outbox(boss: httpx.AsyncClient, context: Context) -> None:
    await context.cache.set(HEARTBEAT_KEY, b"x", 3)
    for email in ("ada@example.com", "bob@example.com", "eve@example.com"):
        body = {"email": email, "password": "correct horse battery staple"}
        assert (await boss.post("/api/auth/register", json=body)).status_code == 201
    where = "where seq = (select max(seq) from {0})"
    for table in ("outbox_events", "outbox_tasks"):
        await context.db.fetch(f"update {table} set dead_at = now() {where.format(table)}")
        await context.db.fetch(f"update {table} set created_at = now() - interval '1 hour' where dead_at is null")
    await context.db.fetch(
        "update outbox_events set published_at = now() where seq = (select min(seq) from outbox_events)"
    )
    report = await full(boss)
    assert (report["status"], report["checks"]["kafka"]) == ("degraded", "down")
    outbox = report["outbox"]
    assert (outbox["events_pending"], outbox["events_dead"]) == (1, 1)
    assert (outbox["tasks_pending"], outbox["tasks_dead"]) == (2, 1)
    assert outbox["events_oldest_seconds"] == pytest.approx(3600, abs=60)
    assert outbox["tasks_oldest_seconds"] == pytest.approx(3600, abs=60)


async def test_full_is_degraded_while_there_are_dead_letters(boss: httpx.AsyncClient, context: Context) -> None:
    await context.cache.set(HEARTBEAT_KEY, b"x", 3)
    await add_tasks(context.db)
    await context.db.fetch("update outbox_tasks set dead_at = now()")
    report = await full(boss)
    assert (report["status"], set(report["checks"].values())) == ("degraded", {"up"})
    assert report["outbox"]["tasks_dead"] == 1


async def test_full_reports_stuck_tasks(boss: httpx.AsyncClient, context: Context) -> None:
    await context.cache.set(HEARTBEAT_KEY, b"x", 3)
    await add_tasks(context.db)
    await context.db.fetch("update outbox_tasks set created_at = now() - interval '6 minutes'")
    report = await full(boss)
    assert (report["status"], report["checks"]["tasks"], report["checks"]["kafka"]) == ("degraded", "down", "up")


async def test_an_event_behind_a_dead_letter_is_not_an_outage_of_kafka(
    boss: httpx.AsyncClient, context: Context
) -> None:
    user_id = uuid7()
    for _ in range(2):
        await in_transaction(
            context.db, record, UserRegistered(user_id=user_id, email="ada@example.com", language="en")
        )
    await context.db.fetch("update outbox_events set created_at = now() - interval '1 hour'")
    await context.db.fetch("update outbox_events set dead_at = now() where seq = (select min(seq) from outbox_events)")
    await in_transaction(context.db, claim_events, 10)
    await context.cache.set(HEARTBEAT_KEY, b"x", 3)
    report = await full(boss)
    assert (report["status"], report["checks"]["kafka"]) == ("degraded", "up")
    assert (report["outbox"]["events_held"], report["outbox"]["events_oldest_seconds"]) == (1, 0)


async def test_full_has_the_lag_of_consumers(
    boss: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C-222: for partitions of several workers, for a missing topic, and for one whose worker has ended."""
    fine, missing, left = (Consumer(name, (), consume_nothing, f"group of {name}") for name in ("a", "b", "c"))
    await told_ago(context.cache, left, {0: 0, 1: 0}, FRESH_SECONDS + 1, monkeypatch)
    await told_ago(context.cache, Consumer("old", (), consume_nothing, "g"), {0: 0}, KNOWN_SECONDS + 1, monkeypatch)
    for consumer, counted in ((fine, {0: 3}), (fine, {1: 4}), (fine, {}), (missing, {}), (left, {1: 0})):
        await report_lag(context.cache, consumer, counted)
    await report_lag(context.cache, fine, {1: 2})
    await context.cache.set(HEARTBEAT_KEY, b"x", 3)
    report = await full(boss)
    assert report["consumers"] == [
        {"topic": "a", "group": "group of a", "messages": 5},
        {"topic": "b", "group": "group of b", "messages": None},
        {"topic": "c", "group": "group of c", "messages": None},
    ]
    assert (report["status"], report["checks"]["consumers"]) == ("degraded", "unread: b, c")


async def consume_nothing(context: Context, db: Database, message: object) -> None: ...


async def told_ago(
    cache: Cache, consumer: Consumer, counted: dict[int, int], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = time.time() - seconds
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: then)
        await report_lag(cache, consumer, counted)


async def test_full_names_missing_migrations(boss: httpx.AsyncClient, context: Context) -> None:
    await context.db.fetch("delete from _yoyo_migration where migration_id = '0003_sessions'")
    report = await full(boss)
    assert (report["status"], report["checks"]["migrations"], report["checks"]["postgresql"]) == (
        "degraded",
        "down",
        "up",
    )


async def test_full_answers_without_any_service(alone: httpx.AsyncClient, nowhere: Settings) -> None:
    """C-170: 200, also if a token cannot be looked up; `make status` shows the parts."""
    token = Tokens(nowhere).issue(sub=uuid7(), sid=uuid7(), jti=uuid7(), email="a@b.cd", name=None, roles=())
    for headers in ({}, {"authorization": f"Bearer {token}"}):
        answer = await alone.get("/api/health/full", headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    async with open_context(nowhere, SUBSCRIBERS) as context:
        parts = await measure_parts(context)
    assert parts.checks == dict.fromkeys(PARTS, "unknown") | {"postgresql": "down", "redis": "down"}
    assert (parts.outbox, parts.consumers) == (None, None)


@pytest.mark.parametrize("who", ["nobody", "somebody"])
async def test_other_callers_see_only_the_status(client: httpx.AsyncClient, context: Context, who: str) -> None:
    """C-170."""
    if who == "somebody":
        user = await make_user(context)
        client.headers.update(bearer(await sign_in(client, user.email)))
    assert set(await full(client)) == {"status", "timestamp", "version", "environment"}


@pytest.mark.parametrize("path", ["full", "ready"])
async def test_services_are_checked_once_a_second_for_all_callers(
    client: httpx.AsyncClient, context: Context, path: str, spans: InMemorySpanExporter
) -> None:
    """C-170."""
    answers = await asyncio.gather(*(client.get(f"/api/health/{path}") for _ in range(100)))
    answers += [await client.get(f"/api/health/{path}") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json().get("timestamp") for answer in answers}) == 1
    asked = [span.name for span in spans.get_finished_spans()]
    assert asked.count("system.list_applied_migrations") == 1


async def test_a_failure_is_not_kept(client: httpx.AsyncClient, context: Context) -> None:
    """C-170: ready again as soon as PostgreSQL answers."""
    asked = 0

    async def fails_once(context: Context) -> str:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise UNAVAILABLE
        return "up"

    three = (shared(context, SHARED_SECONDS, fails_once) for _ in range(3))
    answers = await asyncio.gather(*three, return_exceptions=True)
    assert {type(answer) for answer in answers} == {UNAVAILABLE}
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [await shared(context, SHARED_SECONDS, fails_once) for _ in range(3)] == ["up"] * 3
    assert asked == 2


@pytest.mark.parametrize("path", ["", "/live", "/ready", "/full"])
async def test_supervisors_are_not_limited_and_answers_not_stored(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/api/health{path}")
    assert answer.headers["cache-control"] == "no-store"
    assert "x-ratelimit-limit" not in answer.headers
