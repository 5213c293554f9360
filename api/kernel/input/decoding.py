"""Strict decoders for all input of handlers. Ambiguous JSON is refused (400). Values that a type does not allow are
refused with a pointer to each field (422), and so is text that PostgreSQL cannot store."""

import json
import math
import re
import typing
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from starlette.types import Receive

from api.kernel.errors import MALFORMED_JSON, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED, FieldError
from api.kernel.input.bodies import CLOSE, MAX_BODY_BYTES, read
from api.kernel.input.conversion import MOST_ERRORS, convert, escape, plain_kind
from api.kernel.input.forms import FORM, boundary_of, parse_multipart, parse_urlencoded

JSON = "application/json"
MAX_DEPTH = 64
_SUSPECT = re.compile(rb"\\u|[0-9]{19}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


async def read_body(
    receive: Receive, headers: dict[bytes, bytes], media_type: str, limit: int = MAX_BODY_BYTES
) -> bytes:
    """Read the whole body, which must have the media type, in UTF-8. Raises UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE
    (before reading if the length is declared), REQUEST_TIMEOUT."""
    kind, _, parameters = headers.get(b"content-type", b"").decode("latin-1").lower().partition(";")
    charset = re.fullmatch(r"\s*(charset=\"?utf-8\"?)?\s*", parameters)
    if kind.strip() != media_type or charset is None:
        raise UNSUPPORTED_MEDIA_TYPE(
            f"This needs a body of type {media_type}, in UTF-8, not compressed.", headers=CLOSE
        )
    return await read(receive, headers, limit)


async def read_form(
    receive: Receive, headers: dict[bytes, bytes], limit: int = MAX_BODY_BYTES
) -> list[tuple[str, str]]:
    """Read the fields of a form, urlencoded or multipart/form-data. Raises like `read_body`, and VALIDATION_FAILED."""
    boundary = boundary_of(headers.get(b"content-type", b""))
    if boundary is not None:
        return parse_multipart(await read(receive, headers, limit), boundary)
    return parse_urlencoded(await read_body(receive, headers, FORM, limit))


def decode_json(body: bytes) -> Any:
    """Decode RFC 8259 JSON that all parsers read alike (RFC 7493): no duplicate keys, no NaN, no unbounded numbers, no
    byte order mark, at most MAX_DEPTH levels. Raises MALFORMED_JSON; VALIDATION_FAILED for text or integers that cannot
    be stored."""
    try:
        value = _JSON.decode(body.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise MALFORMED_JSON(f"The body is not valid JSON: see line {error.lineno}, column {error.colno}.") from None
    except (ValueError, RecursionError):  # includes UnicodeDecodeError
        raise MALFORMED_JSON from None
    if _SUSPECT.search(body) or body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        errors = list(_unstorable(value, "", MAX_DEPTH))
        if errors:
            raise VALIDATION_FAILED(errors=errors[:MOST_ERRORS])
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate key")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("out of range")
    return number


def _refuse(constant: str) -> float:
    raise ValueError(constant)


_JSON = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_float=_finite, parse_constant=_refuse)


def _unstorable(value: Any, pointer: str, depth: int) -> Iterator[FieldError]:
    """Yield errors for text that PostgreSQL cannot store (NUL, lone surrogates) and integers beyond 64 bits. Raises
    MALFORMED_JSON below `depth` levels, which parsers and encoders may not handle."""
    if depth < 0:
        raise MALFORMED_JSON(f"The body is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            yield FieldError(pointer, "Holds a character that cannot be stored.", "characters")
    elif isinstance(value, dict):
        for key, member in value.items():
            if _UNSTORABLE.search(key):
                yield FieldError(pointer, "Has a member whose name cannot be stored.", "characters")
            else:
                yield from _unstorable(member, f"{pointer}/{escape(key)}", depth - 1)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _unstorable(member, f"{pointer}/{index}", depth - 1)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield FieldError(pointer, "Is out of range.", "out_of_range")


class PairsDecoder:
    """Decodes the fields of a query string or form into a Struct. Text becomes the numbers and booleans of its fields,
    in one spelling only. A name may be repeated if its field is a list."""

    def __init__(self, kind: type[msgspec.Struct]) -> None:
        self._kind = kind
        plain = {field.encode_name: plain_kind(field.type) for field in msgspec.structs.fields(kind)}
        self._fields = {name: typing.get_origin(kind) or kind for name, kind in plain.items()}

    def decode(self, pairs: list[tuple[str, str]]) -> msgspec.Struct:
        """Raises VALIDATION_FAILED."""
        members: dict[str, Any] = {}
        errors: list[FieldError] = []
        for name, value in pairs:
            field, pointer = self._fields.get(name, str), f"/{escape(name[:100])}"
            if _UNSTORABLE.search(name):
                errors.append(FieldError("", "Has a member whose name cannot be stored.", "characters"))
            elif _UNSTORABLE.search(value):
                errors.append(FieldError(pointer, "Holds a character that cannot be stored.", "characters"))
            elif field is list:
                members.setdefault(name, []).append(value)
            elif name in members:
                errors.append(FieldError(pointer, "Is given more than once.", "repeated"))
            else:
                members[name] = _SPELLINGS.get(field, str)(value)
        if errors:
            raise VALIDATION_FAILED(errors=errors[:MOST_ERRORS])
        return convert(members, self._kind)


def _whole(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text) else text


_SPELLINGS: dict[Any, Callable[[str], Any]] = {
    int: _whole,
    bool: lambda text: {"true": True, "false": False}.get(text, text),
}
