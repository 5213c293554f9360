"""What holds between the JSON of a statement and the Structs of its signature: jsonb_build_object in its columns,
jsonb_to_recordset over its parameters."""

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec

from api.kernel.data.rows import is_json
from api.kernel.data.sql import Bound
from tests.sql_text import Span, arguments, calls, expressions, masked
from tests.sql_types import fits, name_of, normal, optional, struct_in

# Types whose JSON is another text than msgspec reads.
_NOT_IN_JSON = {"bytea", "interval", "bytea[]", "interval[]"}
_RECORD = re.compile(
    r"\bjsonb_to_record(?:set)?\(\s*\$(\d+)\s*(?:::\s*jsonb\s*)?\)\s*(?:as\s+)?\w+\s*\(([^()]*)\)", re.IGNORECASE
)


def fields_of(row: Any, columns: list[str]) -> list[tuple[str, Any]]:
    """Names and types: of a Struct's fields, or of the one column."""
    if isinstance(row, type) and issubclass(row, msgspec.Struct):
        return [(field.name, field.type) for field in msgspec.structs.fields(row)]
    return [(columns[0], row)] if len(columns) == 1 else []


async def nested(
    connection: "asyncpg.Connection[asyncpg.Record]", bound: Bound, columns: list[str]
) -> AsyncIterator[str]:
    """Faults of nested rows: their keys, the types of their values, and a null where no list is."""
    for column, hint in fields_of(bound.row, columns):
        if not is_json(hint) or struct_in(hint) is None:
            continue
        found = _sources(bound.statement, column)
        if not found and "jsonb_build_object" in masked(bound.statement):
            yield f"the column {column} is not found in the statement: write jsonb_build_object(…) as {column}"
        for expression in found:
            async for fault in _expression(connection, bound.statement, f"the column {column}", hint, expression):
                yield fault


def _sources(statement: str, column: str) -> list[Span]:
    """The expressions that a column comes from, through the columns of common table expressions."""
    found: list[Span] = []
    for expression in expressions(statement, column):
        other = re.fullmatch(r"(?:\w+\.)?(\w+)", expression.of(statement))
        renamed = _sources(statement, other[1]) if other and other[1] != column else []
        found += renamed or [expression]
    return found


async def _expression(
    connection: "asyncpg.Connection[asyncpg.Record]", statement: str, where: str, hint: Any, expression: Span
) -> AsyncIterator[str]:
    text = masked(statement)[expression.start : expression.end].strip().lower()
    before, aggregated, _ = text.partition("jsonb_agg")
    if aggregated and not re.search(r"coalesce\s*\(\s*(\(\s*select\s+)?$", before) and not optional(hint):
        yield f"{where} is null where there are no rows: write coalesce(…, '[]')"
    objects = list(calls(statement, expression, "jsonb_build_object"))
    kind = struct_in(hint)
    if kind is None:
        return
    if not objects:
        if re.search(r"\b(to_jsonb?|row_to_json|jsonb?_agg|json_build_object)\b", text):
            first = _names(kind)[0]
            yield f"{where} does not name its keys: write jsonb_build_object('{first}', …) for {name_of(kind)}"
        return  # a stored document
    end = 0
    for start in objects:
        if start > end:  # not inside of the one before
            pairs = arguments(statement, start)
            end = pairs[-1].end
            async for fault in _object(connection, statement, where, kind, pairs):
                yield fault


async def _object(
    connection: "asyncpg.Connection[asyncpg.Record]",
    statement: str,
    where: str,
    kind: type[msgspec.Struct],
    pairs: list[Span],
) -> AsyncIterator[str]:
    keys = [span.of(statement).strip("'") for span in pairs[::2]]
    if sorted(keys) != sorted(_names(kind)):
        yield f"{where} has the keys {keys}, {name_of(kind)} the fields {_names(kind)}"
        return
    hints = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in zip(keys, pairs[1::2], strict=True):
        async for fault in _value(connection, statement, f"{where}: the key {key}", hints[key], value):
            yield fault


async def _value(
    connection: "asyncpg.Connection[asyncpg.Record]", statement: str, where: str, hint: Any, value: Span
) -> AsyncIterator[str]:
    kind = await _type_of(connection, statement, value)
    if kind in _NOT_IN_JSON:
        yield f"{where} is {kind}, which JSON has no form for: write {value.of(statement)}::text"
    elif not fits(hint, kind) or (kind in ("json", "jsonb") and not is_json(hint)):
        yield f"{where} is {kind}, the field {hint}"
    elif is_json(hint):
        async for fault in _expression(connection, statement, where, hint, value):
            yield fault
    elif await _may_be_null(connection, statement, value) and not optional(hint):
        yield f"{where} may be null, the field not"


async def _type_of(connection: "asyncpg.Connection[asyncpg.Record]", statement: str, value: Span) -> str:
    """The type of an expression in its place: PostgreSQL names it in refusing a function that does not exist."""
    probe = f"{statement[: value.start]} no_such_function({value.of(statement)}) {statement[value.end :]}"
    try:
        await connection.prepare(probe)
    except asyncpg.UndefinedFunctionError as error:
        told = re.search(r"no_such_function\((.+)\) does not exist", str(error))
        return normal(told[1]) if told else str(error)
    except asyncpg.PostgresError as error:
        return str(error)
    return "of no type"


async def _may_be_null(connection: "asyncpg.Connection[asyncpg.Record]", statement: str, value: Span) -> bool:
    """Whether an expression is a column, `alias.column`, that its table lets be null."""
    column = re.fullmatch(r"(\w+)\.(\w+)", value.of(statement))
    if column is None:
        return False
    table = re.search(rf"\b(?:from|join)\s+(\w+)\s+(?:as\s+)?{column[1]}\b", masked(statement), re.IGNORECASE)
    return bool(
        await connection.fetchval(
            "select not attnotnull from pg_attribute where attrelid = to_regclass($1) and attname = $2",
            table[1] if table else column[1],
            column[2],
        )
    )


def records(bound: Bound) -> list[str]:
    """Faults of jsonb_to_recordset and jsonb_to_record: their columns are the fields of the parameter's Struct."""
    faults: list[str] = []
    parameters = list(bound.parameters.items())
    for number, listed in _RECORD.findall(masked(bound.statement)):
        name, hint = parameters[int(number) - 1]
        kind = struct_in(hint)
        columns = [tuple(column.split(maxsplit=1)) for column in listed.split(",")]
        if kind is None:
            faults.append(f"${number} is read as records, the signature's {name} is {hint}")
        elif [column[0] for column in columns] != _names(kind):
            faults.append(
                f"${number} is read as records of {[column[0] for column in columns]},"
                f" {name_of(kind)} has the fields {_names(kind)}"
            )
        else:
            fields = zip(columns, msgspec.structs.fields(kind), strict=True)
            faults += [
                f"${number}: the column {column[0]} is {normal(column[1])}, the field {field.type}"
                for column, field in fields
                if not fits(field.type, normal(column[1])) or normal(column[1]) in _NOT_IN_JSON
            ]
            if kind.__struct_config__.omit_defaults:
                faults.append(f"${number}: {name_of(kind)} omits defaults, which are null in PostgreSQL")
    return faults


def _names(kind: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(kind)]
