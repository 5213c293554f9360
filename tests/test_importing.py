"""`python -m api.importing FILE`."""

import asyncio
import base64
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import bcrypt
import httpx
import pytest
from django.contrib.auth import hashers as django

from api.kernel.context import Context
from api.kernel.settings import Settings
from api.users.files import FileError, read_accounts
from tests.factories import PASSWORD, make_user
from tests.kernel.test_hashes import SIGNER_KEY

BCRYPT = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, b"2a")).decode()
DJANGO = django.PBKDF2PasswordHasher().encode(PASSWORD, "sodium", 1000)
Environment = dict[str, str]


@pytest.fixture
def own(environment: Environment, cloned: Settings) -> Environment:
    return environment | {"DATABASE_URL": cloned.database_url, "PATH": "/usr/bin:/bin"}


async def run(environment: Environment, root: Path, text: str, *arguments: str) -> tuple[int, list[str], str]:
    """Import the text. Returns the exit status, the refused lines, and the last line of standard error."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "api.importing", "-", *arguments],
        cwd=root,
        env=environment,
        input=text.encode("utf-8", "surrogateescape"),
        capture_output=True,
        timeout=100,
    )
    said, told = done.stdout.decode(), done.stderr.decode()
    for secret in (PASSWORD, BCRYPT, DJANGO, "plaintext"):
        assert secret not in said + told
    return done.returncode, said.splitlines(), told.splitlines()[-1]


async def signs_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> bool:
    form = {"username": email, "password": password}
    return (await client.post("/api/auth/jwt/login", data=form)).status_code == 200


@pytest.mark.hashing
async def test_a_csv_file_is_imported_and_may_be_imported_again(
    own: Environment, root: Path, live: Context, live_client: httpx.AsyncClient
) -> None:
    """C-261: state, events and audit; no mail is sent; existing addresses are skipped."""
    await make_user(live, "taken@example.com")
    text = (
        "\ufeffemail,name,password_hash,is_verified,is_active,roles,language\r\n"
        f'Ada@Example.com,"Lovelace, Ada",{{bcrypt}}{BCRYPT},t,,notifier editor,de\r\n'
        f"gone@example.com,,{DJANGO},true,false,,\r\n"
        "later@example.com,,,,,,\r\n"
        f"TAKEN@example.com,,{BCRYPT},,,,\r\n"
        "ada@example.com,Again,,,,,\r\n"
    )
    assert await run(own, root, text) == (0, [], "import: 3 imported, 2 skipped, 0 refused.")
    rows = await live.db.fetch(
        "select email, name, roles, is_verified, is_active, is_superuser, language from users "
        "where email <> 'taken@example.com' order by email"
    )
    assert [tuple(row) for row in rows] == [
        ("ada@example.com", "Lovelace, Ada", ["editor", "notifier"], True, True, False, "de"),
        ("gone@example.com", None, [], True, False, False, "en"),
        ("later@example.com", None, [], False, True, False, "en"),
    ]
    for table in ("outbox_events", "audit_entries"):
        events = await live.db.fetch(f"select type, count(*) from {table} group by type")
        assert [tuple(row) for row in events] == [("users.imported", 3)], table
    assert await live.db.fetch("select task from outbox_tasks where task like 'users.%'") == []
    assert await run(own, root, text) == (0, [], "import: 0 imported, 5 skipped, 0 refused.")
    assert await signs_in(live_client, "ada@example.com")
    assert not await signs_in(live_client, "gone@example.com"), "the account is disabled"
    assert not await signs_in(live_client, "later@example.com")
    [row] = await live.db.fetch("select password_hash from users where email = 'ada@example.com'")
    assert row["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$"), "the hash is renewed at a sign-in"


async def test_refused_lines_are_reported_by_number_and_reason(own: Environment, root: Path, live: Context) -> None:
    """C-262: and all other lines are imported."""
    lines = [
        json.dumps({"email": "ada@example.com", "password_hash": BCRYPT}),
        json.dumps({"email": "one@example.com", "password_hash": "{noop}plaintext"}),
        "",
        json.dumps({"email": "no address", "roles": ["UPPER"]}),
        '{"email": "two@example.com", "email": "twice@example.com"}',
        json.dumps({"email": "three@example.com", "is_superuser": True}),
        json.dumps(["plaintext"]),
        '{"email": "four@example.com", "name": "\udcff"}',
        "{" + " " * 200_000,
        json.dumps({"email": "five@example.com", "password_hash": BCRYPT.replace("$04$", "$31$")}),
        json.dumps({"email": "grace@example.com"}),
    ]
    status, refused, result = await run(own, root, "\n".join(lines))
    assert status == 1
    assert result.startswith("import: 2 imported, 0 skipped, ")
    reasons = {int(line.split("\t")[0]): line.split("\t")[1] for line in refused}
    assert list(reasons) == [2, 4, 5, 6, 7, 8, 9, 10]
    assert "plain text or a fast hash" in reasons[2]
    assert "/email" in reasons[4]
    assert "/roles" in reasons[4]
    assert "unknown field" in reasons[6]
    assert "cost of bcrypt" in reasons[10]
    rows = await live.db.fetch("select email from users order by email")
    assert [row["email"] for row in rows] == ["ada@example.com", "grace@example.com"]


async def test_csv_lines_that_do_not_fit_the_header_are_refused(own: Environment, root: Path, live: Context) -> None:
    """C-262."""
    text = "email;is_active\nada@example.com;maybe\nlong@example.com;true;more\n\ngrace@example.com;1\n"
    status, refused, result = await run(own, root, text)
    assert (status, result) == (1, "import: 1 imported, 0 skipped, 2 refused.")
    assert [line.split("\t")[0] for line in refused] == ["2", "3"]
    status, refused, result = await run(own, root, f"ada@example.com,{BCRYPT}\n")
    assert (status, refused) == (1, [])
    assert "the first line must name the columns" in result


async def test_encodings_and_endless_lines_are_reported(own: Environment, root: Path) -> None:
    """C-335: a line that is too long is refused once, and a row is named by its first line."""
    endless = json.dumps({"email": "x" * 1_000_000})
    status, refused, result = await run(own, root, f'{endless}\n{{"email": "ada@example.com"}}\n')
    assert (status, refused) == (1, ["1\tIs longer than 65536 characters."])
    assert result == "import: 1 imported, 0 skipped, 1 refused."
    latin = 'email,name\ngrace@example.com,"G\nHopper"\nlov@example.com,"L\n\udcf6v"\nnone,"a\nb"\n'
    status, refused, result = await run(own, root, latin)
    assert [line.split("\t")[0] for line in refused] == ["2", "4", "6"]
    assert refused[1] == "4\tIs not in UTF-8."
    status, refused, result = await run(own, root, "\udcff\udcfee\0m\0a\0i\0l\0")
    assert (status, refused) == (1, [])
    assert result.endswith("the file is in UTF-16; convert it to UTF-8.")


async def test_firebases_export_is_imported(own: Environment, root: Path, live: Context) -> None:
    """C-263: with the parameters of the project, the README of firebase/scrypt."""
    user = {
        "localId": "a",
        "email": "ada@example.com",
        "emailVerified": True,
        "passwordHash": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
        "salt": "42xEC+ixf3L2lw==",
        "displayName": "Ada",
        "providerUserInfo": [],
    }
    text = json.dumps({"users": [user, {"localId": "b", "phoneNumber": "+49"}]}, indent=2)
    status, refused, _ = await run(own, root, text)
    assert (status, len(refused)) == (1, 2)
    assert "FIREBASE_SCRYPT_SIGNER_KEY is not set" in refused[0]
    project = own | {"FIREBASE_SCRYPT_SIGNER_KEY": base64.b64encode(SIGNER_KEY).decode()}
    assert await run(project, root, text) == (
        1,
        ["2\tHas no e-mail address."],
        "import: 1 imported, 0 skipped, 1 refused.",
    )
    [row] = await live.db.fetch("select email, name, is_verified, password_hash from users")
    assert tuple(row)[:3] == ("ada@example.com", "Ada", True)
    assert SIGNER_KEY.hex() not in row["password_hash"]


FIREBASE_ROW = [
    *("a", "ada@example.com", "true"),
    "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
    "42xEC+ixf3L2lw==",
    '"Lovelace, Ada"',
    *[""] * 17,
    *("1486324763000", "1486324763001", "", "false", ""),
]


def firebase_row(**cells: str) -> str:
    """Return a line in the form of firebase-tools, with cells replaced by their number, as in `c2=...`; the first is
    1."""
    row = [cells.get(f"c{number}", cell) for number, cell in enumerate(FIREBASE_ROW, 1)]
    return ",".join(row) + ",\n"


async def test_firebases_csv_is_imported(own: Environment, root: Path, live: Context) -> None:
    """C-269: no header, columns by position, quotes as firebase-tools writes them; a malformed line does not affect
    others."""
    claims = '"{""role"":""admin""}"'
    older = firebase_row(c2="older@example.com").split(",false,,")[0] + ",\n"  # without the last two columns
    text = (
        firebase_row(c28=claims)
        + firebase_row(c2="bob@example.com", c3="false", c4="", c5="", c6='"Bob', c27="true")
        + firebase_row(c2="", c26="+49")
        + firebase_row(c2="eve@example.com", c6='"Eve "the, best" X"', c4="", c5="")
        + firebase_row(c2="mallory@example.com", c27="maybe")
        + older
    )
    project = own | {"FIREBASE_SCRYPT_SIGNER_KEY": base64.b64encode(SIGNER_KEY).decode()}
    status, refused, result = await run(project, root, text)
    assert (status, result) == (1, "import: 2 imported, 0 skipped, 4 refused.")
    assert [line.split("\t")[0] for line in refused] == ["2", "3", "4", "5"]
    assert refused[1] == "3\tHas no e-mail address."
    rows = await live.db.fetch(
        "select email, name, is_verified, is_active, roles, is_superuser, password_hash is not null from users"
        " order by email"
    )
    assert [tuple(row) for row in rows] == [
        ("ada@example.com", "Lovelace, Ada", True, True, [], False, True),
        ("older@example.com", "Lovelace, Ada", True, True, [], False, True),
    ]
    disabled = firebase_row(c2="bob@example.com", c3="false", c4="", c5="", c6="Bob", c27="true")
    assert (await run(project, root, disabled))[0] == 0
    [row] = await live.db.fetch("select is_verified, is_active from users where email = 'bob@example.com'")
    assert tuple(row) == (False, False)


async def test_djangos_dumpdata_is_imported(
    own: Environment, root: Path, live: Context, live_client: httpx.AsyncClient
) -> None:
    """C-263: superusers become ordinary accounts, other models are refused, and a truncated file is imported up to the
    end."""
    ada = {"email": "ada@example.com", "password": DJANGO, "first_name": "Ada", "last_name": "L", "is_superuser": True}
    items: list[object] = [
        {"model": "auth.permission", "pk": 1, "fields": {"name": "x"}},
        {"model": "auth.user", "pk": 1, "fields": ada | {"is_active": True}},
        {"model": "auth.user", "pk": 2, "fields": {"email": "", "password": "!"}},
        {"model": "auth.user", "pk": 3, "fields": {"email": "late@example.com", "password": "!unusable"}},
    ]
    status, refused, result = await run(own, root, json.dumps(items)[:-1])
    assert status == 1
    assert [line.split("\t")[0] for line in refused] == ["1", "3"]
    assert result.startswith("import: 2 imported, 0 skipped, 2 refused; the rest is not valid JSON")
    rows = await live.db.fetch("select email, name, is_superuser, password_hash is null from users order by email")
    assert [tuple(row) for row in rows] == [
        ("ada@example.com", "Ada L", False, False),
        ("late@example.com", None, False, True),
    ]
    assert await signs_in(live_client, "ada@example.com")


async def test_accounts_without_a_password_are_invited_on_request(own: Environment, root: Path, live: Context) -> None:
    """C-264."""
    text = f"email,password_hash\nada@example.com,{BCRYPT}\ngrace@example.com,\n"
    assert (await run(own, root, text, "--invite", "--verified"))[0] == 0
    rows = await live.db.fetch("select type, data ->> 'email' from outbox_events order by type")
    assert [tuple(row) for row in rows] == [
        ("users.imported", "ada@example.com"),
        ("users.invited", "grace@example.com"),
    ]
    tasks = await live.db.fetch("select task from outbox_tasks where task like 'users.%'")
    assert [row["task"] for row in tasks] == ["users.send_invitation"]
    assert await live.db.fetch("select 1 from users where not is_verified") == []


async def test_an_outage_of_the_database_is_reported_in_one_line(own: Environment, root: Path) -> None:
    """C-264."""
    away = own | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}
    status, refused, result = await run(away, root, "email\nada@example.com\n")
    assert (status, refused) == (1, [])
    assert result.startswith("import: PostgreSQL does not answer")
    missing = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "api.importing", "no/file"], cwd=root, env=own, capture_output=True
    )
    assert missing.returncode == 1
    assert missing.stderr.decode().startswith("import: 0 imported, 0 skipped, 0 refused; ")


ROW = f"ada@example.com,{BCRYPT},{'x' * 100}\n"
EXPORTED = json.dumps({"email": "ada@example.com", "passwordHash": BCRYPT, "salt": "x" * 100})
DUMPED = json.dumps({"model": "auth.user", "fields": {"email": "ada@example.com", "password": BCRYPT}})
TIMES = 30_000
LARGE = {
    "CSV": "email,password_hash,name\n" + ROW * TIMES,
    "JSON lines": ('{"email": "ada@example.com", "name": "' + "x" * 100 + '"}\n') * TIMES,
    "Firebase": '{"users": [' + ",".join([EXPORTED] * TIMES) + "]}",
    "Firebase's CSV": firebase_row() * TIMES,
    "Django": "[" + ",".join([DUMPED] * TIMES) + "]",
}


def read_within(path: Path, most: int) -> int:
    """Return the number of accounts in the file, read with that many bytes of memory."""
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            return sum(1 for _, fields in read_accounts(file) if isinstance(fields, dict))
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < most


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_a_file_of_any_size_takes_little_memory(tmp_path: Path, text: str) -> None:
    """C-264: files of 5 MB in 2 MB."""
    path = tmp_path / "users"
    path.write_text(text)
    assert path.stat().st_size > 4_000_000
    assert read_within(path, 2_000_000) == TIMES


def test_an_endless_account_takes_little_memory(tmp_path: Path) -> None:
    """C-264."""
    path = tmp_path / "users.json"
    path.write_text('[{"a": "' + "x" * 5_000_000)
    with pytest.raises(FileError):
        read_within(path, 2_000_000)
