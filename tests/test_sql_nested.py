"""The contract between Python and SQL for nested rows, jsonb, enums and arrays of records: a valid query has no fault,
and an invalid one is reported with its column, the expected and the actual type."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

import asyncpg
import msgspec
import pytest

from api.kernel.data.sql import Bound
from api.kernel.settings import Settings
from tests.contract import check
from tests.nested_rows import (
    EITHER,
    LATER,
    TABLES,
    WRITE,
    Half,
    Level,
    Line,
    Mood,
    More,
    Nested,
    Reply,
    State,
    comments,
    deep,
    field,
    find,
    inside,
    made,
    one,
    through,
)

RIGHT = {
    "rows inside": made(),
    "by another order of keys": made(
        find(comments().replace("'id', c.id, 'body', c.body", "'body', c.body, 'id', c.id"))
    ),
    "coalesce around the subquery": made(find(f"coalesce({comments('jsonb_agg({})')}, '[]'::jsonb)")),
    "through a common table expression": made(through(comments())),
    "one row inside": made(LATER, msgspec.defstruct("Row", [("id", int), ("reply", Reply)])),
    "a stored document": made(one("extra"), field("extra", Reply)),
    "a document alone": made(one("extra"), dict[str, Any]),
    "a document as text": made(one("extra"), str),
    "an enum of the database": made(one("mood::text"), field("mood", Mood)),
    "an enum of integers": made(one("level"), field("level", Level)),
    "a Literal": made(one("state"), field("state", Literal["draft", "published"])),
    "money": made(one("price"), field("price", Decimal)),
    "an array": made(one("tags"), field("tags", list[str])),
    "records in": made(WRITE, None, parameters={"lines": list[Line]}, cardinality="none"),
    "one record in": made(
        WRITE.replace("recordset", "record").replace("lines", "line"),
        None,
        parameters={"line": Line},
        cardinality="none",
    ),
}
COLUMN = "articles.find: the column comments"
WRONG: dict[str, tuple[Bound, str]] = {
    "a key too few": (
        made(find(comments(note=""))),
        f"{COLUMN} has the keys ['id', 'body', 'written_at'], Comment the fields ['id', 'body', 'note', 'written_at']",
    ),
    "a key misspelled": (
        made(find(comments(note="", notes="c.note"))),
        f"{COLUMN} has the keys ['id', 'body', 'written_at', 'notes']",
    ),
    "a value's type behind a common table expression": (
        made(through(comments(body="c.id"))),
        f"{COLUMN}: the key body is uuid, the field <class 'str'>",
    ),
    "the second of two objects": (
        made(EITHER, msgspec.defstruct("Row", [("id", int), ("reply", Reply)])),
        "articles.find: the column reply: the key body is int4, the field <class 'str'>",
    ),
    "rows inside of rows": (
        made(deep("d.note"), Nested),
        f"{COLUMN}: the key replies is null where there are no rows: write coalesce(…, '[]')",
    ),
    "a value's type inside of rows of rows": (
        made(deep("d.id"), Nested),
        f"{COLUMN}: the key replies: the key note is uuid, the field str | None",
    ),
    "a value's type": (made(row=inside(int)), f"{COLUMN}: the key body is text, the field <class 'int'>"),
    "another value's type": (made(row=inside(str, "id")), f"{COLUMN}: the key id is uuid, the field <class 'str'>"),
    "a value's time": (made(row=inside(str, "written_at")), "the key written_at is timestamptz, the field"),
    "a null inside": (made(row=inside(str, "note")), f"{COLUMN}: the key note may be null, the field not"),
    "a value without a form in JSON": (
        made(find(comments(body="c.took")), row=inside(timedelta)),
        f"{COLUMN}: the key body is interval, which JSON has no form for: write c.took::text",
    ),
    "a document as text inside": (
        made(find(comments(body="a.extra"))),
        f"{COLUMN}: the key body is jsonb, the field <class 'str'>",
    ),
    "no row inside": (
        made(find(comments("jsonb_agg({})"))),
        f"{COLUMN} is null where there are no rows: write coalesce(…, '[]')",
    ),
    "keys that are not named": (
        made(find("(select coalesce(jsonb_agg(c), '[]') from comments c)")),
        f"{COLUMN} does not name its keys: write jsonb_build_object('id', …) for Comment",
    ),
    "no alias": (
        made(find(alias=" comments")),
        f"{COLUMN} is not found in the statement: write jsonb_build_object(…) as comments",
    ),
    "rows of composites": (
        made(find("array(select c from comments c)")),
        f"{COLUMN} is comments[], the field list[tests.nested_rows.Comment]: write comments::text[] for an enum, or"
        " jsonb for rows",
    ),
    "a list for a document": (
        made(one("tags"), field("tags", list[Reply])),
        "the column tags is text[], the field list[",
    ),
    "a document for text": (
        made(one("kind"), field("kind", dict[str, Any])),
        "the column kind is text, the field dict[",
    ),
    "an enum of the database without a cast": (
        made(one("mood"), field("mood", Mood)),
        "the column mood is mood, the field <enum 'Mood'>: write mood::text for an enum",
    ),
    "an enum without a value": (
        made(one("state"), field("state", Half)),
        "the column state allows ['published'], which Half has not",
    ),
    "an enum with one more": (
        made(one("state"), field("state", More)),
        "More has ['gone'], which the column state does not allow",
    ),
    "an enum of another column": (
        made(one("mood::text"), field("mood", State)),
        "allows ['calm', 'wild'], which State",
    ),
    "an enum of integers for text": (made(one("state"), field("state", Level)), "the column state is text, the field"),
    "an enum for any text": (
        made(one("kind"), field("kind", State)),
        "the column kind allows any text: write check (kind in (…)) for State",
    ),
    "a Literal without a value": (
        made(one("level"), field("level", Literal[1])),
        "the column level allows ['2'], which",
    ),
    "an enum as a parameter": (
        made(
            "-- Finds.\n--\n--   $1 state  text\n\nselect id from articles where state = $1",
            int,
            parameters={"state": More},
        ),
        "More has ['gone'], which the column state does not allow",
    ),
    "an enum of the database as a parameter": (
        made(
            "-- Finds.\n--\n--   $1 mood  mood\n\nselect id from articles where mood = $1",
            int,
            parameters={"mood": Mood},
        ),
        "$1 is mood, the signature's mood is <enum 'Mood'>: write $1::text for an enum",
    ),
    "records of other columns": (
        made(WRITE.replace("note text", "notes text"), None, parameters={"lines": list[Line]}, cardinality="none"),
        "$1 is read as records of ['id', 'amount', 'notes'], Line has the fields ['id', 'amount', 'note']",
    ),
    "records of other types": (
        made(WRITE.replace("id uuid", "id text"), None, parameters={"lines": list[Line]}, cardinality="none"),
        "$1: the column id is text, the field <class 'uuid.UUID'>",
    ),
    "records of a dict": (
        made(WRITE, None, parameters={"lines": list[dict[str, Any]]}, cardinality="none"),
        "$1 is read as records, the signature's lines is list[dict[str, typing.Any]]",
    ),
    "records as text": (
        made(WRITE, None, parameters={"lines": list[str]}, cardinality="none"),
        "$1 is jsonb, the signature's lines is list[str]",
    ),
}


@pytest.fixture(scope="module")
async def connection(settings: Settings) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A database with tables of its own, dropped at the end."""
    opened = await asyncpg.connect(settings.database_url)
    await opened.execute(TABLES)
    yield opened
    await opened.close()


@pytest.mark.parametrize("bound", RIGHT.values(), ids=RIGHT)
async def test_a_valid_query_has_no_fault(connection: "asyncpg.Connection[asyncpg.Record]", bound: Bound) -> None:
    assert await check(connection, bound) == []


@pytest.mark.parametrize(("bound", "told"), WRONG.values(), ids=WRONG)
async def test_an_invalid_query_is_reported_with_its_column(
    connection: "asyncpg.Connection[asyncpg.Record]", bound: Bound, told: str
) -> None:
    """C-306."""
    faults = await check(connection, bound)
    assert [fault for fault in faults if fault.startswith("articles.find: ") and told in fault], faults
