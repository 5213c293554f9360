"""@task: a row is leased, run, and removed; a failure is retried later, and too many make a dead letter."""

import asyncio

import msgspec
import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.kernel.context import Context, open_context
from api.kernel.data.database import uuid7
from api.kernel.errors import UNAVAILABLE
from api.kernel.mail import MailRefused
from api.kernel.outbox import tasks as module
from api.kernel.outbox.tasks import (
    LEASE_SECONDS,
    MAX_ATTEMPTS,
    RUN_SECONDS,
    back_off,
    subscribers,
)
from api.kernel.settings import Settings
from tests.kernel.signals import points
from tests.kernel.work import CANARY, Work, leased, row_of
from worker.queries import lease_tasks


async def test_a_finished_task_is_removed(things: Context, work: Work, spans: InMemorySpanExporter) -> None:
    id = await leased(things)
    await work.task.run(things, id, 1)
    [(event, told)] = work.seen
    assert (event.name, told) == (CANARY, id)
    assert await row_of(things.db, id) is None
    [done] = [each for each in spans.get_finished_spans() if each.name == "things.count"]
    assert done.status.is_unset


async def test_a_failure_is_stored_by_its_kind_and_retried_later(
    things: Context, work: Work, caplog: pytest.LogCaptureFixture, metrics: InMemoryMetricReader
) -> None:
    work.failure = ValueError(CANARY)
    id = await leased(things)
    await work.task.run(things, id, 1)
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["attempts"], row["last_error"], row["locked"], row["dead"]) == (1, "ValueError", False, False)
    assert 1 < row["wait"] <= 2
    assert await lease_tasks(things.db, ["things.count"], 1, LEASE_SECONDS) == [], "not before it is due"
    [logged] = [each for each in caplog.records if each.name == "api.kernel.outbox.tasks"]
    assert CANARY not in str(logged.fields)  # type: ignore[attr-defined]
    outcomes = {tuple(point.attributes.values()) for point in points(metrics, "task.duration")}
    assert ("things.count", "failed") in outcomes


async def test_the_last_attempt_leaves_a_dead_letter(things: Context, work: Work) -> None:
    work.failure = ValueError()
    id = await leased(things)
    for attempt in (MAX_ATTEMPTS - 1, MAX_ATTEMPTS):
        await things.db.fetch("update outbox_tasks set attempts = $1, locked_until = now() + interval '1 min'", attempt)
        row = await row_of(things.db, id)
        assert row is not None
        assert not row["dead"]
        await work.task.run(things, id, 1)
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["dead"], row["attempts"], row["last_error"]) == (True, MAX_ATTEMPTS, "ValueError")
    await things.db.fetch("update outbox_tasks set available_at = now() - interval '1 day'")
    assert await lease_tasks(things.db, ["things.count"], 1, LEASE_SECONDS) == [], "the row waits for an operator"


async def test_a_permanently_refused_mail_is_dead_at_once(things: Context, work: Work) -> None:
    work.failure = MailRefused("smtp 550")
    id = await leased(things)
    await work.task.run(things, id, 1)
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["dead"], row["last_error"]) == (True, "MailRefused: smtp 550")


async def test_an_undecodable_event_is_dead_at_once_and_never_run(things: Context, work: Work) -> None:
    id = await leased(things)
    await things.db.fetch("""update outbox_tasks set data = '{"type": "things.made"}'""")
    await work.task.run(things, id, 1)
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["dead"], row["last_error"], work.seen) == (True, "ValidationError", [])


async def test_a_task_that_hangs_is_cancelled_before_its_lease_ends(
    things: Context, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert RUN_SECONDS < LEASE_SECONDS
    monkeypatch.setattr(module, "RUN_SECONDS", 0.05)
    work.wait_for = asyncio.Event()
    id = await leased(things)
    await work.task.run(things, id, 1)
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["last_error"], row["locked"]) == ("TimeoutError", False)


@pytest.mark.parametrize("end", ["done", "failed", "cancelled"])
async def test_an_outage_at_the_end_lets_the_lease_expire(
    things: Context, work: Work, nowhere: Settings, end: str
) -> None:
    work.wait_for = asyncio.Event()
    work.failure = ValueError(CANARY) if end == "failed" else None
    id = await leased(things)
    async with open_context(nowhere, {}) as broken:
        pool = things.db._pool
        running = asyncio.create_task(work.task.run(things, id, 1))
        await work.entered.wait()
        things.db._pool = broken.db._pool
        try:
            if end == "cancelled":
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running
            else:
                work.wait_for.set()
                await running
        finally:
            things.db._pool = pool
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["attempts"], row["locked"], row["last_error"]) == (1, True, None)


async def test_an_outage_at_the_start_is_raised_to_the_queue(nowhere: Settings, work: Work) -> None:
    async with open_context(nowhere, {}) as broken:
        with pytest.raises(UNAVAILABLE):
            await work.task.run(broken, uuid7(), 1)
    assert work.seen == []


async def test_a_handlers_own_decoding_error_is_final_too(things: Context, work: Work) -> None:
    work.failure = msgspec.DecodeError("truncated")
    id = await leased(things)
    await work.task.run(things, id, 1)
    row = await row_of(things.db, id)
    assert row is not None
    assert row["dead"]


def test_the_delay_grows_up_to_an_hour() -> None:
    waits = [back_off(attempt) for attempt in range(1, 20)]
    assert waits == sorted(waits)
    assert (waits[0], waits[1], waits[-1]) == (2.0, 4.0, 3600.0)
    assert sum(back_off(attempt) for attempt in range(1, MAX_ATTEMPTS)) > 15 * 60, (
        "longer than the outage of a mail server"
    )


def test_tasks_are_found_by_their_trigger(work: Work) -> None:
    other = Work().task
    other.name = "things.mail"
    assert (work.task.name, work.task.event_types) == ("things.count", ["things.made"])
    assert subscribers([work.task, other]) == {"things.made": ("things.count", "things.mail")}
