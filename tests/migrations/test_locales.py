"""A database in another locale: addresses folded by Turkish rules are repaired, and everything works."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
from psycopg import sql

from api.app import create_app
from api.kernel.context import Context, open_context
from api.kernel.data.database import uuid7
from api.kernel.settings import Settings
from migrations.__main__ import FOLDER, migrate
from tests.conftest import SUBSCRIBERS, client_of, with_database
from tests.factories import PASSWORD, make_user
from tests.sessions.signing import login
from tests.users.people import sign_in


@pytest.fixture
def turkish(settings: Settings) -> Iterator[str]:
    """Return the URL of an empty database in which lower('I') is a dotless i."""
    name = f"turkish_{uuid7().hex}"
    with psycopg.connect(with_database(settings, "postgres"), autocommit=True) as admin:
        create = (
            "create database {} template template0 encoding 'UTF8' "
            "lc_collate 'C' lc_ctype 'tr_TR.utf8' locale_provider libc"
        )
        try:
            admin.execute(sql.SQL(create).format(sql.Identifier(name)))
        except psycopg.errors.WrongObjectType:
            pytest.skip("needs the locale tr_TR.UTF-8, which .ci/run makes")
        yield with_database(settings, name)
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
async def there(turkish: str, settings: Settings) -> AsyncIterator[Context]:
    migrate(turkish)
    async with open_context(msgspec.structs.replace(settings, database_url=turkish), SUBSCRIBERS) as opened:
        yield opened


@pytest.fixture
async def turkish_client(there: Context) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(there.settings)
    app.state.context = there
    async with client_of(app) as opened:
        yield opened


def before(folder: Path) -> Path:
    """Return the migrations of the previous release."""
    for file in FOLDER.glob("*.sql"):
        if file.name < "0014":
            shutil.copy(file, folder)
    return folder


def test_addresses_that_turkish_rules_folded_are_repaired(turkish: str, tmp_path: Path) -> None:
    """C-158: once each, unconfirmed, and never to an address that has an account."""
    migrate(turkish, before(tmp_path))
    old = "insert into users (id, email, password_hash, is_verified) values (%s, lower(%s), 'x', true)"
    with psycopg.connect(turkish, autocommit=True) as connection:
        for email in ("INFO@TITLE.example", "ADA@example.com", "Idris@x.example", "idris@x.example", "iNFI@y.example"):
            connection.execute(old, [uuid7(), email])
        connection.execute(old, [uuid7(), "INFi@y.example"])
        connection.execute(
            "update users set pending_email = lower('ADA.I@example.com') where email = 'ada@example.com'"
        )
        broken = connection.execute("select count(*) from users where email like '%ı%'").fetchone()
        assert broken == (4,), "the database has the rule"
        migrate(turkish)
        rows = connection.execute("select email, is_verified, pending_email from users order by email").fetchall()
        assert rows == [
            ("ada@example.com", True, None),
            ("idris@x.example", True, None),
            ("infi@y.example", False, None),
            ("info@title.example", False, None),
            ("ıdris@x.example", True, None),
            ("ınfi@y.example", True, None),
        ]
        assert connection.execute("select count(*) from users where search is null").fetchone() == (0,)
        unproved = "select conname from pg_constraint where not convalidated and conrelid = 'users'::regclass"
        assert connection.execute(unproved).fetchall() == []


async def test_everything_works_in_a_turkish_database(turkish_client: httpx.AsyncClient, there: Context) -> None:
    """C-158: registered once, signed in in any case, found."""
    register = {"email": "INFO@TITLE.EXAMPLE", "password": PASSWORD}
    answer = await turkish_client.post("/api/auth/register", json=register)
    assert (answer.status_code, answer.json()["email"]) == (201, "info@title.example")
    again = await turkish_client.post("/api/auth/register", json=register | {"email": "Info@title.example"})
    assert again.json()["code"] == "REGISTER_USER_ALREADY_EXISTS"
    for typed in ("INFO@TITLE.EXAMPLE", "info@title.example"):
        assert (await login(turkish_client, typed)).status_code == 200
    admin = await sign_in(turkish_client, (await make_user(there, superuser=True)).email)
    invite = {"email": "ISPARTA@TITLE.example", "name": "İstanbul Işık"}
    assert (await turkish_client.post("/api/users", json=invite, headers=admin)).status_code == 201
    for q in ("INFO@TITLE.EXAMPLE", "INFO", "info@t"):
        found = (await turkish_client.get("/api/users", params={"q": q}, headers=admin)).json()["items"]
        assert [each["email"] for each in found] == ["info@title.example"], q
    for q in ("İSTANBUL", "istanbul", "ISIK", "ışık", "isparta"):
        found = (await turkish_client.get("/api/users", params={"q": q}, headers=admin)).json()["items"]
        assert [each["email"] for each in found] == ["isparta@title.example"], q


def test_filling_continues_after_an_interruption(empty: str, tmp_path: Path) -> None:
    """C-158: earlier accounts are searchable, and rows locked by a request delay no others."""
    migrate(empty, before(tmp_path))
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute(
            "insert into users (id, email, name) select gen_random_uuid(), n || '@example.com', 'José' || n "
            "from generate_series(1, 2500) as n"
        )
        migrate(empty)
        found = "select count(*) from users where search @@ '''.jose17'':*'::tsquery"
        assert connection.execute(found).fetchone() == (111,)
        assert connection.execute("select count(*) from users where search is null").fetchone() == (0,)
