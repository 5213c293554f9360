"""Queries with together=True: the signatures that the import refuses, and the plans of their statements."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data import sql
from api.kernel.data.database import Database, Transaction, uuid7
from api.kernel.data.sql import Bound, QueryError, query
from tests.test_sql import QUERIES


class Row(msgspec.Struct, frozen=True):
    id: UUID
    name: str


class Keyless(msgspec.Struct, frozen=True):
    name: str


async def no_key(db: Database) -> Row | None: ...
async def a_text(db: Database, id: str) -> Row | None: ...
async def many(db: Database, id: UUID) -> list[Row]: ...  # type: ignore[empty-body]
async def writing(db: Transaction, id: UUID) -> Row | None: ...
async def keyless(db: Database, id: UUID) -> Keyless | None: ...
async def value(db: Database, id: UUID) -> UUID | None: ...
async def other(db: Database, sid: UUID) -> Row | None: ...


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sql, "FOLDER", tmp_path)
    (tmp_path / "things").mkdir()
    return tmp_path / "things"


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (no_key, "takes `db: Database` and a key of UUIDs, and returns one row, or None"),
        (a_text, "takes `db: Database` and a key of UUIDs"),
        (many, "and returns one row, or None"),
        (writing, "takes `db: Database`"),
        (keyless, "the first fields of Keyless must be `id: UUID`"),
        (value, "the first fields of UUID must be `id: UUID`"),
        (other, "the first fields of Row must be `sid: UUID`"),
    ],
)
def test_a_signature_that_cannot_be_asked_together_stops_the_import_by_name(
    folder: Path, function: Callable[..., Any], told: str
) -> None:
    statement = "update things set name = ''" if function is writing else "select 1"
    (folder / f"{function.__name__}.sql").write_text(statement)
    function.__module__ = "api.things.queries"
    with pytest.raises(QueryError, match=told) as refused:
        query(together=True)(function)
    assert str(refused.value).startswith(f"things.{function.__name__}: ")


@pytest.mark.parametrize("bound", [each for each in QUERIES if each.together], ids=lambda bound: bound.name)
async def test_each_key_is_looked_up_in_an_index_by_one_plan_for_all_batches(live: Context, bound: Bound) -> None:
    async with live.db.transaction() as db:
        await db.fetch(f"prepare asked as {bound.statement}")
        keys = ", ".join(f"array['{uuid7()}', '{uuid7()}']::uuid[]" for _ in bound.parameters)
        for _ in range(6):  # the sixth gets a plan for all, if its estimate is not worse
            await db.fetch(f"execute asked ({keys})")
        rows = await db.fetch(f"explain execute asked ({keys})")
        plans = await db.fetch("select generic_plans, custom_plans from pg_prepared_statements where name = 'asked'")
        await db.fetch("deallocate asked")
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in plan
    assert plan.count("Scan using ") == len(re.findall(r"Index Cond: .*= asked\.", plan)), plan
    assert [tuple(row) for row in plans] == [(2, 5)], "one plan for all, of the execution and of explain"
