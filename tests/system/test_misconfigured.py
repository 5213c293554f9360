"""C-215: the status of a wrong setting, visible to operators only."""

from urllib.parse import urlsplit

import httpx
import msgspec

from api.app import create_app
from api.kernel.context import Context, open_context
from api.kernel.data.database import Database, uuid7
from api.kernel.outbox.consumers import Consumer, report_lag
from api.kernel.outbox.events import record
from api.kernel.outbox.tasks import HEARTBEAT_KEY
from api.kernel.settings import Settings
from api.system.__main__ import table
from api.system.faults import MENDS, faults
from api.system.routes import measure_parts
from api.users.events import UserRegistered
from tests.conftest import client_of
from tests.transactions import in_transaction
from tests.worker.jobs import add_tasks


async def test_a_wrong_setting_is_named_for_operators_and_an_outage_for_clients(settings: Settings) -> None:
    url = urlsplit(settings.database_url)
    wrong = msgspec.structs.replace(
        settings,
        database_url=url._replace(netloc=f"{url.username}:wrong@{url.hostname}:{url.port}").geturl(),
        redis_url=f"redis://{urlsplit(settings.redis_url).netloc}/9999",
    )
    async with open_context(wrong, {}) as context:
        health = await measure_parts(context)
        assert health.checks
        assert health.checks["postgresql"].startswith("misconfigured: PostgreSQL refuses this role, password")
        assert health.checks["redis"] == "misconfigured: there is no such database: check the number in REDIS_URL"
        assert health.status == "degraded"
        assert "check DATABASE_URL" in table(health, [])
        app = create_app(wrong)
        app.state.context = context
        async with client_of(app) as client:
            answer: httpx.Response = await client.get("/api/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert "DATABASE_URL" not in answer.text


async def test_without_a_worker_a_backlog_does_not_blame_kafka_or_mail(context: Context) -> None:
    """C-332."""
    await in_transaction(context.db, record, UserRegistered(user_id=uuid7(), email="ada@example.com", language="en"))
    await add_tasks(context.db)
    for table_name in ("outbox_events", "outbox_tasks"):
        await context.db.fetch(f"update {table_name} set created_at = now() - interval '1 hour'")
    health = await measure_parts(context)
    checks = health.checks or {}
    assert (health.status, checks["worker"], checks["redis"]) == ("degraded", "down", "up")
    assert {checks[part] for part in ("kafka", "tasks", "consumers")} == {"unknown"}
    assert [(fault.what, fault.mend) for fault in faults(health, [], [])] == [("worker is down", "python -m worker")]


async def test_consumers_without_messages_are_reported_with_the_remedy(context: Context) -> None:
    """C-332."""
    await context.cache.set(HEARTBEAT_KEY, b"x", 3)
    await report_lag(context.cache, Consumer("shipments", (), consume_nothing, "group"), {})
    found = faults(await measure_parts(context), [], [])
    assert [(fault.what, fault.mend) for fault in found] == [("consumers unread: shipments", MENDS["consumers"])]


async def consume_nothing(context: Context, db: Database, message: object) -> None: ...
