"""C-451: each table of the database is declared by a feature, with its export and its erasure, or is listed here with
the reason why it has no personal data."""

import re
from collections.abc import Sequence

import pytest

from api.features import FEATURES
from api.kernel import CASCADE, PersonalTable
from api.kernel.context import Context
from api.kernel.feature import personal_of

DECLARED = personal_of(FEATURES)
IMPERSONAL = {
    "answers": "encrypted for the client that has the key, for 24 hours; the owner is an HMAC",
    "inbox": "source and id of a message of another service",
    "inbox_dead": "place of a message in Kafka, without its content",
    "notification_keys": "keys that sign links",
    "notification_role_switches": "defaults of roles",
    "outbox_topics": "names of topics",
    "plan_rules": "rates of a tier's target",
    "plan_tiers": "names that superusers give",
    "plan_version": "a number",
    "schedules": "times of tasks",
}


async def tables(context: Context) -> dict[str, list[str]]:
    """Return the columns of each table of the database."""
    rows = await context.db.fetch(
        "select c.relname::text as name, array_agg(a.attname::text) as columns from pg_class c"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname not like '%yoyo%'"
        " group by c.relname"
    )
    return {row["name"]: row["columns"] for row in rows}


async def test_each_table_is_declared_or_has_no_personal_data(context: Context) -> None:
    found, declared = set(await tables(context)), {table.name for table in DECLARED}
    missing = found - declared - IMPERSONAL.keys()
    assert not missing, f"{missing.pop()}: add a PersonalTable to the feature's personal.py and Feature(personal=…)"
    assert (declared | IMPERSONAL.keys()) - found == set(), "this table does not exist"
    assert declared & IMPERSONAL.keys() == set()


async def test_rows_that_leave_by_a_cascade_have_the_foreign_keys(context: Context) -> None:
    """From users, also over other tables."""
    keys = await context.db.fetch(
        "select conrelid::regclass::text as child, confrelid::regclass::text as parent from pg_constraint"
        " where contype = 'f' and confdeltype = 'c'"
    )
    leave = {"users"}
    while more := {row["child"] for row in keys if row["parent"] in leave} - leave:
        leave |= more
    assert {table.name for table in DECLARED if table.erase == CASCADE} - leave == set()


def exported(name: str) -> Sequence[str]:
    """Return the statements that export rows of a table, without comments."""
    statements = [table.export.bound.statement for table in DECLARED if table.name == name and table.exported]  # type: ignore[union-attr]
    return [re.sub(r"--.*", "", statement) for statement in statements]


async def test_each_column_of_an_exported_table_is_exported_or_omitted_for_a_reason(context: Context) -> None:
    """A new column is not forgotten."""
    faults = []
    for name, columns in (await tables(context)).items():
        statements = exported(name)
        if not statements:
            continue
        omitted = {column for table in DECLARED if table.name == name for column in table.omits}
        missing = {each for each in columns if not any(re.search(rf"\b{each}\b", text) for text in statements)}
        faults += [f"{name}.{each} is not exported" for each in missing - omitted]
        faults += [f"{name}.{each} does not exist" for each in omitted - set(columns)]
    assert sorted(faults) == []


def test_an_exported_table_is_described_in_german() -> None:
    for table in DECLARED:
        assert bool(table.holds_de) == bool(table.exported)
    with pytest.raises(TypeError, match="in German"):
        PersonalTable(name="things", holds="Things", export=next(filter(None, (t.exported for t in DECLARED))))
