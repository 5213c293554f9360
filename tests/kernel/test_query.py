"""@query: a signature bound to its file, the number of rows, and the meaning of constraints. tests/test_sql.py checks
every query of the application against the database."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.kernel.data import sql
from api.kernel.data.database import Autocommit, Database, Transaction, uuid7
from api.kernel.data.rows import Counted
from api.kernel.data.sql import QueryError, bound_queries, query, writes
from api.kernel.errors import CONFLICT, NOT_FOUND, conflict
from api.users import queries as users
from api.users.errors import REGISTER_USER_ALREADY_EXISTS
from tests.transactions import in_transaction

F = TypeVar("F", bound=Callable[..., Any])
TAKEN = conflict("TAKEN", "Taken.")


class Row(msgspec.Struct, frozen=True):
    id: int
    name: str


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write a statement of the feature `things`."""
    monkeypatch.setattr(sql, "FOLDER", tmp_path)
    (tmp_path / "things").mkdir()

    def write(name: str, statement: str) -> None:
        (tmp_path / "things" / f"{name}.sql").write_text(statement)

    return write


def in_things(function: F) -> F:
    function.__module__ = "api.things.queries"
    return function


LIST = "select id, name from (values (1, 'a'), (2, 'b')) as t (id, name) where id <= $1 order by id"


async def test_the_return_annotation_determines_the_number_of_rows(
    db: Database, write: Callable[[str, str], None]
) -> None:
    write("many", LIST)
    write("one", LIST)
    write("maybe", LIST)
    write("none", LIST)
    write("numbers", "select id from (" + LIST + ") as t")
    write(
        "counted", "select total, id, name from (select 7::bigint) as c (total) left join (" + LIST + ") as t on true"
    )

    @query
    @in_things
    async def many(db: Database, most: int) -> list[Row]: ...  # type: ignore[empty-body]
    @query
    @in_things
    async def one(db: Database, most: int) -> Row: ...  # type: ignore[empty-body]
    @query
    @in_things
    async def maybe(db: Database, most: int) -> Row | None: ...
    @query
    @in_things
    async def none(db: Database, most: int) -> None: ...
    @query
    @in_things
    async def numbers(db: Database, most: int) -> list[int]: ...  # type: ignore[empty-body]
    @query
    @in_things
    async def counted(db: Database, most: int) -> Counted[Row]: ...  # type: ignore[empty-body]

    assert await many(db, 2) == [Row(1, "a"), Row(2, "b")]
    assert await many(db, 0) == []
    assert await one(db, 1) == await maybe(db, 1) == Row(1, "a")
    assert await maybe(db, 0) is None
    assert await none(db, 2) is None  # type: ignore[func-returns-value]
    assert await numbers(db, 2) == [1, 2]
    assert await counted(db, 2) == Counted(7, [Row(1, "a"), Row(2, "b")])
    assert await counted(db, 0) == Counted(7, [])
    with pytest.raises(NOT_FOUND):
        await one(db, 0)


async def test_a_constraint_maps_to_the_signatures_error_or_a_conflict(
    db: Database, write: Callable[[str, str], None]
) -> None:
    await db.fetch(
        "create table things (id int constraint things_id check (id > 0) constraint things_small check (id < 9))"
    )
    write("insert", "insert into things values ($1)")

    @query(things_id=TAKEN)
    @in_things
    async def insert(db: Transaction, id: int) -> None: ...

    for value, meaning in ((0, TAKEN), (9, CONFLICT)):
        with pytest.raises(meaning) as refused:
            async with db.transaction() as inner:
                await insert(inner, value)
        assert refused.value.status == 409
        assert refused.value.__suppress_context__, "the driver's message is dropped"


async def test_a_statement_names_its_origin_for_the_server(
    db: Database, write: Callable[[str, str], None], spans: InMemorySpanExporter
) -> None:
    write("look", "select query from pg_stat_activity where pid = pg_backend_pid()")

    @query
    @in_things
    async def look(db: Database) -> str: ...  # type: ignore[empty-body]

    assert (await look(db)).startswith("-- things.look\n")
    assert [each.name for each in spans.get_finished_spans()] == ["things.look"]


async def test_a_failed_query_is_a_failed_span(context: Any, spans: InMemorySpanExporter) -> None:
    with pytest.raises(NOT_FOUND):
        await users.get(context.db, uuid7())
    await in_transaction(context.db, users.insert, uuid7(), "ada@example.com", "x", "en", None, None)
    with pytest.raises(REGISTER_USER_ALREADY_EXISTS):
        async with context.db.transaction() as db:
            await users.insert(db, uuid7(), "ada@example.com", "x", "en", None, None)
    failed = [each for each in spans.get_finished_spans() if not each.status.is_unset]
    assert [(each.name, each.status.description, each.events) for each in failed] == [
        ("users.insert", "REGISTER_USER_ALREADY_EXISTS", ())
    ]


def test_a_query_keeps_its_name_and_shows_its_file() -> None:
    assert (users.get.__name__, users.get.__wrapped__.__module__) == ("get", "api.users.queries")  # type: ignore[attr-defined]
    bound = {each.name: each for each in bound_queries(users)}
    assert set(bound) >= {"users.get", "users.insert"}
    assert bound["users.insert"].constraints == {"users_email_key": REGISTER_USER_ALREADY_EXISTS}
    assert bound["users.get"].parameters == {"id": UUID}


def test_a_missing_file_stops_the_import_by_name(write: Callable[[str, str], None]) -> None:
    async def absent(db: Database) -> None: ...

    with pytest.raises(
        QueryError, match=r"things\.absent \(api\.things\.queries\) needs sql/things/absent\.sql: .*No such"
    ):
        query(in_things(absent))


def test_an_unreadable_file_stops_the_import_by_name(write: Callable[[str, str], None], tmp_path: Path) -> None:
    (tmp_path / "things" / "bad.sql").write_bytes(b"\xff")

    async def bad(db: Database) -> None: ...

    with pytest.raises(QueryError, match=r"things\.bad .* needs sql/things/bad\.sql"):
        query(in_things(bad))


async def nothing() -> None: ...
async def no_database(id: int) -> None: ...
async def default(db: Database, id: int = 1) -> None: ...
async def keyword(db: Database, *, id: int) -> None: ...
async def any_number(db: Database, *ids: int) -> None: ...
async def two_kinds(db: Database) -> int | str: ...  # type: ignore[empty-body]


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (nothing, "the first parameter must be `db: Database`"),
        (no_database, "the first parameter must be `db: Database`"),
        (default, "have no defaults"),
        (keyword, "parameters are positional"),
        (any_number, "parameters are positional"),
        (two_kinds, "it must return one row type"),
    ],
)
def test_an_invalid_signature_stops_the_import_by_name(
    write: Callable[[str, str], None], function: Any, told: str
) -> None:
    write(function.__name__, "select 1")
    with pytest.raises(QueryError, match=told) as refused:
        query(in_things(function))
    assert str(refused.value).startswith(f"things.{function.__name__}: ")


async def reads(db: Database) -> None: ...
async def needs(db: Transaction) -> None: ...
async def alone(db: Autocommit) -> None: ...


@pytest.mark.parametrize(
    ("statement", "writing"),
    [
        ("insert into things values (1)", True),
        ("INSERT INTO things values (1)", True),
        ("with gone as (delete from things returning 1) select count(*) from gone", True),
        ("update things set id = 2", True),
        ("merge into things using others on true when matched then delete", True),
        ("select id from things for update skip locked", True),
        ("select id from things for no key update", True),
        ("select id from things for key share", True),
        ("select pg_advisory_xact_lock(7)", True),
        ("select updated_at, inserted from things where kind = 'update'", False),
        ('-- Rows to delete from things.\nselect 1 /* update */ from "update"', False),
        ("select $q$delete from things$q$", False),
    ],
)
def test_a_statement_that_writes_or_locks_demands_a_transaction(
    write: Callable[[str, str], None], statement: str, writing: bool
) -> None:
    """C-323: by its text, at import."""
    assert writes(statement) is writing
    for function in (reads, needs, alone):
        write(function.__name__, statement)
    right, wrong = ([needs, alone], [reads]) if writing else ([reads], [needs, alone])
    for function in right:
        query(in_things(function))
    told = r"must be `db: Transaction`; or `db: Autocommit`" if writing else r"only reads, so .* `db: Database`"
    for function in wrong:
        with pytest.raises(QueryError, match=told) as refused:
            query(in_things(function))
        assert f"things.{function.__name__}: sql/things/{function.__name__}.sql" in str(refused.value)


async def test_a_writing_query_outside_of_a_transaction_names_the_remedy(
    db: Database, write: Callable[[str, str], None]
) -> None:
    """C-320."""
    await db.fetch("create table things (id int)")
    write("insert", "insert into things values ($1)")
    write("count", "select count(*) from things")
    write("clear", "delete from things")

    @query
    @in_things
    async def insert(db: Transaction, id: int) -> None: ...
    @query
    @in_things
    async def count(db: Database) -> int: ...  # type: ignore[empty-body]
    @query
    @in_things
    async def clear(db: Autocommit) -> None: ...

    wrong: Any = db
    with pytest.raises(TypeError, match=r"things\.insert writes, .* `async with context\.db\.transaction\(\) as db:`"):
        await insert(wrong, 1)
    assert await count(db) == 0
    async with db.transaction() as tx:
        await insert(tx, 1)
        assert await count(tx) == 1
        await clear(tx)
        await insert(tx, 2)
    assert await count(db) == 1
    await clear(db)
    assert await count(db) == 0
