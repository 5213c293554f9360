"""Which Python type a PostgreSQL type is in a signature."""

import datetime
import decimal
import enum
import types
import typing
from typing import Any
from uuid import UUID

import msgspec

from api.kernel.data.rows import is_json

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
    "numeric": decimal.Decimal,
    "bytea": bytes,
    "timestamptz": datetime.datetime,
    "date": datetime.date,
    "interval": datetime.timedelta,
    "void": type(None),
}
# PostgreSQL's own words for what a header or an error message calls integer, float, …
WORDS = {
    "int": "int4",
    "integer": "int4",
    "smallint": "int2",
    "bigint": "int8",
    "float": "float8",
    "double": "float8",
    "double precision": "float8",
    "real": "float4",
    "boolean": "bool",
    "timestamp": "timestamptz",
    "timestamp with time zone": "timestamptz",
    "character varying": "varchar",
    "unknown": "text",  # a literal
}


def normal(word: str) -> str:
    """PostgreSQL's internal name of a type, from the name in SQL."""
    word = word.strip().lower()
    return f"{normal(word[:-2])}[]" if word.endswith("[]") else WORDS.get(word, word)


def bare(hint: Any) -> Any:
    """The type without `| None` and without Annotated, and so of a list's elements."""
    if typing.get_origin(hint) is typing.Annotated:
        return bare(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        parts = [part for part in typing.get_args(hint) if part is not type(None)]
        return bare(parts[0]) if len(parts) == 1 else hint
    if typing.get_origin(hint) is list:
        return list[bare(typing.get_args(hint)[0])]  # type: ignore[misc]
    return hint


def optional(hint: Any) -> bool:
    return type(None) in typing.get_args(hint)


def values_of(hint: Any) -> list[Any]:
    """The values of an Enum or a Literal; none of another type."""
    plain = bare(hint)
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return [member.value for member in plain]
    return list(typing.get_args(plain)) if typing.get_origin(plain) is typing.Literal else []


def fits(hint: Any, kind: str) -> bool:
    """Whether a signature's type is the one for a PostgreSQL type."""
    plain = bare(hint)
    if is_json(plain):
        return kind in ("jsonb", "json")
    if typing.get_origin(plain) is list:
        return kind.endswith("[]") and fits(typing.get_args(plain)[0], kind[:-2])
    kinds = {type(value) for value in values_of(plain)} or {plain}
    return kinds == {PYTHON.get(kind)}


def name_of(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def struct_in(hint: Any) -> type[msgspec.Struct] | None:
    """The Struct of `Struct`, `Struct | None` or `list[Struct]`."""
    plain = bare(hint)
    if typing.get_origin(plain) is list:
        return struct_in(typing.get_args(plain)[0])
    return plain if isinstance(plain, type) and issubclass(plain, msgspec.Struct) else None
