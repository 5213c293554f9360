"""Decoders of path parameters. A value of the wrong form is NOT_FOUND: no resource has that path."""

import datetime
import enum
import functools
import re
import typing
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from api.kernel.errors import NOT_FOUND
from api.kernel.input.conversion import Normal, plain_kind

_UUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def path_decoder(kind: Any) -> Callable[[str], Any]:
    """The decoder of a path parameter: a UUID, str, int or date, an Enum or Literal of str or of int, each with the
    constraints of `Annotated[…, msgspec.Meta(…)]`. It raises NOT_FOUND. Raises TypeError for another type."""
    plain = plain_kind(kind)
    if any(isinstance(part, Normal) for part in getattr(kind, "__metadata__", ())):
        raise TypeError("a path parameter has no Normal form: one resource has one path.")
    if plain is UUID:
        return _decode_uuid
    spelling = _spelling(plain)
    if spelling is None or (kind != plain and typing.get_origin(kind) is not typing.Annotated):
        raise TypeError("a path parameter is a UUID, str, int, date, or an Enum or Literal of str or of int.")
    return functools.partial(_decode, spelling, kind)


def _spelling(plain: Any) -> Callable[[str], Any] | None:
    """How the text of a path becomes the value that msgspec converts."""
    values: typing.Iterable[Any] = ()
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        values = [member.value for member in plain]
    elif typing.get_origin(plain) is typing.Literal:
        values = typing.get_args(plain)
    kinds = {type(value) for value in values} or {plain}
    if kinds == {int}:
        return _integer
    return _text if kinds in ({str}, {datetime.date}) else None


def _decode(spelling: Callable[[str], Any], kind: Any, value: str) -> Any:
    try:
        return msgspec.convert(spelling(value), kind)
    except (msgspec.ValidationError, ValueError):
        raise NOT_FOUND from None


def _integer(value: str) -> int:
    """In one spelling, so that one resource has one path, and within 64 bits."""
    if not _INTEGER.fullmatch(value):
        raise ValueError
    return int(value)


def _text(value: str) -> str:
    """Without the characters that PostgreSQL cannot store."""
    if _UNSTORABLE.search(value):
        raise ValueError
    return value


def _decode_uuid(value: str) -> UUID:
    if not _UUID.fullmatch(value):
        raise NOT_FOUND
    return UUID(value)
