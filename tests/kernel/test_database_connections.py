"""C-206, C-212, C-215: PostgreSQL over TLS, over a socket, on several hosts, and the reports of refused connections.
Each connection is made by the application's driver and by that of the release process."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import psycopg
import pytest

from api.kernel.config.connections import verified_url
from api.kernel.data.database import Database, open_database
from api.kernel.errors import UNAVAILABLE
from api.kernel.settings import Settings, load
from dev import postgres
from dev.part import Part, stop
from dev.ports import free_port
from migrations.__main__ import migrate
from tests.authority import LOOPBACK, Authority, write
from tests.conftest import _NOWHERE, ENVIRONMENT
from tests.transactions import Another

AUTHORITY = Authority()
Start = Callable[..., str]


def at(url: str, **variables: str) -> Settings:
    return load(ENVIRONMENT | _NOWHERE | {"DATABASE_URL": url} | variables)


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    async with open_database(settings, {}, 1) as db:
        yield db


async def encrypted(settings: Settings) -> list[bool]:
    """Return whether the connections of both drivers are encrypted."""
    statement = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
    async with opened(settings) as db:
        [row] = await db.fetch(statement)
    with (
        verified_url(settings.database_url, settings.database_ca_cert) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        [by_libpq] = connection.execute(statement).fetchall()[0]
    return [row["ssl"], by_libpq]


async def refusal(settings: Settings, caplog: pytest.LogCaptureFixture) -> tuple[str | None, str]:
    """Return the remedy, and the cause in the log, once for several attempts. The release process is refused as
    well."""
    async with opened(settings) as db:
        caplog.clear()
        db._outage._logged.clear()  # that of the start
        for _ in range(3):
            with pytest.raises(UNAVAILABLE) as raised:
                await db.fetch("select 1")
    [line] = [record for record in caplog.records if record.name == "api.kernel.data.database"]
    assert line.getMessage() == f"postgresql is {'misconfigured' if raised.value.remedy else 'not available'}"
    with verified_url(settings.database_url, settings.database_ca_cert) as url, pytest.raises(psycopg.Error):
        psycopg.connect(url)
    fields: dict[str, str] = line.fields  # type: ignore[attr-defined]
    return raised.value.remedy, fields["cause"]


def programs_with_tls() -> Path:
    """The folder of a PostgreSQL built with TLS; the one in the wheel has none."""
    for program in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True):
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        if "libssl" in linked:
            return program.parent
    pytest.skip("needs a PostgreSQL with TLS (Debian: apt-get install postgresql)")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Start]:
    """Starts a PostgreSQL with this certificate, for TLS connections only if `only_tls`. Returns its URL."""
    parts: list[Part] = []
    programs, folder = programs_with_tls(), tmp_path / "postgres"

    def run(*more: str) -> str:
        part, url = postgres.start(folder, tmp_path, port, durable=False, programs=programs, more=more)
        parts.append(part)
        part.wait()
        return url

    def start(pair: tuple[str, str], *, only_tls: bool = False) -> str:
        run()
        stop(parts)
        owner = (folder / "data").stat()
        for file in write(folder, pair):
            os.chown(file, owner.st_uid, owner.st_gid)
        if only_tls:
            (folder / "data" / "pg_hba.conf").write_text("hostssl all all all scram-sha-256\n")
        files = f"ssl_cert_file={folder}/server.crt", f"ssl_key_file={folder}/server.key"
        return run("ssl=on", *files).replace("127.0.0.1", "localhost")

    port = free_port()
    yield start
    stop(parts)


async def test_a_certificate_of_a_private_authority(server: Start, caplog: pytest.LogCaptureFixture) -> None:
    url = server(AUTHORITY.sign("postgres", LOOPBACK), only_tls=True)
    ours = at(url, DATABASE_CA_CERT=AUTHORITY.pem.replace("\n", "\\n"))
    assert await encrypted(ours) == [True, True]
    with verified_url(ours.database_url, ours.database_ca_cert) as verified:
        assert migrate(verified)
    remedy, cause = await refusal(at(url, DATABASE_CA_CERT=Authority().pem), caplog)
    assert remedy is not None
    assert "DATABASE_CA_CERT" in remedy
    assert "CERTIFICATE_VERIFY_FAILED" in cause
    assert await encrypted(at(url + "?sslmode=require")) == [True, True], "as on a PaaS: encrypted, not verified"
    remedy, cause = await refusal(at(url + "?sslmode=disable"), caplog)
    assert remedy is not None
    assert "sslmode" in remedy
    assert "no pg_hba.conf entry" in cause


async def test_a_certificate_with_another_name(server: Start, caplog: pytest.LogCaptureFixture) -> None:
    url = server(AUTHORITY.sign("postgres", ["db.example.com"]))
    remedy, _ = await refusal(at(url, DATABASE_CA_CERT=AUTHORITY.pem), caplog)
    assert remedy is not None
    assert remedy.endswith("check the host in DATABASE_URL")
    assert await encrypted(at(url + "?sslmode=verify-ca", DATABASE_CA_CERT=AUTHORITY.pem)) == [True, True]


@pytest.mark.case(266)
@pytest.mark.parametrize(("query", "variables"), [("?sslmode=require", {}), ("", {"DATABASE_CA_CERT": AUTHORITY.pem})])
async def test_tls_to_a_server_without_it(
    query: str, variables: dict[str, str], cloned: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    remedy, _ = await refusal(at(cloned.database_url + query, **variables), caplog)
    assert remedy == "the server does not support TLS, but the sslmode of DATABASE_URL requires it"


@pytest.mark.parametrize(
    ("change", "remedy", "cause"),
    [
        ({"password": "wrong"}, "refuses this role, password", "InvalidPasswordError: password authentication failed"),
        ({"path": "/nowhere"}, "database does not exist", 'InvalidCatalogNameError: database "nowhere" does not exist'),
        ({"host": "db.invalid"}, "host name cannot be resolved", "gaierror: "),
        ({"port": "1"}, None, "ConnectionRefusedError: "),
    ],
    ids=["wrong password", "no such database", "no such host", "down"],
)
async def test_a_refusal_is_not_reported_as_an_outage(
    change: dict[str, str], remedy: str | None, cause: str, cloned: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    url = urlsplit(cloned.database_url)
    login = f"{url.username}:{change.get('password', url.password)}"
    place = f"{change.get('host', url.hostname)}:{change.get('port', url.port)}"
    told, said = await refusal(at(f"postgresql://{login}@{place}{change.get('path', url.path)}"), caplog)
    assert (told is None) == (remedy is None)
    assert (remedy or "") in (told or "")
    assert said.startswith(cause)
    assert str(url.password) not in f"{told}{said}"


async def test_a_missing_privilege_is_reported(cloned: Settings) -> None:
    name = f"visitor_{os.getpid()}"
    admin = await asyncpg.connect(cloned.database_url)
    try:
        [[superuser]] = await admin.fetch("select rolsuper or rolcreaterole from pg_roles where rolname = current_user")
        if superuser:
            await admin.execute(f"create role {name} login password 'pw'")
            url = urlsplit(cloned.database_url)
            visitor = at(f"postgresql://{name}:pw@{url.hostname}:{url.port}{url.path}")
        else:  # it owns its tables, and may revoke its own privilege
            await admin.execute("revoke all on users from current_user")
            visitor = cloned
        async with opened(visitor) as db:
            with pytest.raises(UNAVAILABLE) as raised:
                await db.fetch("select 1 from users")
        assert raised.value.remedy is not None
        assert "lacks a privilege" in raised.value.remedy
    finally:
        with contextlib.suppress(asyncpg.PostgresError):
            await admin.execute(f"drop role if exists {name}")
        await admin.close()


async def test_a_socket(tmp_path: Path) -> None:
    """Like Cloud SQL's, with colons in the folder's name."""
    port, folder = free_port(), tmp_path / "p:r:i"
    folder.mkdir()
    folder.chmod(0o777)
    part, url = postgres.start(
        tmp_path / "postgres", tmp_path, port, durable=False, more=[f"unix_socket_directories={folder}"]
    )
    try:
        part.wait()
        login = urlsplit(url).netloc.rpartition("@")[0]
        settings = at(f"postgres://{login}@/{postgres.NAME}?host={quote(str(folder))}&port={port}")
        async with opened(settings) as db:
            assert (await db.fetch("select inet_client_addr() as address"))[0]["address"] is None
        assert migrate(settings.database_url)
    finally:
        stop([part])


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Part, Part, str, str]]:
    """A server and its streaming standby. Returns their URLs."""
    ports = free_port(), free_port()
    first, url = postgres.start(tmp_path / "first", tmp_path, ports[0], durable=False)
    parts = [first]
    try:
        first.wait()
        postgres.copy(tmp_path / "first", ports[0], tmp_path / "second", tmp_path).finish()
        (tmp_path / "logs").mkdir()
        second, standby = postgres.start(tmp_path / "second", tmp_path / "logs", ports[1], durable=False)
        parts.append(second)
        second.wait()
        yield first, second, url, standby
    finally:
        stop(parts)


async def test_of_several_hosts_the_writable_one_is_used(pair: tuple[Part, Part, str, str]) -> None:
    """In any order in the URL, and after a failover the other one, without a restart."""
    first, _, url, standby = pair
    places = [urlsplit(each).netloc.rpartition("@")[2] for each in (url, standby)]
    login = urlsplit(url).netloc.rpartition("@")[0]
    several = [f"postgres://{login}@{a},{b}/{postgres.NAME}" for a, b in (places, reversed(places))]
    port = int(places[0].rpartition(":")[2])
    assert migrate(at(several[1]).database_url)
    for each in several:
        async with opened(at(each)) as db:
            assert (await db.fetch("select inet_server_port() as port"))[0]["port"] == port
    async with opened(at(several[0])) as db:
        first.process.kill()
        first.process.wait()
        superuser = standby.replace(f"//{postgres.NAME}:", "//postgres:").replace(f"/{postgres.NAME}", "/postgres")
        async with await psycopg.AsyncConnection.connect(superuser, autocommit=True) as connection:
            await connection.execute("select pg_promote()")
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(UNAVAILABLE):
                    [row] = await db.fetch("select inet_server_port() as port")
                    break
        assert row["port"] != port
        await db.fetch("create table written (id int)")


@pytest.mark.deadlines
async def test_a_silent_host_does_not_hide_the_next(cloned: Settings) -> None:
    """A stopped machine does not even refuse: the second host is still reached in time, and next connections begin with
    it."""
    tried = 0

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tried
        tried += 1
        await reader.read()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        real = urlsplit(cloned.database_url)
        login, _, place = real.netloc.rpartition("@")
        settings = at(f"postgres://{login}@127.0.0.1:{port},{place}{real.path}?sslmode=disable")
        async with open_database(settings, {}, 2) as db, db.transaction():
            assert len(await Another(db).fetch("select 1")) == 1, "on the pool's second connection"
    assert tried == 1
