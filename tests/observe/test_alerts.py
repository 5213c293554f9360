"""C-242: each alert of docs/observe/alerts.yaml is silent before its cause and fires after it."""

import asyncio
import logging
import os
import re
import resource
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from api.app import create_app
from api.kernel import gauges
from api.kernel.context import Context, open_context
from api.kernel.data.database import uuid7
from api.kernel.errors import UNAVAILABLE, VALIDATION_FAILED
from api.kernel.feature import Sweep
from api.kernel.outbox.events import record
from api.kernel.settings import Settings
from api.kernel.telemetry.logs import JsonFormatter, Writer
from api.system.measuring import REPORTER_KEY, measure
from api.users.events import UserRegistered
from tests.conftest import SUBSCRIBERS, client_of
from tests.factories import PASSWORD
from tests.observe.promtool import RULES, needs_promtool
from tests.transactions import Another, in_transaction
from worker.relay import Relay

pytestmark = needs_promtool
Alarm = Callable[..., tuple[bool, bool]]
Scrape = Callable[[], str]
FIRES = (False, True)
"""Not before the cause, but after it."""


async def announce(context: Context) -> None:
    await in_transaction(context.db, record, UserRegistered(user_id=uuid7(), email="ada@example.com", language="en"))


async def test_server_errors(scrape: Scrape, alarm: Alarm, nowhere: Settings) -> None:
    before = scrape()
    async with open_context(nowhere, SUBSCRIBERS) as context:
        app = create_app(nowhere)
        app.state.context = context
        async with client_of(app) as client:
            answer = await client.post("/api/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 503
    assert alarm("ServerErrors", before) == FIRES


async def test_slow_requests(scrape: Scrape, alarm: Alarm, live: Context, live_client: httpx.AsyncClient) -> None:
    """Requests wait for a row locked by another transaction."""
    before = scrape()
    body = {"email": "ada@example.com", "password": PASSWORD}
    async with Another(live.db).transaction() as db:
        await db.fetch("lock table users in exclusive mode")
        answer = await live_client.post("/api/auth/register", json=body)
    assert answer.status_code == 503
    assert alarm("SlowRequests", before) == FIRES


async def test_pool_exhausted(scrape: Scrape, alarm: Alarm, live: Context) -> None:
    before = scrape()
    async with AsyncExitStack() as stack:
        for _ in range(live.db.most_connections()):
            await stack.enter_async_context(Another(live.db).transaction())
        late = asyncio.create_task(live.db.fetch("select 1"))
        await asyncio.sleep(0)
        assert alarm("PoolExhausted", before) == FIRES
    await asyncio.gather(late, return_exceptions=True)
    assert live.db.waiting == 0


async def test_hashing_refused(scrape: Scrape, alarm: Alarm, live: Context) -> None:
    before = scrape()
    hashing = [asyncio.create_task(live.passwords.hash(PASSWORD)) for _ in range(34)]
    await asyncio.sleep(0)
    running, waiting = live.passwords.queue()
    assert f'hashing_passwords{{hashing_state="waiting"}} {waiting}' in scrape()
    assert running + waiting == 32
    assert alarm("HashingRefused", before, again=False) == FIRES
    done = await asyncio.gather(*hashing, return_exceptions=True)
    assert sum(isinstance(each, UNAVAILABLE) for each in done) == 2


async def test_event_loop_late(scrape: Scrape, alarm: Alarm, live: Context) -> None:
    before = scrape()
    time.sleep(2 * gauges.LAG_SECONDS)  # noqa: ASYNC251  # this is what is measured

    def measured() -> int:
        found = re.search(r"event_loop_lag_seconds_count (\d+)", scrape())
        return int(found[1]) if found else 0

    last = measured()
    async with asyncio.timeout(60):
        while measured() == last:  # noqa: ASYNC110  # metrics have no event
            await asyncio.sleep(0)
    assert alarm("EventLoopLate", before) == FIRES


async def test_descriptors_run_out(scrape: Scrape, alarm: Alarm, live: Context) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = scrape()
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 2, hard))
    try:
        after = scrape()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert alarm("DescriptorsRunOut", before, after=after) == FIRES


async def test_outbox_unmeasured(scrape: Scrape, alarm: Alarm, live: Context) -> None:
    """One of several workers reports; after its end another must."""
    await measure(live)
    before = scrape()
    await live.cache.execute("SET", REPORTER_KEY, "another worker")
    await measure(live)
    assert "outbox_pending{" not in scrape()
    assert alarm("OutboxUnmeasured", before) == FIRES
    await live.cache.delete(REPORTER_KEY)
    await measure(live)
    assert "outbox_pending{" in scrape(), "this worker takes over"


@pytest.mark.parametrize(
    ("alert", "change"),
    [
        ("EventsLate", "update outbox_events set created_at = now() - interval '1 minute'"),
        ("TasksLate", "update outbox_tasks set created_at = now() - interval '1 hour'"),
        ("DeadLetters", "update outbox_tasks set dead_at = now()"),
    ],
)
async def test_outbox(scrape: Scrape, alarm: Alarm, live: Context, alert: str, change: str) -> None:
    await measure(live)
    before = scrape()
    await announce(live)
    await live.db.fetch(change)
    await measure(live)
    assert alarm(alert, before) == FIRES


async def test_audit_unsealed(scrape: Scrape, alarm: Alarm, live: Context) -> None:
    await measure(live)
    before = scrape()
    await announce(live)
    await live.db.fetch("update audit_entries set created_at = now() - interval '5 minutes'")
    await measure(live)
    assert "audit_unsealed 1" in scrape().splitlines()
    assert alarm("AuditUnsealed", before) == FIRES


async def test_sweep_stopped(scrape: Scrape, alarm: Alarm, relay: Relay) -> None:
    async def sweep_dust(context: Context) -> int:
        return 3

    async def fail(context: Context) -> int:
        raise UNAVAILABLE

    await relay._sweeper.run(Sweep(sweep_dust))
    before = scrape()
    assert 'sweep_rows_total{sweep="sweep_dust"}' in before
    fail.__name__ = sweep_dust.__name__
    with pytest.raises(UNAVAILABLE):
        await relay._sweeper.run(Sweep(fail))
    assert alarm("SweepStopped", before) == FIRES


async def test_log_lines_dropped(scrape: Scrape, alarm: Alarm) -> None:
    before = scrape()
    reading, writing = os.pipe()
    os.close(reading)
    writer = Writer(JsonFormatter("web"), writing)
    writer.handle(logging.makeLogRecord({"name": "test", "levelno": logging.INFO, "msg": "unread"}))
    writer.close()
    os.close(writing)
    assert alarm("LogLinesDropped", before, again=False) == FIRES


async def test_values_refused(scrape: Scrape, alarm: Alarm, live: Context) -> None:
    before = scrape()
    with pytest.raises(VALIDATION_FAILED):
        await live.db.fetch("select $1::text", "\0")
    assert alarm("ValuesRefused", before, again=False) == FIRES


def test_every_alert_has_a_test_and_a_page() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
    tests = "".join(file.read_text() for file in sorted(RULES.parents[2].glob("tests/observe/test_*.py")))
    page = (RULES.parents[1] / "runbook.md").read_text()
    assert len(alerts) == len(set(alerts))
    for alert in alerts:
        assert f'("{alert}"' in tests, alert
        assert f"\n## {alert}\n" in page, alert
        assert f"runbook: docs/runbook.md#{alert.lower()}" in RULES.read_text(), alert
