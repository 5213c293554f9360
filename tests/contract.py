"""Checks that signatures match their statements. Returns a list of faults, each with the query's name."""

import re
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from api.kernel.data.sql import Bound
from tests.contract_json import fields_of, nested, records
from tests.contract_values import values
from tests.sql_types import PYTHON, fits, normal, optional

# The only write to another feature's table: signing in renews the hash that it has just checked and cancels a deletion,
# in the transaction that starts the session.
EXCEPTIONS = {("sessions.update_account_on_sign_in", "users")}
WRITES = re.compile(
    r"\b(?:insert\s+into|update|delete\s+from|truncate|merge\s+into|lock\s+table)\s+(?:only\s+)?([a-z_]+)"
)
LOCKS = re.compile(r"\bfor\s+(?:no\s+key\s+)?(?:update|share)\b|\bfor\s+key\s+share\b")


def orphans(folder: Path, bound: Iterable[Bound]) -> list[str]:
    """Return the files that have no signature or several."""
    files = [each.file for each in bound]
    faults = [f"sql/{file.relative_to(folder)} has no signature" for file in folder.rglob("*.sql") if file not in files]
    return faults + [f"{each.name} is bound twice" for each in bound if files.count(each.file) > 1]


async def check(connection: "asyncpg.Connection[asyncpg.Record]", bound: Bound) -> list[str]:
    """Return all faults of a query."""
    try:
        prepared = await connection.prepare(bound.statement)
    except asyncpg.PostgresError as error:
        return [f"{bound.name}: PostgreSQL refuses the statement: {error}"]
    kinds = [kind.name for kind in prepared.get_parameters()]
    faults = _together(bound) if bound.together else []
    if bound.together:
        bound = msgspec.structs.replace(bound, parameters=dict.fromkeys(bound.parameters, list[UUID]))
    faults += [
        *_parameters(bound, kinds),
        *_header(bound, kinds),
        *records(bound),
        *_writes(bound),
        *await _constraints(connection, bound),
    ]
    columns = [column.name for column in prepared.get_attributes()]
    faults += _columns(bound, [(column.name, column.type.name) for column in prepared.get_attributes()])
    faults += await _nullable(connection, bound)
    faults += [fault async for fault in nested(connection, bound, columns)]
    faults += await values(connection, bound, columns, tables_of(bound))
    return [f"{bound.name}: {fault}" for fault in faults]


def _parameters(bound: Bound, kinds: list[str]) -> list[str]:
    if len(kinds) != len(bound.parameters):
        return [f"the statement takes {len(kinds)} parameters, the signature {len(bound.parameters)}"]
    return [
        f"${number} is {kind}, the signature's {name} is {hint}{_advice(kind, f'${number}')}"
        for number, (kind, (name, hint)) in enumerate(zip(kinds, bound.parameters.items(), strict=True), 1)
        if not fits(hint, kind)
    ]


def _together(bound: Bound) -> list[str]:
    """A query with together=True looks up each key by itself. Plans of the other forms depend on the number of keys and
    on the tables' statistics: PostgreSQL plans `= any($1)` anew for each batch, or reads a whole index."""
    keys = [*bound.parameters]
    arrays = ", ".join(f"(select ${number}::uuid[])" for number, _ in enumerate(keys, 1))
    statement = " ".join(re.sub(r"--.*", "", bound.statement).split())
    form = (
        f"select found.* from unnest({arrays}) as asked ({', '.join(keys)}) cross join lateral ( select … limit 1 )"
        " as found"
    )
    begin, _, end = form.partition("…")
    faults = []
    if not (statement.startswith(begin) and statement.rstrip(" ;").endswith(end) and statement.count(" limit ") == 1):
        faults.append(f"a query with together=True asks for one row of each key: write {form}")
    return faults + [
        f"a query with together=True returns the rows of its keys: write `and {column} = asked.{key}`"
        for key, column in zip(keys, _first_columns(statement.removeprefix(begin)), strict=False)
        if not re.search(rf"\b(where|and) {re.escape(column)} = asked\.{key}\b", statement)
    ]


def _first_columns(selected: str) -> list[str]:
    return [column.strip() for column in selected.partition(" from ")[0].split(",")]


def _advice(kind: str, written: str) -> str:
    """Return the advice for a type that the driver would have to look up on each connection."""
    if kind.removesuffix("[]") in PYTHON:
        return ""
    array = "[]" * kind.endswith("[]")
    return f": write {written}::text{array} for an enum, or jsonb for rows"


def _header(bound: Bound, kinds: list[str]) -> list[str]:
    header = bound.statement.split("\n\n")[0]
    lines = [line for line in bound.statement.splitlines() if line.startswith("--")]
    faults = [] if header.startswith("-- ") else ["the statement has no header"]
    listed = [match.groups() for line in lines if (match := re.match(r"--\s+\$(\d+)\s+(\w+)\s+(\w+(?:\[\])?)", line))]
    wanted = [(str(number), name) for number, name in enumerate(bound.parameters, 1)]
    if [(number, name) for number, name, _ in listed] != wanted:
        return [*faults, f"the header lists {[name for _, name, _ in listed]}, the signature {list(bound.parameters)}"]
    return faults + [
        f"the header calls ${number} {kind}, PostgreSQL {actual}"
        for (number, _, kind), actual in zip(listed, kinds, strict=False)
        if normal(kind) != actual
    ]


def _columns(bound: Bound, columns: list[tuple[str, str]]) -> list[str]:
    if bound.cardinality == "none":
        return [f"it returns {name}, which the signature ignores" for name, kind in columns if kind != "void"]
    if bound.cardinality == "counted":
        if columns[0] != ("total", "int8"):
            return [f"the first column is {columns[0]}, and not the total, a bigint"]
        columns = columns[1:]
    fields = fields_of(bound.row, [name for name, _ in columns])
    names = [name for name, _ in fields]
    if names != [name for name, _ in columns]:
        return [f"the columns are {[name for name, _ in columns]}, the fields {names}"]
    return [
        f"the column {name} is {kind}, the field {hint}{_advice(kind, name)}"
        for (name, kind), (_, hint) in zip(columns, fields, strict=True)
        if not fits(hint, kind)
    ]


def tables_of(bound: Bound) -> list[str]:
    return re.findall(r"\b(?:from|join|into|update)\s+([a-z_]+)", bound.statement)


async def _nullable(connection: "asyncpg.Connection[asyncpg.Record]", bound: Bound) -> list[str]:
    """Yield faults of fields without `| None` for a nullable column of the same name in any table read. PostgreSQL does
    not know whether a view's columns are nullable."""
    if not (isinstance(bound.row, type) and issubclass(bound.row, msgspec.Struct)):
        return []
    rows = await connection.fetch(
        "select attname as name, bool_or(not attnotnull) as nullable, count(*) as tables from pg_attribute"
        " where attrelid in (select pg_class.oid from unnest($1::text[]) as name"
        " join pg_class on pg_class.oid = to_regclass(name) where relkind <> 'v')"
        " and attnum > 0 and not attisdropped group by attname",
        tables_of(bound),
    )
    nullable = {row["name"] for row in rows if row["nullable"] and row["tables"] == 1}
    never = {row["name"] for row in rows if not row["nullable"]}
    fields = {field.name: optional(field.type) for field in msgspec.structs.fields(bound.row)}
    faults = [
        f"the column {name} is nullable, the field {name} is not"
        for name, may in fields.items()
        if name in nullable and not may
    ]
    return faults + [
        f"the column {name} is not nullable, the field {name} is"
        for name, may in fields.items()
        if name in never and may
    ]


async def _constraints(connection: "asyncpg.Connection[asyncpg.Record]", bound: Bound) -> list[str]:
    known = {row["conname"] for row in await connection.fetch("select conname from pg_constraint")}
    return [f"there is no constraint {name}" for name in bound.constraints if name not in known]


def _writes(bound: Bound) -> list[str]:
    """A feature writes only its own tables: those named after it or prefixed by its name (users: users,
    user_tokens)."""
    owner = bound.name.partition(".")[0]
    if owner in ("kernel", "worker"):
        own: tuple[str, ...] = ("outbox_", "audit_", "inbox", "inbox_", "schedules", "answers")
    elif owner == "operations":  # owns outbox and inbox
        own = ("operation_", "outbox_", "inbox_")
    else:
        own = (owner, f"{owner.removesuffix('s')}_")
    statement = re.sub(r"--.*|'[^']*'", "", bound.statement.lower())
    statement = re.sub(r"\bfor\s+(no\s+key\s+)?update|\bdo\s+update", "", statement)
    faults = [
        f"it writes {table}, which is not its own"
        for table in WRITES.findall(statement)
        if not _is_own(table, own) and (bound.name, table) not in EXCEPTIONS
    ]
    if bound.cardinality == "stream" and (WRITES.search(statement) or LOCKS.search(bound.statement.lower())):
        faults.append("it writes or locks, and rows are read one by one in a read-only transaction")
    return faults


def _is_own(table: str, own: tuple[str, ...]) -> bool:
    return any(table == name or (name.endswith("_") and table.startswith(name)) for name in own)
