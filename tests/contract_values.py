"""What holds between an Enum or Literal of a signature and its column: both allow the same values."""

import re
from typing import Any

import asyncpg

from api.kernel.data.sql import Bound
from tests.contract_json import fields_of
from tests.sql_types import name_of, values_of

_FIND = """
    select (select array_agg(enumlabel::text order by enumsortorder)
              from pg_enum where enumtypid = a.atttypid) as labels,
           (select array_agg(pg_get_constraintdef(c.oid))
              from pg_constraint c
             where c.conrelid = a.attrelid and c.contype = 'c' and c.conkey = array[a.attnum]) as checks
      from pg_attribute a
     where a.attrelid in (select to_regclass(name) from unnest($1::text[]) as name)
       and a.attname = $2
       and not a.attisdropped
"""


async def values(
    connection: "asyncpg.Connection[asyncpg.Record]", bound: Bound, columns: list[str], tables: list[str]
) -> list[str]:
    """Faults of Enums and Literals: values that the column allows and the type has not, and the other way round."""
    faults: list[str] = []
    fields = fields_of(bound.row, columns)
    for column, hint in fields:
        allowed = await _allowed(connection, tables, column) if values_of(hint) else None
        missing = [value for value in allowed or () if value not in map(str, values_of(hint))]
        if allowed == []:
            faults.append(f"the column {column} allows any text: write check ({column} in (…)) for {name_of(hint)}")
        elif missing:
            faults.append(f"the column {column} allows {missing}, which {name_of(hint)} has not")
    for name, hint in {**bound.parameters, **dict(fields)}.items():
        allowed = await _allowed(connection, tables, name) if values_of(hint) else None
        refused = [value for value in values_of(hint) if allowed and str(value) not in allowed]
        if refused:
            faults.append(f"{name_of(hint)} has {refused}, which the column {name} does not allow")
    return faults


async def _allowed(
    connection: "asyncpg.Connection[asyncpg.Record]", tables: list[str], column: str
) -> list[Any] | None:
    """The values that a column allows, by its enum type or its check; empty for any. None where none or several of the
    tables have that column."""
    rows = await connection.fetch(_FIND, tables, column)
    if len(rows) != 1:
        return None
    for check in rows[0]["checks"] or ():
        if re.match(r"CHECK \(\(+\w+(?:\)::\w+)? = (?:ANY|\d|')", check):  # state in ('draft', …), or one value
            return re.findall(r"'([^']*)'", check) or re.findall(r"\b\d+\b", check)
    return rows[0]["labels"] or []
