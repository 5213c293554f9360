"""The ZIP file of an export, produced while it is sent."""

import json
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from api.kernel import UNAVAILABLE, Database, PersonalTable, snapshot
from api.kernel.context import Context
from api.personal import archive as module
from api.personal.archive import archive
from api.personal.routes import _chunks
from api.sessions.personal import personal as of_sessions
from api.users.personal import personal as of_users
from tests.factories import make_user
from tests.personal.exported import rows, unzipped

pytestmark = pytest.mark.case(450)
NOW = datetime(2026, 11, 30, 20, 15, tzinfo=UTC)
ME = UUID(int=1)


def table(count: int, name: str = "things") -> PersonalTable:
    """A table with so many rows."""

    async def export(db: Database, user_id: UUID) -> AsyncIterator[str]:
        for number in range(count):
            yield json.dumps({"number": number, "text": f"{number * 7919 % 1000003:x} ü", "owner": str(user_id)})

    return PersonalTable(name=name, export=export, holds="Things", holds_de="Dinge")


def of(context: Context, *tables: PersonalTable) -> AsyncGenerator[bytes, None]:
    return archive(context.db, ME, tables, "readme", NOW)


async def test_rows_are_json_and_an_empty_table_is_an_empty_array(context: Context) -> None:
    hidden = PersonalTable(name="hidden", export="a reason", holds="Hidden")
    content = b"".join([chunk async for chunk in of(context, table(3), hidden, table(0, "none"))])
    files = unzipped(content)
    assert sorted(files) == ["README.txt", "none.json", "things.json"]
    assert [row["number"] for row in rows(files, "things.json")] == [0, 1, 2]
    assert rows(files, "none.json") == []


async def test_a_long_file_is_continued_in_parts(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no member needs ZIP64."""
    monkeypatch.setattr(module, "PART_BYTES", 1000)
    files = unzipped(b"".join([chunk async for chunk in of(context, table(30))]))
    parts = ["things.json", "things-2.json", "things-3.json"]
    assert set(parts) <= set(files)
    names = [name for name in files if name.startswith("things")]
    assert [row["number"] for name in names for row in rows(files, name)] == [*range(30)]
    assert all(len(files[name]) < 1200 for name in names)


async def test_the_memory_does_not_grow_with_the_rows(context: Context) -> None:
    peaks = []
    for count in (2_000, 60_000):
        size = 0
        tracemalloc.start()
        async for chunk in of(context, table(count)):
            size += len(chunk)
            assert len(chunk) < 3 * module.CHUNK_BYTES
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert size > 20 * module.CHUNK_BYTES
    assert peaks[1] < 2 * peaks[0] + 200_000


async def test_a_client_that_leaves_closes_the_cursor(context: Context) -> None:
    closed = []

    async def endless(db: Database, user_id: UUID) -> AsyncIterator[str]:
        try:
            while True:
                yield '{"text": "%s"}' % datetime.now(UTC).isoformat()  # noqa: UP031  # JSON has braces
        finally:
            closed.append(True)

    chunks = of(context, PersonalTable(name="endless", export=endless, holds="All", holds_de="Alles"))
    assert [len(await anext(chunks)) > 0 for _ in range(3)] == [True] * 3
    await chunks.aclose()
    assert closed == [True]


async def test_a_client_that_reads_too_slowly_is_ended(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", -1.0)
    with pytest.raises(UNAVAILABLE):
        async for _ in of(context, table(10_000)):
            pass


async def test_all_rows_are_of_one_moment(live: Context) -> None:
    """Rows that are committed while the export is read are not in it."""
    user = await make_user(live)
    async with snapshot(live.db) as db:
        chunks = archive(db, user.id, [*of_users, *of_sessions], "readme", NOW)
        content = await anext(chunks)
        await live.db.fetch("update users set name = 'Later' where id = $1", user.id)
        later = (
            "insert into sessions (id, user_id, idle_expires_at, expires_at)"
            " values (gen_random_uuid(), $1, now() + interval '1 h', now() + interval '1 h')"
        )
        await live.db.fetch(later, user.id)
        content += b"".join([chunk async for chunk in chunks])
    files = unzipped(content)
    assert rows(files, "sessions.json") == []
    assert rows(files, "account.json")[0]["name"] is None


async def test_a_client_that_disconnects_returns_the_connection(live: Context) -> None:
    user = await make_user(live)
    used, _ = live.db.connections()
    for _ in range(live.db.most_connections() + 1):
        chunks = _chunks(live, user.id, NOW)
        assert (await anext(chunks)).startswith(b"PK")
        assert live.db.connections()[0] == used + 1
        await chunks.aclose()
    assert live.db.connections()[0] == used


async def test_a_snapshot_refuses_writes_and_gives_its_place_back(live: Context) -> None:
    places = max(1, live.db.most_connections() // 2)
    for _ in range(places + 1):
        async with snapshot(live.db) as db:
            assert (await db.fetch("show transaction_isolation"))[0][0] == "repeatable read"
            with pytest.raises(UNAVAILABLE):
                await db.fetch("update users set name = null")
