"""The contract between Python and SQL: each file has one signature, which matches it on the migrated database. The
checker itself is tested with an invalid query of each kind."""

import ast
import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from api.kernel.data.sql import FOLDER, Bound, bound_queries
from api.kernel.errors import NOT_FOUND
from api.kernel.settings import Settings
from tests.contract import check, orphans

ROOT = FOLDER.parent


def all_queries() -> list[Bound]:
    """Return all queries, found in the source, so that new files need no line here."""
    files = [*sorted((ROOT / "api").rglob("*.py")), *sorted((ROOT / "worker").rglob("*.py"))]
    names = [
        file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for file in files
        if "@query" in file.read_text()
    ]
    modules = [importlib.import_module(name) for name in names if name != "api.kernel.data.sql"]
    return [bound for module in modules for bound in bound_queries(module)]


def own(bound: list[Bound]) -> list[Bound]:
    """Return each query once, although modules that import it have it too."""
    return list({id(each): each for each in bound}.values())


QUERIES = own(all_queries())


@pytest.fixture(scope="module")
async def connection(settings: Settings) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    opened = await asyncpg.connect(settings.database_url)
    yield opened
    await opened.close()


def test_every_file_is_bound_by_exactly_one_signature() -> None:
    assert len(QUERIES) > 20
    assert orphans(FOLDER, QUERIES) == []


@pytest.mark.parametrize("bound", QUERIES, ids=[bound.name for bound in QUERIES])
async def test_a_statement_fits_its_signature(connection: "asyncpg.Connection[asyncpg.Record]", bound: Bound) -> None:
    assert await check(connection, bound) == []


class Account(msgspec.Struct):
    id: UUID
    email: str


class Swapped(msgspec.Struct):
    email: str
    id: UUID


class Mistyped(msgspec.Struct):
    id: UUID
    email: int


class Named(msgspec.Struct):
    id: UUID
    name: str


class Doubtful(msgspec.Struct):
    id: UUID
    email: str | None


HEADER = "-- Finds.\n--\n--   $1 id  uuid\n\n"
FIND = HEADER + "select id, email from users where id = $1;"
WRITING = "update users set name = null where id = $1 returning id, email"
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("syntax", {"statement": HEADER + "selekt"}, "PostgreSQL refuses the statement: syntax error"),
    ("a table that is not there", {"statement": HEADER + "select 1 from nowhere"}, 'relation "nowhere" does not exist'),
    ("a parameter too few", {"parameters": {}}, "the statement takes 1 parameters, the signature 0"),
    ("a parameter too many", {"parameters": {"id": UUID, "b": int}}, "takes 1 parameters, the signature 2"),
    ("a parameter's type", {"parameters": {"id": str}}, "$1 is uuid, the signature's id is <class 'str'>"),
    ("an array's type", {"parameters": {"id": list[UUID]}}, "$1 is uuid, the signature's id is list["),
    ("a parameter's name", {"parameters": {"user_id": UUID}}, "the header lists ['id'], the signature ['user_id']"),
    (
        "the header's type",
        {"statement": FIND.replace("id  uuid", "id  text")},
        "the header calls $1 text, PostgreSQL uuid",
    ),
    ("no header", {"statement": FIND.removeprefix(HEADER)}, "the statement has no header"),
    (
        "a column too many",
        {"statement": FIND.replace("email", "email, name")},
        "the columns are ['id', 'email', 'name']",
    ),
    ("the columns' order", {"row": Swapped}, "the columns are ['id', 'email'], the fields ['email', 'id']"),
    ("a column's type", {"row": Mistyped}, "the column email is text, the field <class 'int'>"),
    (
        "a null",
        {"row": Named, "statement": FIND.replace("email", "name")},
        "the column name is nullable, the field name is not",
    ),
    ("no null", {"row": Doubtful}, "the column email is not nullable, the field email is"),
    ("no total", {"cardinality": "counted"}, "the first column is ('id', 'uuid'), and not the total, a bigint"),
    ("two columns for one value", {"row": UUID}, "the columns are ['id', 'email'], the fields []"),
    (
        "one value's type",
        {"row": int, "statement": HEADER + "select id from users where id = $1"},
        "the field <class 'int'>",
    ),
    ("an ignored answer", {"row": None, "cardinality": "none"}, "it returns id, which the signature ignores"),
    ("a constraint that is not there", {"constraints": {"users_key": NOT_FOUND}}, "there is no constraint users_key"),
    (
        "another's table",
        {"statement": HEADER + "update sessions set user_id = user_id where id = $1 returning id, user_id as email"},
        "it writes sessions, which is not its own",
    ),
    ("a stream that writes", {"cardinality": "stream", "statement": HEADER + WRITING}, "it writes or locks"),
    ("a stream that locks", {"cardinality": "stream", "statement": FIND.replace(";", " for update;")}, "or locks"),
    (
        "another's table in a with",
        {
            "statement": HEADER
            + "with gone as (delete from outbox_tasks returning 1) select id, email from users where id = $1"
        },
        "it writes outbox_tasks, which is not its own",
    ),
]


BY_KEY = """-- Finds.
--
--   $1 id  uuid[]

select found.*
  from unnest((select $1::uuid[])) as asked (id)
 cross join lateral (
    select id, email
      from users
     where id = asked.id
     limit 1
) as found;
"""
FORM = "write select found.* from unnest((select $1::uuid[])) as asked (id) cross join lateral ( select … limit 1 ) as"
WRONG_TOGETHER: dict[str, tuple[dict[str, Any], str]] = {
    "one key": ({"statement": FIND}, "$1 is uuid, the signature's id is list[uuid.UUID]"),
    "a plan for each batch": ({"statement": FIND.replace("uuid\n", "uuid[]\n").replace("$1;", "any($1);")}, FORM),
    "a plan for each batch, with the keys as rows": (
        {"statement": BY_KEY.replace("(select $1::uuid[])", "$1::uuid[]")},
        FORM,
    ),
    "several rows of a key": ({"statement": BY_KEY.replace("     limit 1\n", "")}, FORM),
    "rows of other keys": (
        {"statement": BY_KEY.replace("id = asked.id", "pending_email is null")},
        "returns the rows of its keys: write `and id = asked.id`",
    ),
    "another column in the place of the key": (
        {"statement": BY_KEY.replace("select id,", "select credentials_changed_by as id,")},
        "write `and credentials_changed_by as id = asked.id`",
    ),
    "a column's type": ({"statement": BY_KEY, "row": Mistyped}, "the column email is text, the field <class 'int'>"),
    "a null": ({"statement": BY_KEY.replace("email", "name"), "row": Named}, "the column name is nullable"),
    "the header's type": ({"statement": BY_KEY.replace("uuid[]\n", "uuid\n")}, "the header calls $1 uuid"),
}


def made(**changed: Any) -> Bound:
    right: dict[str, Any] = {
        "name": "users.find_it",
        "file": FOLDER / "users" / "find_it.sql",
        "statement": FIND,
        "parameters": {"id": UUID},
        "row": Account,
        "cardinality": "maybe",
        "constraints": {},
    }
    return Bound(**right | changed)


@pytest.mark.parametrize(("kind", "changed", "told"), WRONG, ids=[kind for kind, _, _ in WRONG])
async def test_an_invalid_query_is_reported_by_its_name(
    connection: "asyncpg.Connection[asyncpg.Record]", kind: str, changed: dict[str, Any], told: str
) -> None:
    faults = await check(connection, made(**changed))
    assert [fault for fault in faults if fault.startswith("users.find_it: ") and told in fault], faults


@pytest.mark.parametrize(("changed", "told"), WRONG_TOGETHER.values(), ids=WRONG_TOGETHER)
async def test_a_wrong_query_of_keys_that_are_asked_together_is_caught_by_its_name(
    connection: "asyncpg.Connection[asyncpg.Record]", changed: dict[str, Any], told: str
) -> None:
    faults = await check(connection, made(together=True, **changed))
    assert [fault for fault in faults if fault.startswith("users.find_it: ") and told in fault], faults


async def test_a_right_query_has_no_fault(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    assert await check(connection, made()) == []
    assert await check(connection, made(together=True, statement=BY_KEY)) == []
    locking = made(statement=FIND.replace(";", " for update;"))
    assert await check(connection, locking) == []
    assert await check(connection, made(cardinality="stream")) == []


def test_a_file_without_a_signature_and_one_with_two_are_caught(tmp_path: Path) -> None:
    (tmp_path / "users").mkdir()
    for name in ("find_it", "lonely"):
        (tmp_path / "users" / f"{name}.sql").write_text(FIND)
    bound = made(file=tmp_path / "users" / "find_it.sql")
    assert orphans(tmp_path, [bound]) == ["sql/users/lonely.sql has no signature"]
    assert "users.find_it is bound twice" in orphans(tmp_path, [bound, bound])


SENDERS = {"fetch", "fetchrow", "fetchval", "execute", "executemany", "prepare"}


def built(source: str) -> list[int]:
    """Return the lines that build a statement instead of using a constant: f-string, +, %, format, join."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in SENDERS
        and node.args
        and isinstance(node.args[0], ast.JoinedStr | ast.BinOp | ast.Call)
    ] + [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.JoinedStr | ast.BinOp)
        and any(
            isinstance(part, ast.Constant)
            and isinstance(part.value, str)
            and part.value.lstrip().lower().startswith(("select ", "insert into ", "update ", "delete from "))
            for part in ast.walk(node)
        )
    ]


@pytest.mark.parametrize("folder", ["api", "worker"])
def test_no_statement_is_built_from_parts(folder: str) -> None:
    found = {str(file): built(file.read_text()) for file in (ROOT / folder).rglob("*.py")}
    assert {file: lines for file, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        'db.fetch(f"select {name}")',
        'db.fetch("select " + name)',
        'db.fetch("select %s" % name)',
        'db.fetch("select {}".format(name))',
        'db.execute(" ".join(parts))',
        'statement = f"delete from {table}"',
        'statement = "update users set " + columns',
    ],
)
def test_a_statement_built_from_parts_is_reported(source: str) -> None:
    assert built(source)


@pytest.mark.parametrize("source", ['db.fetch("select $1", name)', "db.fetch(statement)", 'f"selected {name}"'])
def test_a_constant_statement_is_accepted(source: str) -> None:
    assert not built(source)
