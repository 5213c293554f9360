"""Rows as CSV and as lines of JSON, and the file name in Content-Disposition."""

import csv
import datetime
import email.message
import io
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.http import streams
from api.kernel.http.streams import disposition_of, to_csv, to_ndjson


class Colour(Enum):
    RED = "red"


class Row(msgspec.Struct, frozen=True):
    id: int
    name: str | None
    more: Any = None


async def rows(*found: Row) -> AsyncIterator[Row]:
    for row in found:
        yield row


async def text_of(chunks: AsyncIterator[bytes]) -> str:
    return b"".join([chunk async for chunk in chunks]).decode()


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


async def test_csv_is_readable_by_other_programs() -> None:
    """RFC 4180, with a header also where there is no row."""
    awkward = 'a "quoted", name\r\nof two lines – ж'
    text = await text_of(to_csv(rows(Row(1, awkward), Row(2, None)), Row))
    assert text.endswith("2,,\r\n")
    assert read(text) == [
        ["id", "name", "more"],
        ["1", awkward, ""],
        ["2", "", ""],
    ]
    assert await text_of(to_csv(rows(), Row)) == "id,name,more\r\n"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (True, "true"),
        (-1.5, "-1.5"),
        (Decimal("-2.50"), "-2.50"),
        (Colour.RED, "red"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC), "2026-01-31T12:00:00Z"),
        (["=1", 2], '["=1",2]'),
        ({"a": None}, '{"a":null}'),
    ],
)
async def test_values_are_written_as_in_json(value: Any, cell: str) -> None:
    text = await text_of(to_csv(rows(Row(1, "x", value)), Row))
    assert read(text)[1] == ["1", "x", cell]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "  ="])
async def test_no_cell_is_a_formula_by_default(start: str) -> None:
    """C-284."""
    formula = f"{start}HYPERLINK(1)"
    for guarded, cell in ((True, f"'{formula}"), (False, formula)):
        text = await text_of(to_csv(rows(Row(1, formula)), Row, guard_formulas=guarded))
        assert read(text)[1][1] == cell
    assert await text_of(to_csv(rows(Row(-1, "a=b")), Row)) == "id,name,more\r\n-1,a=b,\r\n"


async def test_lines_of_json() -> None:
    text = await text_of(to_ndjson(rows(Row(1, "a\nb"), Row(2, None))))
    assert [json.loads(line) for line in text.splitlines()] == [
        {"id": 1, "name": "a\nb", "more": None},
        {"id": 2, "name": None, "more": None},
    ]
    assert await text_of(to_ndjson(rows())) == ""


async def test_the_first_row_is_sent_at_once_and_others_in_chunks() -> None:
    found = [chunk async for chunk in to_csv(rows(*[Row(number, "x" * 100) for number in range(1000)]), Row)]
    assert found[0].count(b"\r\n") == 2
    assert all(streams.CHUNK_BYTES <= len(chunk) < streams.CHUNK_BYTES + 200 for chunk in found[1:-1])
    assert len(found) == 2 + 1000 * 109 // streams.CHUNK_BYTES


async def test_an_unfinished_source_is_closed() -> None:
    """C-289: it releases its resources."""
    closed = []

    async def held() -> AsyncIterator[Row]:
        try:
            for number in range(10**9):
                yield Row(number, "x" * 100)
        finally:
            closed.append(True)

    for chunks in (to_csv(held(), Row), to_ndjson(held())):
        await anext(chunks)
        await chunks.aclose()  # type: ignore[attr-defined]
    assert closed == [True, True]


def parsed(header: str) -> tuple[str | None, str | None]:
    """Return the plain and the extended name, as another parser reads them."""
    message = email.message.Message()
    message["content-disposition"] = header
    (kind, _), *parameters = message.get_params([], header="content-disposition")
    assert kind == "attachment"
    assert {name for name, _ in parameters} == {"filename"}
    plain, *others = [value for _, value in parameters]
    return plain, others[0][2].encode("latin-1").decode(others[0][0]) if others else None


@pytest.mark.parametrize(
    ("filename", "plain", "extended"),
    [
        ("rows.csv", "rows.csv", None),
        ("my rows (1).csv", "my rows (1).csv", None),
        ("Übersicht – März.csv", "_bersicht _ M_rz.csv", "Übersicht – März.csv"),
        ('a"; filename="b.exe', "a__ filename=_b.exe", 'a"; filename="b.exe'),
        ("100%.csv", "100_.csv", "100%.csv"),
        ("../../etc/passwd", ".._.._etc_passwd", None),
        ("a\r\nSet-Cookie: x=y", "a__Set-Cookie: x=y", None),
        ("\ud800.csv", "_.csv", None),
    ],
)
def test_a_file_name_stays_one_parameter(filename: str, plain: str, extended: str | None) -> None:
    """C-284."""
    assert parsed(disposition_of(filename)) == (plain, extended)


@given(st.text(max_size=50))
def test_a_file_name_never_leaves_its_folder(filename: str) -> None:
    """C-284."""
    header = disposition_of(filename)
    assert header.isascii()
    assert header.isprintable()
    plain, extended = parsed(header)
    assert not {"/", "\\"} & set(extended or plain or "")
