"""F-24: everything through PgBouncer in transaction mode, where each transaction may get another server connection."""

import asyncio
import contextlib
import enum
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data import database, sql
from api.kernel.data.database import SERVER_TIMEOUTS, open_database
from api.kernel.data.sql import query
from api.kernel.errors import UNAVAILABLE, VALIDATION_FAILED
from api.kernel.settings import Settings
from dev.part import Part, stop
from dev.ports import free_port
from tests.factories import PASSWORD
from tests.kernel.gallery import bound_to
from tests.processes import MailServer, Processes, text_of
from tests.transactions import Another
from tests.worker.jobs import header, read_records, until

PEOPLE = 8
CONNECTIONS = 3
CONFIGURATION = """
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
{more}
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
"""


@pytest.fixture
def pooled(request: pytest.FixtureRequest, cloned: Settings, tmp_path: Path) -> Iterator[str]:
    """Yield the database's URL through a pooler that has fewer server connections than client connections. `more` is a
    line of its configuration."""
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.skip("needs pgbouncer (Debian: apt-get install pgbouncer)")
    url, own = urlsplit(cloned.database_url), free_port()
    made = CONFIGURATION.format(
        host=url.hostname,
        port=url.port,
        user=url.username,
        password=url.password,
        own=own,
        connections=CONNECTIONS,
        more=getattr(request, "param", ""),
    )
    (tmp_path / "pgbouncer.ini").write_text(made)
    as_user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
    part = Part("pgbouncer", [program, *as_user, tmp_path / "pgbouncer.ini"], tmp_path, ready="process up")
    try:
        part.wait()
        yield url._replace(netloc=f"{url.username}@127.0.0.1:{own}").geturl()
    finally:
        stop([part])


async def live_through(client: httpx.AsyncClient, mails: MailServer, email: str) -> str:
    """Register, sign in and refresh. Returns the account's id."""
    registered = await client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
    assert registered.status_code == 201, registered.text
    token = text_of(await mails.mail_to(email)).partition("/verify#token=")[2].split()[0]
    assert (await client.post("/api/auth/verify", json={"token": token})).status_code == 200
    pair = await client.post("/api/auth/jwt/login", data={"username": email, "password": PASSWORD})
    for name in ("Ada", "Ada Lovelace"):
        pair = await client.post("/api/auth/refresh", json={"refresh_token": pair.json()["refresh_token"]})
        bearer = {"authorization": f"Bearer {pair.json()['access_token']}"}
        changed = await client.patch("/api/users/me", json={"name": name}, headers=bearer)
        assert (changed.status_code, changed.json()["name"]) == (200, name)
    return str(registered.json()["id"])


async def test_a_transaction_pooler_is_not_noticed(
    environment: dict[str, str], cloned: Settings, live: Context, pooled: str, mail_server: MailServer, tmp_path: Path
) -> None:
    own = {"DATABASE_URL": pooled, "DATABASE_TRANSACTION_POOLING": "true"}
    own |= {"KAFKA_PREFIX": cloned.kafka.prefix, "SMTP_URL": mail_server.url}
    with Processes(environment | own, tmp_path) as processes:
        await processes.worker()
        async with processes.web() as client:
            people = [f"{number}@example.com" for number in range(PEOPLE)]
            ids = await asyncio.gather(*(live_through(client, mail_server, each) for each in people))
            await until(live.db, "select bool_and(published_at is not null) from outbox_events")
            await until(live.db, "select count(*) = 0 from outbox_tasks")
        records = await read_records(cloned, "users", 4 * PEOPLE)
    told: dict[str, list[str]] = {id: [] for id in ids}
    for record in records:
        told[record.key.decode()].append(header(record, "ce_type").removeprefix("users."))
    assert list(told.values()) == [["registered", "verified", "updated", "updated"]] * PEOPLE
    ours = "select count(*) from pg_stat_activity where datname = current_database() and application_name = ''"
    assert 0 < (await live.db.fetch(ours))[0][0] <= CONNECTIONS
    for log in ("api.log", "worker.log"):
        said = (tmp_path / log).read_text()
        assert '"failure"' not in said, said
        assert "postgresql is not available" not in said, said


SHOWN = "select name, current_setting(name) as value from unnest($1::text[]) as name"
DROPS = f"ignore_startup_parameters = {','.join(SERVER_TIMEOUTS)}"


async def test_the_servers_time_outs_hold_behind_a_transaction_pooler(cloned: Settings, pooled: str) -> None:
    """C-208: for a single statement, a transaction, a nested one, and more of them than connections."""
    settings = msgspec.structs.replace(cloned, database_url=pooled, database_transaction_pooling=True)
    async with open_database(settings, {}, 2 * CONNECTIONS) as db:

        async def shown(db: database.Database) -> dict[str, str]:
            return {row["name"]: row["value"] for row in await db.fetch(SHOWN, list(SERVER_TIMEOUTS))}

        assert await shown(db) == SERVER_TIMEOUTS
        async with db.transaction() as outer:
            assert await shown(outer) == SERVER_TIMEOUTS
            async with outer.transaction() as inner:
                assert await shown(inner) == SERVER_TIMEOUTS
        at_once = await asyncio.gather(*(shown(db) for _ in range(4 * CONNECTIONS)))
        assert at_once == [SERVER_TIMEOUTS] * (4 * CONNECTIONS)


async def test_the_server_stops_a_slow_statement_behind_a_transaction_pooler(
    cloned: Settings, live: Context, pooled: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """C-208: and the connection stays usable, after a statement alone and after one in a transaction."""
    monkeypatch.setattr(database, "_SET_LOCAL", database._SET_LOCAL.replace("'5s'", "'200ms'"))
    settings = msgspec.structs.replace(cloned, database_url=pooled, database_transaction_pooling=True)
    async with open_database(settings, {}, 1) as db:
        with pytest.raises(UNAVAILABLE):
            await db.fetch("select pg_sleep(30)")
        with pytest.raises(UNAVAILABLE):
            async with db.transaction() as inside:
                await inside.fetch("select pg_sleep(30)")
        assert len(await db.fetch("select 1")) == 1
    [line] = [record for record in caplog.records if record.getMessage() == "postgresql is not available"]
    assert "canceling statement due to statement timeout" in line.fields["cause"]  # type: ignore[attr-defined]
    busy = "select 1 from pg_stat_activity where state = 'active' and query like '%pg_sleep(30)'"
    assert await live.db.fetch(busy) == []


async def test_streamed_rows_leave_nothing_on_a_server_connection(cloned: Settings, pooled: str) -> None:
    """C-289: no prepared statement, which would collide with another process, whether the rows are read to the end,
    partly, or with an error."""
    settings = msgspec.structs.replace(cloned, database_url=pooled, database_transaction_pooling=True)
    with bound_to("select 1000 / (1000 - n) from (select generate_series(1, $1) as n) as t"):

        @query
        def list_rows(db: database.Database, most: int) -> AsyncIterator[int]: ...  # type: ignore[empty-body]

    async with open_database(settings, {}, 2 * CONNECTIONS) as db:

        async def read(most: int, wanted: int) -> int:
            async with contextlib.aclosing(list_rows(db, most)) as rows:  # type: ignore[type-var]
                read = 0
                async for _ in rows:
                    read += 1
                    if read == wanted:
                        break
                return read

        for most, wanted in ((999, 999), (999, 1), (100, 200)):
            assert set(await asyncio.gather(*(read(most, wanted) for _ in range(CONNECTIONS)))) <= {wanted, most}
        with pytest.raises(VALIDATION_FAILED):
            await read(1000, 1000)
        left = "select name from pg_prepared_statements"
        assert await asyncio.gather(*(db.fetch(left) for _ in range(4 * CONNECTIONS))) == [[]] * 4 * CONNECTIONS


async def test_a_pooler_that_is_not_configured_is_a_misconfiguration(
    cloned: Settings, pooled: str, caplog: pytest.LogCaptureFixture
) -> None:
    """C-215: it refuses the time-outs in the start-up message."""
    async with open_database(msgspec.structs.replace(cloned, database_url=pooled), {}, 1) as db:
        with pytest.raises(UNAVAILABLE) as raised:
            await db.fetch("select 1")
    assert raised.value.remedy is not None
    assert "DATABASE_TRANSACTION_POOLING" in raised.value.remedy
    told = [record for record in caplog.records if record.getMessage() == "postgresql is misconfigured"]
    assert len(told) == 1
    assert "unsupported startup parameter" in told[0].fields["cause"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("pooled", [DROPS], indirect=True)
async def test_a_pooler_that_drops_the_time_outs_is_reported_at_start(
    cloned: Settings, pooled: str, caplog: pytest.LogCaptureFixture
) -> None:
    """C-208."""
    async with open_database(msgspec.structs.replace(cloned, database_url=pooled), {}, 1) as db:
        assert len(await db.fetch("select 1")) == 1
    assert "a pooler drops the time-outs of statements: set DATABASE_TRANSACTION_POOLING=true" in caplog.text
    caplog.clear()
    settings = msgspec.structs.replace(cloned, database_url=pooled, database_transaction_pooling=True)
    async with open_database(settings, {}, 1) as db:
        assert len(await db.fetch("select 1")) == 1
    assert caplog.text == ""


class Kind(enum.Enum):
    A = "a"


class Inner(msgspec.Struct, frozen=True):
    name: str


class Echoed(msgspec.Struct, frozen=True):
    kind: Kind
    rows: list[Inner]
    backend: int


async def test_nested_rows_need_no_connection_state(
    cloned: Settings, pooled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C-306: jsonb is decoded outside of the driver, so any server connection works."""
    monkeypatch.setattr(sql, "FOLDER", tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "echo.sql").write_text("select 'a' as kind, $1::jsonb as rows, pg_backend_pid() as backend")

    @query
    async def echo(db: database.Database, rows: list[Inner]) -> Echoed: ...  # type: ignore[empty-body]

    settings = msgspec.structs.replace(cloned, database_url=pooled, database_transaction_pooling=True)
    async with open_database(settings, {}, 2 * CONNECTIONS) as db:
        async with db.transaction() as first, Another(db).transaction() as second:
            answers = [await echo(each, [Inner(name)] * 2) for name in "ab" for each in (first, second)]
        answers += [await echo(db, [])]
    assert [answer.rows for answer in answers] == [[Inner(name)] * 2 for name in "aabb"] + [[]]
    assert {answer.kind for answer in answers} == {Kind.A}
    assert len({answer.backend for answer in answers}) >= 2
