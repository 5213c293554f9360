"""Converts rows to typed values, and arguments to values that PostgreSQL takes. The converters are chosen at import by
the types of a query's signature: jsonb ↔ Struct, dict, and lists of these; text or integer ↔ Enum.

They are not codecs of the driver: a codec, and a type that the driver does not know, such as an enum or a composite
type of the database, costs each new connection further queries, which a transaction pooler multiplies."""

import enum
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from api.kernel.input.conversion import plain_kind

T = TypeVar("T")
Convert = Callable[[Any], Any]

encode = msgspec.json.Encoder().encode


class RowError(Exception):
    """A column holds a value that its field's type does not allow. The message names the query, the column and the
    path, never the value."""


class Counted(msgspec.Struct, Generic[T], frozen=True):
    """The rows of a page and the number of all, in one statement: the column `total` precedes the columns of the row.
    Without rows, the statement returns the total with nulls."""

    total: int | None
    items: list[T]


def row_maker(name: str, row: Any) -> Callable[[Any], Any]:
    """Return the function with which the query `name` converts a record to `row`: a Struct of its columns, or its only
    column. It raises RowError."""
    if not (isinstance(row, type) and issubclass(row, msgspec.Struct)):
        read = _reader(name, "", row)
        return (lambda record: read(record[0])) if read else lambda record: record[0]
    readers = [
        (index, _reader(name, field.name, field.type)) for index, field in enumerate(msgspec.structs.fields(row))
    ]
    converted = [(index, read) for index, read in readers if read]
    if not converted:
        return lambda record: row(*record)  # columns are in the fields' order, as tests/test_sql.py checks

    def make(record: Any) -> Any:
        values = [*record]
        for index, read in converted:
            values[index] = read(values[index])
        return row(*values)

    return make


def argument_converter(parameters: Mapping[str, Any]) -> Callable[[Sequence[object]], Sequence[object]]:
    """Return the function that converts a query's arguments for the driver; `parameters` are the types in the order of
    $1, $2, …"""
    writers = [(index, _writer(kind)) for index, kind in enumerate(parameters.values())]
    converted = [(index, write) for index, write in writers if write]
    if not converted:
        return lambda arguments: arguments

    def convert(arguments: Sequence[object]) -> Sequence[object]:
        values = [*arguments]
        for index, write in converted:
            values[index] = write(values[index])
        return values

    return convert


def is_json(kind: Any) -> bool:
    """Return whether a type is jsonb in SQL: a Struct, a dict, Any, a union of these, or a list of them."""
    plain, origin = plain_kind(kind), typing.get_origin(plain_kind(kind))
    if origin is list:
        return is_json(typing.get_args(plain)[0])
    if origin in (typing.Union, types.UnionType):
        return all(is_json(part) for part in typing.get_args(plain) if part is not type(None))
    struct = isinstance(plain, type) and issubclass(plain, msgspec.Struct)
    return struct or plain is Any or (origin or plain) is dict


def _reader(name: str, column: str, kind: Any) -> Convert | None:
    read = _plain_reader(kind)
    if read is None:
        return None

    def convert(value: Any) -> Any:
        try:
            return None if value is None else read(value)
        except (msgspec.MsgspecError, ValueError) as error:
            where = f"the column {column}" if column else "its value"
            place = str(error).rpartition(" - at `")[2].rstrip("`") if " - at `" in str(error) else ""
            at = f" at {place}" if place else ""
            raise RowError(f"{name}: {where} does not fit {_name(kind)}{at}.") from None  # the message quotes values

    return convert


def _plain_reader(kind: Any) -> Convert | None:
    if is_json(kind):
        return msgspec.json.Decoder(kind).decode
    plain = plain_kind(kind)
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return plain
    return _each(_plain_reader(typing.get_args(plain)[0])) if typing.get_origin(plain) is list else None


def _writer(kind: Any) -> Convert | None:
    if is_json(kind):
        return lambda value: None if value is None else encode(value).decode()
    plain = plain_kind(kind)
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return lambda value: None if value is None else value.value
    return _each(_writer(typing.get_args(plain)[0])) if typing.get_origin(plain) is list else None


def _each(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    return lambda values: None if values is None else [convert(value) for value in values]


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)
