"""Observability without the API: metrics, and `python -m api.system`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.outbox.consumers import report_lag
from api.kernel.outbox.events import record
from api.kernel.settings import Settings
from api.system.measuring import measure
from api.users.commands import consumers
from api.users.events import UserRegistered
from tests.commands import at_terminal
from tests.transactions import in_transaction
from tests.worker.jobs import add_tasks


async def announce(context: Context) -> None:
    await in_transaction(context.db, record, UserRegistered(user_id=uuid7(), email="ada@example.com", language="en"))


def gauges(reader: InMemoryMetricReader) -> dict[tuple[str, str], float]:
    data = reader.get_metrics_data()
    assert data is not None
    return {
        (metric.name, str((point.attributes or {})["destination"])): point.value  # type: ignore[union-attr]
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name.startswith("outbox.") and metric.name != "outbox.relayed"
        for point in metric.data.data_points
    }


async def test_the_outbox_is_in_the_metrics(context: Context, metrics: InMemoryMetricReader) -> None:
    for _ in range(3):
        await announce(context)
    await context.db.fetch("delete from outbox_tasks")
    await add_tasks(context.db, count=2)
    await context.db.fetch("update outbox_events set created_at = now() - interval '1 minute'")
    await context.db.fetch("update outbox_events set dead_at = now() where seq = (select min(seq) from outbox_events)")
    assert await measure(context) == 0
    told = gauges(metrics)
    assert 59 < told.pop(("outbox.oldest", "kafka")) < 70
    assert 0 <= told.pop(("outbox.oldest", "tasks")) < 10
    assert told == {
        ("outbox.pending", "kafka"): 2,
        ("outbox.pending", "tasks"): 2,
        ("outbox.dead", "kafka"): 1,
        ("outbox.dead", "tasks"): 0,
        ("outbox.dead", "messages"): 0,
        ("outbox.held", "kafka"): 0,
    }


def status(environment: dict[str, str], root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.system"]
    environ = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=100)


async def test_the_command_prints_a_table(
    live: Context, cloned: Settings, environment: dict[str, str], root: Path
) -> None:
    async with live.db.transaction() as db:
        await record(db, UserRegistered(user_id=uuid7(), email="ada@example.com", language="en"))
    await live.db.fetch("update outbox_tasks set dead_at = now()")
    [consumer] = consumers
    await report_lag(live.cache, consumer, {0: 7})
    shown = status(environment | {"DATABASE_URL": cloned.database_url}, root)
    assert (shown.returncode, shown.stderr) == (1, "")
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[0] == ["degraded,", "unreleased,", "development"]
    assert ["worker", "down"] in lines
    assert ["pending", "oldest", "held", "dead"] in lines
    assert ["kafka", "users", "1"] in [line[:3] for line in lines]
    assert ["consumer", "users.commands", "7"] in lines
    assert ["tasks", "users.send_verification", "0", "1"] in lines


def test_the_command_shows_what_is_down(environment: dict[str, str], root: Path) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere", "REDIS_URL": "redis://127.0.0.1:1"}
    shown = status(environment | nowhere, root)
    assert (shown.returncode, shown.stderr) == (1, "")
    assert ["postgresql", "down"] in [line.split() for line in shown.stdout.splitlines()]
    assert "unknown" not in shown.stdout.partition("postgresql  ")[0], "consequences of another fault are not faults"


@pytest.mark.case(235)
async def test_faults_come_first_with_their_remedies(
    live: Context, cloned: Settings, environment: dict[str, str], root: Path
) -> None:
    await live.db.fetch("delete from _yoyo_migration where migration_id = '0001_outbox'")
    await add_tasks(live.db, "users.send_reset")
    await live.db.fetch("update outbox_tasks set dead_at = now()")
    await add_tasks(live.db, "shop.send_bill")
    shown = status(environment | {"DATABASE_URL": cloned.database_url}, root)
    assert (shown.returncode, shown.stderr) == (1, "")
    lines = [line.strip() for line in shown.stdout.splitlines()]
    mended = dict(zip(lines[2::2], lines[3::2], strict=False))
    assert mended["migrations is down"] == "python -m migrations"
    assert mended["worker is down"] == "python -m worker"
    assert mended["1 dead letter(s) of tasks users.send_reset"] == "python -m api.operations dead-letters list"
    assert mended["1 task(s) shop.send_bill: pending, no such task"] == "python -m api.operations orphans list"
    assert lines.index("migrations is down") < lines.index("postgresql  up")
    assert "\x1b" not in shown.stdout, "no colours in a pipe"


@pytest.mark.case(235)
async def test_a_terminal_gets_colours(cloned: Settings, environment: dict[str, str]) -> None:
    own = environment | {"DATABASE_URL": cloned.database_url, "PATH": os.environ["PATH"], "TERM": "xterm"}
    code, shown = await at_terminal(own, "api.system")
    assert (code, "\x1b[31mworker is down\x1b[0m" in shown) == (1, True)
    assert "postgresql  \x1b[32mup\x1b[0m" in shown
    for plain in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        code, shown = await at_terminal(own | plain, "api.system")
        assert (code, "worker is down" in shown, "\x1b" in shown) == (1, True, False)
