"""PostgreSQL slow, full, locked, killed, read-only, silent, stopped and restarted: a quick outage, reported once."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import psycopg
import pytest

from api.kernel.data import database
from api.kernel.data.database import Database, open_database
from api.kernel.errors import UNAVAILABLE
from api.kernel.settings import Settings, load
from dev import postgres
from dev.part import Part, stop
from dev.ports import free_port
from tests.conftest import _NOWHERE, ENVIRONMENT
from tests.transactions import Another


async def backends(db: Settings) -> list[asyncpg.Record]:
    """Return the other sessions in this database, seen from outside the pool."""
    connection = await asyncpg.connect(db.database_url)
    try:
        return await connection.fetch(
            "select state, query, application_name, xact_start from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
        )
    finally:
        await connection.close()


@pytest.mark.deadlines
async def test_with_every_connection_taken_a_caller_waits_one_second(small: Database) -> None:
    async with Another(small).transaction(), Another(small).transaction():
        began = time.perf_counter()
        with pytest.raises(UNAVAILABLE):
            await small.fetch("select 1")
        assert 0.9 < time.perf_counter() - began < 15
    assert len(await small.fetch("select 1")) == 1


async def test_a_slow_statement_is_cancelled(small: Database) -> None:
    async with small.transaction() as db:
        await db.fetch("set local statement_timeout = '50ms'")
        with pytest.raises(UNAVAILABLE):
            await db.fetch("select pg_sleep(5)")


@pytest.mark.deadlines
async def test_a_statement_without_an_answer_is_abandoned_after_three_seconds(
    small: Database, cloned: Settings
) -> None:
    began = time.perf_counter()
    with pytest.raises(UNAVAILABLE):
        await small.fetch("select pg_sleep(20)")
    assert 2.9 < time.perf_counter() - began < 15
    assert len(await small.fetch("select 1")) == 1, "the connection with the unread answer is not reused"
    assert not [row for row in await backends(cloned) if row["state"] == "active"], "and the server has stopped"


async def test_waiting_for_a_lock_is_bounded(small: Database) -> None:
    async with Another(small).transaction() as holder, Another(small).transaction() as waiting:
        await holder.fetch("lock table things")
        await waiting.fetch("set local lock_timeout = '50ms'")
        with pytest.raises(UNAVAILABLE):
            await waiting.fetch("insert into things values (1, 'a')")


async def test_a_client_that_goes_away_in_a_transaction_leaks_nothing(small: Database, cloned: Settings) -> None:
    async def work(number: int, begun: asyncio.Event) -> None:
        async with small.transaction() as db:
            await db.fetch("insert into things values ($1, 'a')", number)
            begun.set()
            await db.fetch("select pg_sleep(20)")

    for number in range(50):
        begun = asyncio.Event()
        task = asyncio.create_task(work(number, begun))
        if number % 5:
            await begun.wait()
        if number % 3 == 0:
            await asyncio.sleep(0)  # a moment later
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await small.fetch("select 1 from things") == []
    async with Another(small).transaction(), Another(small).transaction():
        pass  # both connections are available
    seen = await backends(cloned)
    assert len(seen) <= 2
    assert {row["state"] for row in seen} == {"idle"}


async def test_a_second_cancel_during_the_rollback_leaks_nothing_either(small: Database, cloned: Settings) -> None:
    async def work(begun: asyncio.Event) -> None:
        async with small.transaction() as db:
            await db.fetch("insert into things values (1, 'a')")
            begun.set()
            await asyncio.Event().wait()

    for _ in range(10):
        begun = asyncio.Event()
        task = asyncio.create_task(work(begun))
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await small.fetch("select 1 from things") == []
    assert {row["state"] for row in await backends(cloned)} == {"idle"}


async def test_a_connection_that_is_killed_in_a_transaction_is_an_outage_once(
    small: Database, cloned: Settings
) -> None:
    async def work() -> None:
        async with Another(small).transaction() as db:
            [row] = await db.fetch("select pg_backend_pid() as pid")
            await small.fetch("select pg_terminate_backend($1)", row["pid"])
            await db.fetch("select 1")

    with pytest.raises(UNAVAILABLE):
        await work()
    assert len(await small.fetch("select 1")) == 1


async def test_a_commit_on_a_closed_connection_is_an_outage(small: Database) -> None:
    async def work() -> None:
        async with Another(small).transaction() as db:
            [row] = await db.fetch("select pg_backend_pid() as pid")
            await small.fetch("select pg_terminate_backend($1)", row["pid"])

    with pytest.raises(UNAVAILABLE):
        await work()


async def test_a_transaction_that_idles_too_long_is_an_outage(small: Database) -> None:
    async def work() -> None:
        async with Another(small).transaction() as db:
            await db.fetch("set local idle_in_transaction_session_timeout = '50ms'")
            [row] = await db.fetch("select pg_backend_pid() as pid")
            while await small.fetch("select 1 from pg_stat_activity where pid = $1", row["pid"]):
                pass
            await db.fetch("select 1")

    with pytest.raises(UNAVAILABLE):
        await work()


async def test_a_server_that_became_read_only_is_left_for_the_writable_one(small: Database, cloned: Settings) -> None:
    """After a failover the old server may stay up, read-only; the pool must not keep it."""
    async with small.transaction() as db:
        [before] = await db.fetch("select pg_backend_pid() as pid")

    async def work() -> None:
        async with small.transaction() as db:
            await db.fetch("set transaction read only")
            await db.fetch("insert into things values (1, 'a')")

    with pytest.raises(UNAVAILABLE):
        await work()
    async with Another(small).transaction() as one, Another(small).transaction() as two:
        pids = [(await db.fetch("select pg_backend_pid() as pid"))[0]["pid"] for db in (one, two)]
    assert before["pid"] not in pids, "every earlier connection is replaced"


async def test_a_read_only_server_is_not_connected_to_at_all(cloned: Settings) -> None:
    name = cloned.database_url.rsplit("/", 1)[1]
    connection = await asyncpg.connect(cloned.database_url)
    await connection.execute(f'alter database "{name}" set default_transaction_read_only = on')
    await connection.close()
    async with open_database(cloned, {}, 1) as db:
        with pytest.raises(UNAVAILABLE):
            await db.fetch("select 1")


async def test_listening_on_a_killed_connection_ends_quietly(small: Database) -> None:
    async with small.listen("canary", lambda: None):
        await small.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    assert len(await small.fetch("select 1")) == 1


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Settings, Any]]:
    """A PostgreSQL for this test: (settings, start). `start()` returns the running Part, also after a stop."""
    port = free_port()
    parts: list[Part] = []

    def start() -> Part:
        part, url = postgres.start(tmp_path / "postgres", tmp_path, port, durable=False)
        parts.append(part)
        part.wait()
        urls.append(url)
        return part

    urls: list[str] = []
    stop([start()])
    try:
        yield load(ENVIRONMENT | _NOWHERE | {"DATABASE_URL": urls[0]}), start
    finally:
        stop(parts)


async def test_a_server_that_is_down_at_boot_and_later_comes_back(server: tuple[Settings, Any]) -> None:
    """The first statement after the server's restart works, without a restart of the application."""
    settings, start = server
    async with open_database(settings, {}, 3) as db:
        for _ in range(2):
            began = time.perf_counter()
            with pytest.raises(UNAVAILABLE):
                await db.fetch("select 1")
            assert time.perf_counter() - began < 15
            running = start()
            await asyncio.gather(*(db.fetch("select pg_sleep(0.01)") for _ in range(10)))
            asleep = asyncio.gather(*(db.fetch("select pg_sleep(60)") for _ in range(3)), return_exceptions=True)
            waiting = "select 1 from pg_stat_activity where query like '%sleep(60)' and state = 'active'"
            while len(await psql(settings, waiting)) < 3:
                pass
            running.process.send_signal(signal.SIGQUIT)  # like a crash: immediate
            assert {type(outcome) for outcome in await asleep} == {UNAVAILABLE}
            running.process.wait()


async def test_a_session_that_hangs_is_abandoned(server: tuple[Settings, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "COMMAND_SECONDS", 0.3)
    settings, start = server
    start()
    async with open_database(settings, {}, 2) as db:
        [row] = await db.fetch("select pg_backend_pid() as pid")
        began = time.perf_counter()
        os.kill(row["pid"], signal.SIGSTOP)
        try:
            with pytest.raises(UNAVAILABLE):
                await db.fetch("select 1")
            assert time.perf_counter() - began < 15
            assert len(await db.fetch("select 1")) == 1, "on another connection"
        finally:
            os.kill(row["pid"], signal.SIGCONT)


async def psql(settings: Settings, statement: str) -> list[Any]:
    async with await psycopg.AsyncConnection.connect(settings.database_url) as connection:
        return await (await connection.execute(statement)).fetchall()


@asynccontextmanager
async def blackhole() -> AsyncIterator[str]:
    """A server that accepts connections and sends nothing."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield f"postgresql://u:p@127.0.0.1:{port}/d?sslmode=disable"


async def test_a_server_that_accepts_and_is_silent_is_abandoned(
    nowhere: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ACQUIRE_SECONDS", 0.2)
    async with blackhole() as url, open_database(msgspec.structs.replace(nowhere, database_url=url), {}) as db:
        began = time.perf_counter()
        with pytest.raises(UNAVAILABLE):
            await db.fetch("select 1")
        assert time.perf_counter() - began < 15


async def test_closing_does_not_wait_for_a_statement_that_hangs(
    cloned: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ACQUIRE_SECONDS", 0.3)
    async with open_database(cloned, {}, 1) as db:
        hanging = asyncio.create_task(db.fetch("select pg_sleep(20)"))
        while not any("sleep" in row["query"] and row["state"] == "active" for row in await backends(cloned)):
            pass
        began = time.perf_counter()
    assert time.perf_counter() - began < 15
    with pytest.raises(UNAVAILABLE):
        await hanging
