"""Quotas by the calendar are exact, however calls, processes and PostgreSQL interleave."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.features import FEATURES
from api.kernel import QUOTA_EXCEEDED, UNAUTHORIZED, UNAVAILABLE
from api.kernel.context import Context, open_context
from api.kernel.data.database import uuid7
from api.kernel.feature import everywhere
from api.kernel.settings import Settings
from api.plans import counting, queries
from api.plans.counting import Meter, block_size
from api.plans.quotas import meter_of
from api.plans.types import QuotaPeriod
from tests.conftest import SUBSCRIBERS
from tests.factories import make_user
from tests.plans.metering import Fleet, at_once, counter, own_clock, set_clock
from tests.proxy import Proxy

PROCESSES = 3
HOUR = timedelta(hours=1)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "take", "second", "fail", "quota", "stop"]),
        st.integers(0, PROCESSES - 1),
        st.integers(1, 60),
    ),
    max_size=40,
)


@given(st.integers(1, 10**12))
def test_a_block_is_a_small_part_of_the_quota(quota: int) -> None:
    size = block_size(quota)
    assert 1 <= size <= 250
    assert size == 1 or size * 50 <= quota


@pytest.mark.case(364)
@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(quota=st.sampled_from([1, 2, 7, 60, 137, 900]), steps=STEPS)
async def test_exactly_the_quota_is_let_in(context: Context, quota: int, steps: list[tuple[str, int, int]]) -> None:
    """C-364: never more, in whatever order processes call, settle, stop, and take calls back that the server failed;
    and in the end not less."""
    fleet = Fleet(context.db, counter((await make_user(context)).id), PROCESSES)
    current = quota
    for what, process, number in steps:
        meter = fleet.meters[process]
        if what == "take":
            for _ in range(number):
                await fleet.take(process, current)
        elif what == "second":
            await fleet.second()
        elif what == "fail":
            try:
                call = await meter.take(context.db, fleet.key, current)
            except QUOTA_EXCEEDED:
                continue
            call.give_back()
        elif what == "quota":
            current = max(1, quota * number // 60)  # lowered, and raised again
        else:
            await meter.settle(context.db, everything=True)
            fleet.meters[process] = Meter()
        assert fleet.allowed <= quota
        used, held = await fleet.stored()
        assert used + held <= quota
    await fleet.drain(0, quota)
    await fleet.second()
    assert fleet.allowed == quota
    assert await fleet.stored() == (quota, 0)


@pytest.mark.case(364)
async def test_concurrent_calls_of_several_processes(live: Context) -> None:
    """C-364: 20 × 10 at once, over connections of their own."""
    fleet = Fleet(live.db, counter((await make_user(live)).id), processes=10)
    await at_once(fleet, 137, 20)
    await fleet.drain(0, 137)
    assert fleet.allowed == 137


@pytest.mark.case(366)
async def test_a_process_that_is_killed_loses_at_most_a_block(live: Context) -> None:
    """C-366: and never lets in more."""
    fleet = Fleet(live.db, counter((await make_user(live)).id))
    for process in (0, 1, 2, 1, 2):
        assert await fleet.take(process, 1000)
        fleet.meters[process] = Meter()  # killed: its block is lost
    await fleet.drain(0, 1000)
    assert 1000 - 5 * block_size(1000) <= fleet.allowed < 1000
    used, held = await fleet.stored()
    assert used + held == 1000


async def test_few_calls_need_a_statement(
    context: Context, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Less than 1 % of 10,000."""
    fleet = Fleet(context.db, counter((await make_user(context)).id), 1)
    monkeypatch.setattr(counting, "MARGIN_SECONDS", 0.0)  # not in the last second of the month
    spans.clear()
    for _ in range(10_000):
        assert await fleet.take(0, 10_000)
    assert not await fleet.take(0, 10_000)
    assert len([span for span in spans.get_finished_spans() if span.name.startswith("plans.")]) < 100


@pytest.mark.case(374)
async def test_blocks_that_are_not_used_are_given_back(live: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """C-374: after a while, and when a process stops."""
    fleet = Fleet(live.db, counter((await make_user(live)).id))
    for process in range(3):
        assert await fleet.take(process, 1000)
    assert (await fleet.stored())[1] == 60
    monkeypatch.setattr(counting, "IDLE_SECONDS", -1.0)
    await fleet.meters[0].settle(live.db)
    monkeypatch.undo()
    assert await fleet.stored() == (1, 40)
    for meter in fleet.meters:
        await meter.settle(live.db, everything=True)
    assert await fleet.stored() == (3, 0)


@pytest.mark.case(374)
async def test_the_end_of_a_process_gives_its_blocks_back(cloned: Settings) -> None:
    """C-374."""
    async with open_context(cloned, SUBSCRIBERS) as opened:
        key = counter((await make_user(opened)).id)
        fleet = Fleet(opened.db, key)
        async with everywhere(opened, FEATURES):
            await meter_of(opened).take(opened.db, key, 1000)
        assert await fleet.stored() == (1, 0)


@pytest.mark.case(367)
async def test_postgresql_fails_while_calls_are_counted(cloned: Settings) -> None:
    """C-367: a call that needs a reservation gets 503, calls of a block are let in, and the total stays exact, except
    for what was lost with an answer."""
    parts = urlsplit(cloned.database_url)
    async with Proxy((parts.hostname or "127.0.0.1", parts.port or 5432)) as proxy:
        url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}").geturl()
        settings = msgspec.structs.replace(cloned, database_url=url)
        async with open_context(settings, SUBSCRIBERS) as context:
            fleet = Fleet(context.db, counter((await make_user(context)).id), 2)
            assert await fleet.take(0, 1000)
            proxy.down()
            for _ in range(19):
                assert await fleet.take(0, 1000)
            for process in (0, 1):
                with pytest.raises(UNAVAILABLE):
                    await fleet.take(process, 1000)
            with pytest.raises(UNAVAILABLE):
                await fleet.meters[0].settle(context.db)
            await proxy.up()
            for cut in (0, 1, 40, 200):  # the statement is lost, or is done and its answer is lost
                proxy.cut_at, proxy.cut_after = b"reserve_calls", cut
                with pytest.raises(UNAVAILABLE):
                    await fleet.drain(1, 1000)
                proxy.cut_after = None
            await fleet.second()
            await fleet.drain(0, 1000)
            await fleet.drain(1, 1000)
            assert 1000 - 4 * block_size(1000) <= fleet.allowed <= 1000


@pytest.fixture
async def timed(cloned: Settings, live: Context) -> AsyncIterator[Context]:
    """With a clock of PostgreSQL that can be set."""
    await own_clock(live.db)
    async with open_context(cloned, SUBSCRIBERS) as opened:
        yield opened


@pytest.mark.case(371)
@pytest.mark.parametrize("period", ["day", "month"])
async def test_a_new_period_begins_by_the_clock_of_postgresql(timed: Context, period: QuotaPeriod) -> None:
    """C-371: whatever the clocks of the processes say; each call counts in one period."""
    fleet, quota = Fleet(timed.db, counter((await make_user(timed)).id, period=period), 2), 40
    await set_clock(timed.db, HOUR)
    await at_once(fleet, quota, 30)
    await fleet.drain(0, quota)
    assert fleet.allowed == quota
    refusal = fleet.meters[0].blocks[fleet.key].refusal(time.monotonic())
    assert 0 < int(refusal.headers["retry-after"]) <= 3600
    await set_clock(timed.db, timedelta())
    await fleet.second()
    await at_once(fleet, quota, 30)
    await fleet.drain(1, quota)
    await fleet.second()
    rows = await timed.db.fetch("select used, held from plan_counts order by starts")
    assert [(row["used"], row["held"]) for row in rows] == [(quota, 0), (quota, 0)]
    assert fleet.allowed == 2 * quota


@pytest.mark.case(371)
async def test_a_block_is_not_used_after_its_period(timed: Context) -> None:
    """C-371: it ends a second before, and nothing is kept that is reserved in that second."""
    fleet = Fleet(timed.db, counter((await make_user(timed)).id), 1)
    await set_clock(timed.db, HOUR)
    assert await fleet.take(0, 1000)
    block = fleet.meters[0].blocks[fleet.key]
    assert (block.left, block.ends <= time.monotonic() + HOUR.total_seconds() - 1) == (19, True)
    block.ends = time.monotonic()  # instead of waiting an hour
    assert await fleet.take(0, 1000)
    assert block.left == 0
    block.ends = time.monotonic()
    await set_clock(timed.db, timedelta())
    assert await fleet.take(0, 1000)
    await fleet.second()
    rows = await timed.db.fetch("select used, held from plan_counts order by starts")
    assert [tuple(row) for row in rows] == [(2, 0), (1, 0)]


@pytest.mark.case(371)
async def test_counts_of_ended_periods_are_deleted(context: Context) -> None:
    """A week after their end."""
    user = (await make_user(context)).id
    await context.db.fetch(
        "insert into plan_counts (user_id, path, period, starts, used, held, granted)"
        " select $1, 'p' || days, period, now() - days * interval '1 day', 1, 0, 0"
        " from unnest(array[7, 9, 37, 39]) as days, unnest(array['day', 'month']) as period",
        user,
    )
    assert await queries.delete_old_counts(context.db, 2) == 2
    assert await queries.delete_old_counts(context.db, 1000) == 2
    rows = await context.db.fetch("select path, period from plan_counts where user_id = $1 order by 1, 2", user)
    assert [tuple(row) for row in rows] == [("p37", "month"), ("p7", "day"), ("p7", "month"), ("p9", "month")]


async def test_a_deleted_account_has_no_counter(context: Context) -> None:
    unknown: UUID = uuid7()
    with pytest.raises(UNAUTHORIZED):
        await Meter().take(context.db, counter(unknown), 10)
