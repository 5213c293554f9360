"""The migration guide's rule: a release only adds, and blocks no requests. Judged by each migration's effect on
existing tables, not by its text."""

import re
import shutil
from pathlib import Path

import psycopg
import pytest

from migrations.__main__ import FOLDER, migrate
from tests.migrations.test_migrations import NAMES

KNOWN = {"0005_accounts", "0006_dead_letters", "0009_stuck_events"}
"""Older than the first release: they build indexes or rewrite tables under a lock."""
SAID = re.compile(r"^-- blocks: \w", re.MULTILINE)
"""The comment of a migration that must block: what it locks, for how long, and how to release it."""
TABLES = """
select oid::regclass::text, relfilenode
  from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relname !~ 'yoyo'
"""
INDEXES = "select indexrelid::regclass::text, indrelid::regclass::text from pg_index"
CONSTRAINTS = """
select conname, conrelid::regclass::text
  from pg_constraint where connamespace = 'public'::regnamespace and convalidated and contype <> 'n'
"""
# `validate constraint` reads the table while others write to it (PostgreSQL's ALTER TABLE, Notes).
UNPROVED = CONSTRAINTS.replace("and convalidated", "and not convalidated")
NOT_NULL = """
select attrelid::regclass::text || '.' || attname, attnotnull
  from pg_attribute join pg_class on pg_class.oid = attrelid
 where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
"""


class State:
    """Return the objects of a schema."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            self.tables: dict[str, int] = dict(connection.execute(TABLES).fetchall())
            self.indexes: dict[str, str] = dict(connection.execute(INDEXES).fetchall())
            self.constraints: dict[str, str] = dict(connection.execute(CONSTRAINTS).fetchall())
            self.unproved: dict[str, str] = dict(connection.execute(UNPROVED).fetchall())
            self.not_null: dict[str, bool] = dict(connection.execute(NOT_NULL).fetchall())


def blocking(before: State, after: State, *, concurrent: bool) -> list[str]:
    """Return the effects of a migration that read or write all of an existing table under a lock."""
    old = before.tables.keys()
    rewritten = [
        f"rewrites {name}" for name in old if after.tables.get(name, before.tables[name]) != before.tables[name]
    ]
    indexes = [
        f"builds {name} on {table}"
        for name, table in after.indexes.items()
        if table in old and name not in before.indexes and not concurrent
    ]
    constraints = [
        f"checks {name} on {table}"
        for name, table in after.constraints.items()
        if table in old and name not in before.constraints and name not in before.unproved
    ]
    not_null = [
        f"reads {name} for nulls"
        for name, must in after.not_null.items()
        if must and before.not_null.get(name) is False
    ]
    return rewritten + indexes + constraints + not_null


def steps(url: str, folder: Path, tmp_path: Path) -> dict[str, list[str]]:
    """Return the blocking effects of each migration of the folder, applied one after the other."""
    found: dict[str, list[str]] = {}
    growing = tmp_path / "growing"
    growing.mkdir()
    for name in sorted(file.stem for file in folder.glob("*.sql") if ".rollback" not in file.name):
        for file in (f"{name}.sql", f"{name}.rollback.sql"):
            shutil.copy(folder / file, growing / file)
        before, text = State(url), (folder / f"{name}.sql").read_text()
        migrate(url, growing)
        concurrent = text.startswith("-- transactional: false") and not re.search(
            r"(?i)create (unique )?index (?!conc)", text
        )
        blocked = blocking(before, State(url), concurrent=concurrent)
        if blocked and not SAID.search(text):
            found[name] = blocked
    return found


@pytest.mark.case(229)
def test_every_blocking_migration_documents_it(empty: str, tmp_path: Path) -> None:
    """C-229: a table of three million rows must not be locked while an index is built or every row is read."""
    assert steps(empty, FOLDER, tmp_path).keys() == KNOWN


@pytest.mark.case(270)
def test_every_constraint_is_validated(empty: str) -> None:
    """C-270: one added as `not valid` is not checked for earlier rows."""
    migrate(empty)
    assert State(empty).unproved == {}


@pytest.mark.case(270)
def test_the_sessions_are_validated_beside_requests(empty: str, tmp_path: Path) -> None:
    """C-270: while a request has an uncommitted write to the table."""
    [name] = [name for name in NAMES if name.endswith("_sessions_proved")]
    before, upto = tmp_path / "before", tmp_path / "upto"
    for folder, names in ((before, NAMES[: NAMES.index(name)]), (upto, NAMES[: NAMES.index(name) + 1])):
        folder.mkdir()
        for each in names:
            for file in (f"{each}.sql", f"{each}.rollback.sql"):
                shutil.copy(FOLDER / file, folder)
    migrate(empty, before)
    assert State(empty).unproved == {"sessions_end_reason": "sessions"}
    with psycopg.connect(empty) as request:
        request.execute("delete from sessions")
        assert migrate(empty, upto) == [name]
        request.execute("update sessions set end_reason = 'logout'")
    assert State(empty).unproved == {}


BEFORE = "create table things (id int primary key, name text, old_name varchar(9));"
BLOCKING = [
    "create index things_name on things (name);",
    "-- transactional: false\ncreate index things_name on things (name);",
    "alter table things alter column old_name type int using 1;",
    "alter table things add column made timestamptz not null default clock_timestamp();",
    "alter table things alter column name set not null;",
    "alter table things add constraint things_name_short check (length(name) < 9);",
]
FREE = [
    "-- transactional: false\ncreate index concurrently things_name on things (name);",
    "alter table things add column rank int not null default 0;",
    "alter table things add constraint things_name_short check (length(name) < 9) not valid;",
    "create table more (id int primary key, name text); create index more_name on more (name);",
    "-- blocks: reads things, which has a row for each planet\nalter table things alter column name set not null;",
]


@pytest.mark.parametrize("text", [*BLOCKING, *FREE])
def test_blocking_effects_are_recognized(empty: str, tmp_path: Path, text: str) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    for name, content in (("0001_a", BEFORE), ("0002_b", text)):
        (folder / f"{name}.sql").write_text(content)
        (folder / f"{name}.rollback.sql").write_text("select 1;")
    assert steps(empty, folder, tmp_path).keys() == ({"0002_b"} if text in BLOCKING else set())


@pytest.mark.case(229)
def test_interrupted_index_builds_are_repeated(empty: str) -> None:
    """C-229: outside of a transaction, the steps before the interruption stay."""
    migrate(empty)
    name = next(name for name in NAMES if name.endswith("_due_indexes"))
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("delete from _yoyo_migration where migration_id = %s", [name])
        connection.execute("drop index outbox_events_held")
        assert migrate(empty) == [name]
        assert connection.execute("select to_regclass('outbox_events_held')").fetchone() != (None,)
        assert connection.execute("select 1 from pg_index where not indisvalid").fetchall() == []
