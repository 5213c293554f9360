"""Statements with rows inside, enums and records, and the types of their signatures, for tests/test_sql_nested.py."""

import enum
import types
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from api.kernel.data.sql import FOLDER, Bound

TABLES = """
create type pg_temp.mood as enum ('calm', 'wild');
create temp table articles (id int primary key, state text not null check (state in ('draft', 'published')),
                            mood pg_temp.mood not null, kind text not null, level int not null check (level in (1, 2)),
                            extra jsonb not null, price numeric not null, tags text[] not null);
create temp table comments (id uuid primary key, article_id int not null, body text not null, note text,
                            written_at timestamptz not null, took interval not null);
"""


class State(enum.Enum):
    DRAFT = "draft"
    PUBLISHED = "published"


class Half(enum.Enum):
    DRAFT = "draft"


class More(enum.Enum):
    DRAFT = "draft"
    PUBLISHED = "published"
    GONE = "gone"


class Mood(enum.StrEnum):
    CALM = "calm"
    WILD = "wild"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Reply(msgspec.Struct):
    body: str


class Comment(msgspec.Struct):
    id: UUID
    body: str
    note: str | None
    written_at: datetime


class Article(msgspec.Struct):
    id: int
    state: State
    extra: dict[str, Any]
    comments: list[Comment]


class Noted(msgspec.Struct):
    note: str | None


class Threaded(msgspec.Struct):
    id: UUID
    body: str
    written_at: datetime
    replies: list[Noted]


class Nested(msgspec.Struct):
    id: int
    state: State
    extra: dict[str, Any]
    comments: list[Threaded]


class Line(msgspec.Struct):
    id: UUID
    amount: int
    note: str | None = None


def comments(aggregated: str = "coalesce(jsonb_agg({}), '[]')", **changed: str) -> str:
    values = {"id": "c.id", "body": "c.body", "note": "c.note", "written_at": "c.written_at"} | changed
    built = ", ".join(f"'{key}', {value}" for key, value in values.items() if value)
    aggregate = aggregated.format(f"jsonb_build_object({built}) order by c.id")
    return f"(select {aggregate} from comments c where c.article_id = a.id)"


HEADER = "-- Finds, 'it' and (more.\n--\n--   $1 id  integer\n\n"


def find(nested: str = comments(), alias: str = " as comments") -> str:
    return f"{HEADER}select a.id, a.state, a.extra, {nested}{alias} from articles a where a.id = $1"


def made(statement: str = find(), row: Any = Article, **changed: Any) -> Bound:
    right: dict[str, Any] = {"parameters": {"id": int}, "cardinality": "maybe", "constraints": {}}
    return Bound("articles.find", FOLDER / "articles/find.sql", statement, row=row, **right | changed)


def one(column: str) -> str:
    return f"{HEADER}select a.{column} from articles a where a.id = $1"


def field(name: str, hint: Any) -> Any:
    return msgspec.defstruct("Row", [(name, hint)])


def inside(hint: Any, key: str = "body") -> Any:
    """An Article of which a comment's field is another."""
    fields = {field.name: field.type for field in msgspec.structs.fields(Comment)} | {key: hint}
    comment: Any = msgspec.defstruct("Comment", list(fields.items()))
    hints = [("id", int), ("state", State), ("extra", dict[str, Any]), ("comments", types.GenericAlias(list, comment))]
    return msgspec.defstruct("Article", hints)


WRITE = """-- Writes.
--
--   $1 lines  jsonb

insert into articles (id) select amount from jsonb_to_recordset($1::jsonb) as line (id uuid, amount int, note text)"""


def through(nested: str) -> str:
    """By the column of a common table expression, of another name."""
    found = f"with found as (select a.*, {nested} as them from articles a)"
    return f"{HEADER}{found} select id, state, extra, found.them as comments from found where id = $1"


def deep(note: str) -> str:
    """Rows inside of rows."""
    inner = f"(select jsonb_agg(jsonb_build_object('note', {note})) from comments d where d.article_id = a.id)"
    return find(comments(note="", replies=inner))


LATER = (
    f"{HEADER}select a.id, jsonb_build_object('body', coalesce((select c.note from comments c limit 1), ')')) as reply"
    " from articles a where a.id = $1"
)
EITHER = (
    f"{HEADER}select a.id, case a.id when 1 then jsonb_build_object('body', a.kind)"
    " else jsonb_build_object('body', a.id) end as reply from articles a where a.id = $1"
)
