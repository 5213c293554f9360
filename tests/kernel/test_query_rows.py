"""@query that yields its rows one by one."""

import asyncio
import contextlib
import tracemalloc
from collections.abc import AsyncIterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.kernel.data import cursors, database
from api.kernel.data.database import Database, open_database
from api.kernel.data.sql import QueryError, query
from api.kernel.errors import UNAVAILABLE, VALIDATION_FAILED
from api.kernel.settings import Settings
from tests.kernel.gallery import Row, bound_to, list_rows

MANY = 100_000


@pytest.fixture
async def pair(settings: Settings) -> AsyncIterator[Database]:
    """A pool of two connections."""
    async with open_database(settings, {}, 2) as opened:
        yield opened


async def test_a_hundred_thousand_rows_use_little_memory(pair: Database) -> None:
    """C-289: peak memory, compared with a list of the rows."""
    tracemalloc.start()
    try:
        count = 0
        async for row in list_rows(pair, MANY):
            count += 1
            assert row.number == count
        few = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        assert len(await read(list_rows(pair, MANY))) == count == MANY
        whole = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert few < whole / 8


async def test_rows_are_fetched_as_they_are_used(pair: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """C-289."""
    fetched: list[int] = []
    original = cursors.fetched

    async def counted(*arguments: object) -> AsyncIterator[object]:
        async with contextlib.aclosing(original(*arguments)) as batches:  # type: ignore[arg-type]
            async for batch in batches:
                fetched.append(len(batch))
                yield batch

    monkeypatch.setattr("api.kernel.data.sql.fetched", counted)
    rows = list_rows(pair, MANY)
    for _ in range(cursors.FETCHED_ROWS):
        await anext(rows)
    assert fetched == [cursors.FETCHED_ROWS]
    await anext(rows)
    assert fetched == [cursors.FETCHED_ROWS] * 2
    await rows.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("most", [0, 1, cursors.FETCHED_ROWS, cursors.FETCHED_ROWS + 1])
async def test_any_number_of_rows(pair: Database, most: int) -> None:
    assert [row.number async for row in list_rows(pair, most)] == list(range(1, most + 1))


async def test_rows_are_read_on_their_own_connection_which_returns_to_the_pool(pair: Database) -> None:
    """C-289: in a read-only transaction, for every outcome, and on at most half of the pool's connections."""
    with bound_to("select current_setting('transaction_read_only') from generate_series(1, $1)"):

        @query
        def list_rows(db: Database, most: int) -> AsyncIterator[str]: ...  # type: ignore[empty-body]

    rows = list_rows(pair, 1000)
    assert await anext(rows) == "on"
    assert pair.connections() == (1, 0)
    with pytest.raises(UNAVAILABLE):
        await anext(list_rows(pair, 1))
    await pair.fetch("select 1")
    await rows.aclose()  # type: ignore[attr-defined]
    assert pair.connections()[0] == 0


async def test_a_reader_cancelled_at_any_point_leaves_nothing(pair: Database, caplog: pytest.LogCaptureFixture) -> None:
    """C-289."""
    for turns in range(60):
        reader = asyncio.create_task(read(list_rows(pair, MANY)))
        for _ in range(turns):
            await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert pair.connections()[0] == 0
    [row] = await pair.fetch("select current_setting('transaction_read_only')")
    assert row[0] == "off"
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def read(rows: AsyncIterator[Row]) -> list[Row]:
    async with contextlib.aclosing(rows) as closing:  # type: ignore[type-var]
        return [row async for row in closing]


async def test_a_slow_reader_is_aborted_alone(
    pair: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """C-289: before PostgreSQL ends its connection, which would look like an outage."""
    rows = list_rows(pair, MANY)
    for _ in range(cursors.FETCHED_ROWS):
        await anext(rows)
    monkeypatch.setattr(cursors, "IDLE_SECONDS", 0.0)
    with pytest.raises(UNAVAILABLE, match="not read in time"):
        await anext(rows)
    assert pair.connections() == (0, 1)
    assert "not available" not in caplog.text


async def test_within_a_transaction_rows_use_its_connection(pair: Database) -> None:
    with bound_to("select number, name from made where number <= $1 order by number"):

        @query
        def list_rows(db: Database, most: int) -> AsyncIterator[Row]: ...  # type: ignore[empty-body]

    async with pair.transaction() as db:
        await db.fetch("create temporary table made on commit drop as select 1 as number, 'x' as name")
        assert [row async for row in list_rows(db, 1)] == [Row(1, "x")]
        await db.fetch("insert into made values (2, 'y')")
        assert [row async for row in list_rows(db, 2)] == [Row(1, "x"), Row(2, "y")]


async def test_a_failure_after_some_rows_is_a_problem_too(pair: Database, spans: InMemorySpanExporter) -> None:
    with bound_to("select 1000 / (1000 - n) from (select generate_series(1, $1) as n) as t"):

        @query
        def list_rows(db: Database, most: int) -> AsyncIterator[int]: ...  # type: ignore[empty-body]

    rows = list_rows(pair, 2000)
    assert [await anext(rows) for _ in range(800)][-1] == 5
    with pytest.raises(VALIDATION_FAILED):
        await read(rows)  # type: ignore[arg-type]
    assert pair.connections()[0] == 0
    [span] = spans.get_finished_spans()
    assert (span.name, (span.attributes or {})["error.type"]) == ("tests.list_rows", "VALIDATION_FAILED")


async def test_a_slow_statement_is_cancelled(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with bound_to("select pg_sleep(60)::text from generate_series(1, $1)"):

        @query
        def list_rows(db: Database, most: int) -> AsyncIterator[str]: ...  # type: ignore[empty-body]

    monkeypatch.setattr(database, "COMMAND_SECONDS", 0.5)
    async with open_database(settings, {}, 2) as db:
        with pytest.raises(UNAVAILABLE):
            await anext(list_rows(db, 1))
        assert db.connections()[0] == 0


def test_the_signature_is_not_a_coroutine() -> None:
    with bound_to("select $1::int"), pytest.raises(QueryError, match="or `def` where it answers an AsyncIterator"):

        @query
        async def list_rows(db: Database, most: int) -> AsyncIterator[int]: ...  # type: ignore[empty-body]

    with bound_to("select $1::int"), pytest.raises(QueryError, match="it is `async def`"):

        @query  # type: ignore[arg-type]
        def list_rows(db: Database, most: int) -> list[int]: ...  # type: ignore[empty-body]
