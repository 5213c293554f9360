"""Nested rows, enums, jsonb and arrays of records in queries, against PostgreSQL and over HTTP."""

import enum
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar, assert_type
from uuid import UUID

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data import sql
from api.kernel.data.database import Autocommit, Database, uuid7
from api.kernel.data.rows import RowError
from api.kernel.data.sql import query
from api.kernel.feature import Feature
from api.kernel.http.routing import get, post
from api.kernel.identity.auth import anyone
from api.kernel.settings import Settings
from tests.kernel.test_routing import app_of, problem

F = TypeVar("F", bound=Callable[..., Any])


def in_things(function: F) -> F:
    function.__module__ = "api.things.queries"
    return function


class State(enum.Enum):
    DRAFT = "draft"
    PUBLISHED = "published"


class Comment(msgspec.Struct, frozen=True):
    id: UUID
    body: str
    written_at: datetime
    state: State
    reply_to: UUID | None


class Author(msgspec.Struct, frozen=True):
    name: str
    bio: str | None


class Article(msgspec.Struct, frozen=True):
    id: int
    state: State
    author: Author | None
    tags: list[str]
    comments: list[Comment]
    extra: dict[str, Any]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    product: str
    amount: int
    note: str | None = None


TABLES = """
create type article_state as enum ('draft', 'published');
create table articles (id int primary key, state text not null check (state in ('draft', 'published')),
                       mood article_state not null default 'draft', tags text[] not null default '{}',
                       extra jsonb not null default '{}');
create table comments (id uuid primary key, article_id int not null, body text not null,
                       written_at timestamptz not null, state text not null, reply_to uuid);
create table lines (product text not null, amount int not null, note text);
"""
SHOW = """
select a.id, a.state,
       case when a.id = 1 then jsonb_build_object('name', 'Ada', 'bio', null) end as author, a.tags,
       (select coalesce(jsonb_agg(jsonb_build_object(
                   'id', c.id, 'body', c.body, 'written_at', c.written_at, 'state', c.state, 'reply_to', c.reply_to)
                   order by c.id), '[]')
          from comments c
         where c.article_id = a.id) as comments,
       a.extra
  from articles a
 where a.id = $1
"""
ADD_LINES = """
insert into lines (product, amount, note)
select product, amount, note from jsonb_to_recordset($1::jsonb) as line (product text, amount int, note text)
returning product
"""


@pytest.fixture
async def write(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write a statement of the feature `things`, whose tables exist."""
    monkeypatch.setattr(sql, "FOLDER", tmp_path)
    (tmp_path / "things").mkdir()
    for statement in filter(str.strip, TABLES.split(";")):
        await db.fetch(statement)

    def write(name: str, statement: str) -> None:
        (tmp_path / "things" / f"{name}.sql").write_text(statement)

    return write


def bound_show(write: Callable[[str, str], None]) -> Any:
    write("show", SHOW)

    @query
    @in_things
    async def show(db: Database, id: int) -> Article: ...  # type: ignore[empty-body]

    return show


async def test_a_row_has_nested_rows(db: Database, write: Callable[[str, str], None]) -> None:
    """C-306."""
    show = bound_show(write)
    ids = [uuid7(), uuid7()]
    at = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
    await db.fetch("insert into articles (id, state, tags, extra) values (1, 'draft', '{a,b}', '{\"n\": [1, null]}')")
    await db.fetch("insert into articles (id, state) values (2, 'published')")
    await db.fetch("insert into comments values ($1, 1, 'é \"', $2, 'draft', null)", ids[0], at)
    await db.fetch("insert into comments values ($1, 1, '', $2, 'published', $3)", ids[1], at, ids[0])
    comments = [Comment(ids[0], 'é "', at, State.DRAFT, None), Comment(ids[1], "", at, State.PUBLISHED, ids[0])]
    assert await show(db, 1) == Article(1, State.DRAFT, Author("Ada", None), ["a", "b"], comments, {"n": [1, None]})
    assert await show(db, 2) == Article(2, State.PUBLISHED, None, [], [], {})


async def test_one_column_may_be_a_document_or_an_enum(db: Database, write: Callable[[str, str], None]) -> None:
    write("documents", "select extra from articles order by id")
    write("mood", "select mood::text from articles where id = $1")
    write("moods", "select array_agg(mood::text) from articles")

    @query
    @in_things
    async def documents(db: Database) -> list[dict[str, Any]]: ...  # type: ignore[empty-body]
    @query
    @in_things
    async def mood(db: Database, id: int) -> State | None: ...
    @query
    @in_things
    async def moods(db: Database) -> list[State] | None: ...

    assert_type(await documents(db), list[dict[str, Any]])
    assert_type(await mood(db, 1), State | None)
    await db.fetch("insert into articles (id, state, extra) values (1, 'draft', '{\"a\": 1}'), (2, 'draft', '{}')")
    assert await documents(db) == [{"a": 1}, {}]
    assert (await mood(db, 1), await mood(db, 3)) == (State.DRAFT, None)


async def test_documents_enums_and_records_are_parameters(db: Database, write: Callable[[str, str], None]) -> None:
    """C-307: as values of one statement, with any content."""
    write(
        "insert",
        "insert into articles (id, state, mood, tags, extra)"
        " values ($1, $2, $3::text::article_state, $4, coalesce($5::jsonb, '{}'))",
    )
    write("add_lines", ADD_LINES)

    @query
    @in_things
    async def insert(
        db: Autocommit, id: int, state: Literal["draft"], mood: State, tags: list[State], extra: dict[str, Any] | None
    ) -> None: ...
    @query
    @in_things
    async def add_lines(db: Autocommit, lines: list[Line]) -> list[str]: ...  # type: ignore[empty-body]

    await insert(
        db, 1, "draft", State.PUBLISHED, [State.DRAFT], {"id": UUID(int=1), "at": datetime(2026, 1, 1, tzinfo=UTC)}
    )
    await insert(db, 2, "draft", State.DRAFT, [], None)
    rows = await db.fetch("select mood::text, tags, extra from articles order by id")
    assert [tuple(row) for row in rows] == [
        ("published", ["draft"], f'{{"at": "2026-01-01T00:00:00Z", "id": "{UUID(int=1)}"}}'),
        ("draft", [], "{}"),
    ]
    hostile = "'); drop table lines; --"
    assert await add_lines(db, [Line(hostile, 1, '"'), Line("b", 2)]) == [hostile, "b"]
    assert await add_lines(db, []) == []
    assert [tuple(row) for row in await db.fetch("select * from lines order by amount")] == [
        (hostile, 1, '"'),
        ("b", 2, None),
    ]


async def test_a_stream_takes_the_same_parameters(db: Database, write: Callable[[str, str], None]) -> None:
    """C-307."""
    records = "jsonb_to_recordset($1::jsonb) as line (product text, amount int, note text)"
    write("echo", f"select product, amount, note from {records}")

    @query
    @in_things
    def echo(db: Database, lines: list[Line]) -> AsyncIterator[Line]: ...  # type: ignore[empty-body]

    lines = [Line("a", 1, '"'), Line("b", 2)]
    assert [line async for line in echo(db, lines)] == lines


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("update articles set extra = '[\"secret\"]'", r"things\.show: the column extra does not fit dict\[.*\]\.$"),
        (
            "insert into comments values (gen_random_uuid(), 1, '', now(), 'secret', null)",
            r"things\.show: the column comments does not fit list\[.*Comment\] at \$\[0\]\.state\.$",
        ),
        (
            "alter table articles drop constraint articles_state_check; update articles set state = 'secret'",
            r"things\.show: the column state does not fit State\.$",
        ),
    ],
)
async def test_a_mismatch_is_reported_by_its_place_and_without_its_value(
    db: Database, write: Callable[[str, str], None], change: str, told: str
) -> None:
    """C-306."""
    show = bound_show(write)
    await db.fetch("insert into articles (id, state) values (1, 'draft')")
    for statement in change.split(";"):
        await db.fetch(statement)
    with pytest.raises(RowError, match=told) as raised:
        await show(db, 1)
    assert raised.value.__suppress_context__


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lines: list[Line]


async def test_nested_rows_over_http(settings: Settings, context: Context, write: Callable[[str, str], None]) -> None:
    """C-307: an integer out of the column's range is a client error."""
    show = bound_show(write)
    write("add_lines", ADD_LINES)

    @query
    @in_things
    async def add_lines(db: Autocommit, lines: list[Line]) -> list[str]: ...  # type: ignore[empty-body]

    async def show_article(context: Context, id: int) -> Article:
        article: Article = await show(context.db, id)
        return article

    async def order(context: Context, body: Order) -> list[str]:
        async with context.db.transaction() as db:
            return await add_lines(db, body.lines)

    routes = [get("/articles/{id}", show_article, guard=anyone), post("/orders", order, guard=anyone)]
    await context.db.fetch("insert into articles (id, state) values (1, 'published')")
    transport = httpx.ASGITransport(
        app_of(settings, context, Feature(name="things", routes=routes)), raise_app_exceptions=False
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as client:
        shown = await client.get("/articles/1")
        assert shown.json() == {
            "id": 1,
            "state": "published",
            "author": {"name": "Ada", "bio": None},
            "tags": [],
            "comments": [],
            "extra": {},
        }
        problem(await client.get("/articles/2"), 404, "NOT_FOUND")
        lines = {"lines": [{"product": "tea", "amount": 1}, {"product": "milk", "amount": 2, "note": "cold"}]}
        assert (await client.post("/orders", json=lines)).json() == ["tea", "milk"]
        too_many = {"lines": [{"product": "tea", "amount": 2**31}]}
        problem(await client.post("/orders", json=too_many), 422, "VALIDATION_FAILED")
        problem(await client.get(f"/articles/{2**31}"), 422, "VALIDATION_FAILED")
