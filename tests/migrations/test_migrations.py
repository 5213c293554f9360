"""The release process: forward, back and forward again, two at once, and its refusals."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg import sql

from api.kernel.data.database import uuid7
from api.kernel.settings import Settings
from migrations.__main__ import FOLDER, MigrationError, check_files, migrate
from tests.conftest import ENVIRONMENT

NAMES = sorted(file.stem for file in FOLDER.glob("*.sql") if ".rollback" not in file.name)
# Everything of a schema that is visible to the application, in order.
SCHEMA = """
select 'column', table_name, column_name, data_type || is_nullable || coalesce(column_default, '') || is_identity
  from information_schema.columns where table_schema = 'public'
union all
select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
  from pg_constraint where connamespace = 'public'::regnamespace
union all
select 'index', tablename, indexname, indexdef from pg_indexes where schemaname = 'public'
 order by 1, 2, 3
"""


def schema(url: str) -> list[tuple[str, ...]]:
    """Return the migrations' objects, without yoyo's own tables."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(SCHEMA).fetchall()
    return [row for row in rows if "yoyo" not in row[1]]


def applied(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("select migration_id from _yoyo_migration order by 1")]


def environ_of(url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        **ENVIRONMENT,
        "DATABASE_URL": url,
        "REDIS_URL": "redis://127.0.0.1:1",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "SMTP_URL": "smtp://127.0.0.1:1",
    }


def run(root: Path, url: str, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "migrations", *arguments]
    environ = environ_of(url) | changed
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=100)


def test_missing_migrations_are_applied_in_order_and_once(empty: str) -> None:
    assert migrate(empty) == NAMES
    assert applied(empty) == NAMES, "only migrations, not the Python files beside them"
    made = schema(empty)
    assert {"users", "sessions", "outbox_events"} <= {row[1] for row in made}
    assert migrate(empty) == []
    assert schema(empty) == made


def test_every_migration_can_be_rolled_back_and_applied_again(empty: str) -> None:
    """After each step back the schema is the one before that step forward."""
    migrate(empty)
    last = schema(empty)
    states = [last]
    for name in reversed(NAMES):
        assert migrate(empty, back=True) == [name]
        states.append(schema(empty))
    assert states[-1] == []
    assert migrate(empty, back=True) == []
    for count, state in enumerate(reversed(states)):
        assert state == [] if count == 0 else state != []
    assert migrate(empty) == NAMES
    assert schema(empty) == last


@hypothesis_settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(back=st.integers(1, len(NAMES)))
def test_every_state_migrates_to_the_same_schema(empty: str, back: int) -> None:
    migrate(empty)
    before = schema(empty)
    for _ in range(back):
        migrate(empty, back=True)
    assert migrate(empty) == NAMES[-back:]
    assert schema(empty) == before


def test_sessions_survive_the_migration_to_ended_sessions(empty: str) -> None:
    """The rollback works with rows that only the newer schema has."""
    migrate(empty)
    while "0005_accounts" in applied(empty):
        migrate(empty, back=True)
    lives = "select bool_and(s.created_at >= u.credentials_changed_at) from sessions s join users u on u.id = s.user_id"
    with psycopg.connect(empty, autocommit=True) as connection:
        user, other = uuid7(), uuid7()
        connection.execute("insert into users (id, email, password_hash) values (%s, 'a@b.cd', 'x')", [user])
        session = "insert into sessions (id, user_id, idle_expires_at, expires_at) values (%s, %s, now(), now())"
        connection.execute(session, [uuid7(), user])
        migrate(empty)
        assert connection.execute(lives).fetchone() == (True,)
        connection.execute("insert into users (id, email) values (%s, 'invited@b.cd')", [other])
        changed = connection.execute(
            "select credentials_changed_at > now() - interval '1 min' from users where id = %s", [other]
        )
        assert changed.fetchone() == (True,)
        connection.execute("update sessions set ended_at = now(), end_reason = 'revoked', mode = 'cookie'")
        while "0005_accounts" in applied(empty):
            migrate(empty, back=True)
        assert connection.execute("select email from users").fetchall() == [("a@b.cd",)]


def test_two_concurrent_releases_are_safe(empty: str, root: Path) -> None:
    command = [sys.executable, "-m", "migrations"]
    environ = os.environ | ENVIRONMENT | {"DATABASE_URL": empty, "REDIS_URL": "redis://127.0.0.1:1"}
    environ |= {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "SMTP_URL": "smtp://127.0.0.1:1"}
    both = [
        subprocess.Popen(command, cwd=root, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = sorted(process.communicate(timeout=100) for process in both)
    assert [process.returncode for process in both] == [0, 0], told
    lines = [out.splitlines()[-1] for out, _ in told]
    assert sorted(lines) == [
        f"release: {len(NAMES)} migration(s) done, the schema is current",
        "release: the schema is current",
    ]
    assert applied(empty) == NAMES


def test_the_command_reports_what_it_did(empty: str, root: Path) -> None:
    assert (ended := run(root, empty)).returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[0] == f"applying {NAMES[0]}"
    ended = run(root, empty, "rollback")
    assert (ended.returncode, ended.stdout.splitlines()[0]) == (0, f"taking back {NAMES[-1]}")


def test_a_mistyped_command_changes_nothing(empty: str, root: Path) -> None:
    ended = run(root, empty, "rolback")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "python -m migrations rollback" in ended.stderr
    assert schema(empty) == []


@pytest.mark.parametrize(
    "url",
    ["postgresql://nobody:secret-canary@127.0.0.1:1/nowhere", "{server}/no_such_database", "{stranger}"],
    ids=["nothing listens", "no such database", "wrong password"],
)
def test_an_unreachable_database_is_reported_in_one_line(root: Path, settings: Settings, url: str) -> None:
    parts = urlsplit(settings.database_url)
    stranger = parts._replace(netloc=f"{parts.username}:secret-canary@{parts.hostname}:{parts.port}").geturl()
    server = parts._replace(path="").geturl()
    ended = run(root, url.format(server=server, stranger=stranger))
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.startswith("release: the database refused: ")
    assert "secret-canary" not in line


def test_a_missing_variable_is_named(root: Path) -> None:
    ended = run(root, "")
    assert ended.returncode == 1
    assert "release: " in ended.stderr
    assert "DATABASE_URL is missing." in ended.stderr


def test_a_password_may_have_any_character(settings: Settings, empty: str) -> None:
    password = "p@ss/w?rd#%25 :&=ö"
    role = f"role_{uuid7().hex}"
    parts = urlsplit(empty)
    superuser_url = parts._replace(netloc=f"postgres:{parts.password}@{parts.hostname}:{parts.port}").geturl()
    try:
        admin = psycopg.connect(superuser_url, autocommit=True)
    except psycopg.OperationalError:
        pytest.skip("needs the embedded server's superuser")
    with admin:
        name = sql.Identifier(role)
        admin.execute(sql.SQL("create role {} login superuser password {}").format(name, sql.Literal(password)))
        try:
            netloc = f"{role}:{quote(password, safe='')}@{parts.hostname}:{parts.port}"
            assert migrate(parts._replace(netloc=netloc).geturl() + "?application_name=release") == NAMES
        finally:
            admin.execute(sql.SQL("reassign owned by {} to postgres").format(name))
            admin.execute(sql.SQL("drop owned by {}; drop role {}").format(name, name))


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


GOOD = {"0001_a.sql": b"create table a (id int);", "0001_a.rollback.sql": b"drop table a;"}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"0002_b.sql": b"\xff\xfe"}, "migrations/0002_b.sql cannot be read: "),
        ({"0002_b.sql": b" \n"}, "migrations/0002_b.sql is empty."),
        ({"2_b.sql": b"select 1"}, "migrations/2_b.sql must be named like 0001_users.sql"),
        ({"0002.sql": b"select 1"}, "migrations/0002.sql must be named like"),
        ({"b.sql": b"select 1"}, "migrations/b.sql must be named like"),
        ({"0002_b.sql": b"select 1"}, "migrations/0002_b.sql needs 0002_b.rollback.sql beside it."),
        ({"0002_b.sql": b"select 1", "0002_b.rollback.sql": b""}, "migrations/0002_b.rollback.sql is empty."),
    ],
)
def test_a_malformed_file_is_named_before_anything_is_applied(
    empty: str, tmp_path: Path, files: dict[str, bytes], told: str
) -> None:
    write(tmp_path, GOOD | files)
    with pytest.raises(MigrationError) as refused:
        migrate(empty, tmp_path)
    assert str(refused.value).startswith(told)
    assert schema(empty) == []


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").mkdir()
    with pytest.raises(MigrationError, match=r"0001_a\.sql cannot be read"):
        check_files(tmp_path)


def test_the_shipped_files_are_valid() -> None:
    check_files()
    numbers = [name[:4] for name in NAMES]
    assert numbers == sorted(set(numbers)), "two migrations have the same number"


def test_a_migration_that_fails_leaves_nothing_of_itself(empty: str, tmp_path: Path) -> None:
    bad = b"create table b (id int); create table c (id nonsense);"
    write(tmp_path, GOOD | {"0002_b.sql": bad, "0002_b.rollback.sql": b"drop table b;"})
    with pytest.raises(psycopg.errors.UndefinedObject):
        migrate(empty, tmp_path)
    assert (applied(empty), {row[1] for row in schema(empty)}) == (["0001_a"], {"a"})
    write(tmp_path, {"0002_b.sql": b"create table b (id int);"})
    assert migrate(empty, tmp_path) == ["0002_b"]


def test_a_locked_table_is_retried_and_finally_fails_the_release(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, GOOD)
    migrate(empty, tmp_path)
    write(tmp_path, {"0002_b.sql": b"alter table a add b int;", "0002_b.rollback.sql": b"alter table a drop b;"})
    with psycopg.connect(empty) as reader:
        reader.execute("select * from a")
        monkeypatch.setattr("migrations.__main__.TRIES", 1)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            migrate(empty, tmp_path)
        monkeypatch.setattr("migrations.__main__.TRIES", 2)
        monkeypatch.setattr("migrations.__main__.time.sleep", lambda _: reader.rollback())
        assert migrate(empty, tmp_path) == ["0002_b"]


@pytest.mark.parametrize("back", [False, True])
def test_a_release_killed_before_recording_a_migration_has_not_applied_it(
    empty: str, root: Path, tmp_path: Path, back: bool
) -> None:
    """A kill -9 between the steps and the record: the next release does both."""
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder)
    (folder / "0900_more.sql").write_text("alter table users add column nickname text;")
    (folder / "0900_more.rollback.sql").write_text("alter table users drop column nickname;")
    migrate(empty, folder)
    if not back:
        migrate(empty, folder, back=True)
    before = schema(empty)
    sleep = "create function sleep() returns trigger language plpgsql as 'begin perform pg_sleep(60); return null; end'"
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute(sleep)
        connection.execute("create trigger slow before insert or delete on _yoyo_migration execute function sleep()")
        call = f"migrate({empty!r}, Path({str(folder)!r}), back={back})"
        command = [sys.executable, "-c", f"from migrations.__main__ import *; {call}"]
        release = subprocess.Popen(command, cwd=root)
        try:
            asleep = "from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
            while not connection.execute(f"select 1 {asleep}").fetchall():
                assert release.poll() is None
                time.sleep(0.02)
        finally:
            release.kill()
            release.wait()
        connection.execute(f"select pg_terminate_backend(pid, 5000) {asleep}")
        assert schema(empty) == before
        connection.execute("drop function sleep cascade")
    assert migrate(empty, folder, back=back) == ["0900_more"]
