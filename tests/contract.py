"""What holds between a signature and its statement, told as a list of faults, each with the query's name."""

import datetime
import re
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from api.kernel.data.sql import Bound

# The one Python type that asyncpg reads and writes for each PostgreSQL type in use.
PYTHON = {
    "uuid": UUID,
    "text": str,
    "varchar": str,
    "name": str,
    "json": str,
    "jsonb": str,
    "bool": bool,
    "int2": int,
    "int4": int,
    "int8": int,
    "float4": float,
    "float8": float,
    "bytea": bytes,
    "timestamptz": datetime.datetime,
    "date": datetime.date,
    "interval": datetime.timedelta,
    "void": type(None),
}
# PostgreSQL's own words for what a header calls integer, float, …
WORDS = {
    "integer": "int4",
    "smallint": "int2",
    "bigint": "int8",
    "float": "float8",
    "double": "float8",
    "boolean": "bool",
    "timestamp": "timestamptz",
}
# The one write outside of a feature's own tables, and why: signing in renews the hash that it has just checked, and
# takes back a deletion, in the transaction that starts the session.
EXCEPTIONS = {("sessions.welcome_back", "users")}
WRITES = re.compile(
    r"\b(?:insert\s+into|update|delete\s+from|truncate|merge\s+into|lock\s+table)\s+(?:only\s+)?([a-z_]+)"
)


def orphans(folder: Path, bound: Iterable[Bound]) -> list[str]:
    """Files that no signature binds, and files that several do."""
    files = [each.file for each in bound]
    faults = [
        f"sql/{file.relative_to(folder)} is bound by no signature"
        for file in folder.rglob("*.sql")
        if file not in files
    ]
    return faults + [f"{each.name} is bound twice" for each in bound if files.count(each.file) > 1]


async def check(connection: "asyncpg.Connection[asyncpg.Record]", bound: Bound) -> list[str]:
    """Everything that is wrong with one query."""
    try:
        prepared = await connection.prepare(bound.statement)
    except asyncpg.PostgresError as error:
        return [f"{bound.name}: PostgreSQL refuses the statement: {error}"]
    kinds = [kind.name for kind in prepared.get_parameters()]
    faults = [
        *_parameters(bound, kinds),
        *_header(bound, kinds),
        *_writes(bound),
        *await _constraints(connection, bound),
    ]
    faults += _columns(bound, [(column.name, column.type.name) for column in prepared.get_attributes()])
    faults += await _nullable(connection, bound)
    return [f"{bound.name}: {fault}" for fault in faults]


def _python(kind: str) -> Any:
    return list[_python(kind.removesuffix("[]"))] if kind.endswith("[]") else PYTHON.get(kind, kind)  # type: ignore[misc]


def _bare(hint: Any) -> Any:
    """The type without `| None` and without Annotated, and so of a list's elements."""
    if typing.get_origin(hint) is typing.Annotated:
        return _bare(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return _bare(next(part for part in typing.get_args(hint) if part is not type(None)))
    if typing.get_origin(hint) is list:
        return list[_bare(typing.get_args(hint)[0])]  # type: ignore[misc]
    return hint


def _optional(hint: Any) -> bool:
    return type(None) in typing.get_args(hint)


def _parameters(bound: Bound, kinds: list[str]) -> list[str]:
    if len(kinds) != len(bound.parameters):
        return [f"the statement takes {len(kinds)} parameters, the signature {len(bound.parameters)}"]
    return [
        f"${number} is {kind}, the signature's {name} is {hint}"
        for number, (kind, (name, hint)) in enumerate(zip(kinds, bound.parameters.items(), strict=True), 1)
        if _bare(hint) != _python(kind)
    ]


def _header(bound: Bound, kinds: list[str]) -> list[str]:
    header = bound.statement.split("\n\n")[0]
    lines = [line for line in bound.statement.splitlines() if line.startswith("--")]
    faults = [] if header.startswith("-- ") else ["the statement has no header that says what it does"]
    told = [match.groups() for line in lines if (match := re.match(r"--\s+\$(\d+)\s+(\w+)\s+(\w+(?:\[\])?)", line))]
    wanted = [(str(number), name) for number, name in enumerate(bound.parameters, 1)]
    if [(number, name) for number, name, _ in told] != wanted:
        return [*faults, f"the header lists {[name for _, name, _ in told]}, the signature {list(bound.parameters)}"]
    return faults + [
        f"the header calls ${number} {kind}, PostgreSQL {actual}"
        for (number, _, kind), actual in zip(told, kinds, strict=False)
        if WORDS.get(kind, kind) != actual
    ]


def _columns(bound: Bound, columns: list[tuple[str, str]]) -> list[str]:
    if bound.cardinality == "none":
        return [f"it answers {name}, which the signature throws away" for name, kind in columns if kind != "void"]
    if isinstance(bound.row, type) and issubclass(bound.row, msgspec.Struct):
        fields = [(field.name, field.type) for field in msgspec.structs.fields(bound.row)]
    else:
        fields = [(columns[0][0], bound.row)] if len(columns) == 1 else []
    names = [name for name, _ in fields]
    if names != [name for name, _ in columns]:
        return [f"the columns are {[name for name, _ in columns]}, the fields {names}"]
    return [
        f"the column {name} is {kind}, the field {hint}"
        for (name, kind), (_, hint) in zip(columns, fields, strict=True)
        if _bare(hint) != _python(kind)
    ]


async def _nullable(connection: "asyncpg.Connection[asyncpg.Record]", bound: Bound) -> list[str]:
    """A field without `| None` on a column of the same name that some table it reads lets be null."""
    if not (isinstance(bound.row, type) and issubclass(bound.row, msgspec.Struct)):
        return []
    tables = re.findall(r"\b(?:from|join|into|update)\s+([a-z_]+)", bound.statement)
    rows = await connection.fetch(
        "select attname as name, bool_or(not attnotnull) as nullable, count(*) as tables from pg_attribute"
        " where attrelid in (select to_regclass(name) from unnest($1::text[]) as name)"
        " and attnum > 0 and not attisdropped group by attname",
        tables,
    )
    nullable = {row["name"] for row in rows if row["nullable"] and row["tables"] == 1}
    never = {row["name"] for row in rows if not row["nullable"]}
    fields = {field.name: _optional(field.type) for field in msgspec.structs.fields(bound.row)}
    faults = [
        f"the column {name} may be null, the field {name} not"
        for name, may in fields.items()
        if name in nullable and not may
    ]
    return faults + [
        f"the column {name} is never null, the field {name} may be"
        for name, may in fields.items()
        if name in never and may
    ]


async def _constraints(connection: "asyncpg.Connection[asyncpg.Record]", bound: Bound) -> list[str]:
    known = {row["conname"] for row in await connection.fetch("select conname from pg_constraint")}
    return [f"there is no constraint {name}" for name in bound.constraints if name not in known]


def _writes(bound: Bound) -> list[str]:
    """A feature writes its own tables: those named after it, whole or as a beginning (users: users, user_tokens)."""
    owner = bound.name.partition(".")[0]
    if owner in ("kernel", "worker"):
        own: tuple[str, ...] = ("outbox_", "audit_", "inbox", "inbox_", "schedules")
    elif owner == "operations":  # whose subject outbox and inbox are
        own = ("outbox_", "inbox_")
    else:
        own = (owner, f"{owner.removesuffix('s')}_")
    statement = re.sub(r"--.*|'[^']*'", "", bound.statement.lower())
    statement = re.sub(r"\bfor\s+(no\s+key\s+)?update|\bdo\s+update", "", statement)
    faults = [
        f"it writes {table}, which is not its own"
        for table in WRITES.findall(statement)
        if not _is_own(table, own) and (bound.name, table) not in EXCEPTIONS
    ]
    return faults


def _is_own(table: str, own: tuple[str, ...]) -> bool:
    return any(table == name or (name.endswith("_") and table.startswith(name)) for name in own)
