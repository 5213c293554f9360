"""The strict decoders: everything that reaches a handler went through here. JSON that two parsers could read
differently is refused (400), what a type does not allow is refused with a pointer to each field (422), and so is text
that PostgreSQL could not store."""

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
    """The whole body, of that media type in UTF-8. Raises UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE (before reading
    where the length is told), REQUEST_TIMEOUT."""
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
    """The fields of a form, urlencoded or multipart/form-data. Raises what `read_body` does, and VALIDATION_FAILED."""
    boundary = boundary_of(headers.get(b"content-type", b""))
    if boundary is not None:
        return parse_multipart(await read(receive, headers, limit), boundary)
    return parse_urlencoded(await read_body(receive, headers, FORM, limit))


def decode_json(body: bytes) -> Any:
    """RFC 8259 JSON, and only what every parser reads the same (RFC 7493): no duplicate keys, no NaN, no endless
    numbers, no byte order mark, no more than MAX_DEPTH levels. Raises MALFORMED_JSON; VALIDATION_FAILED for text or
    integers that cannot be stored."""
    try:
        value = _JSON.decode(body.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise MALFORMED_JSON(f"The body is not valid JSON: see line {error.lineno}, column {error.colno}.") from None
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError too
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
    """Text that PostgreSQL has no place for (NUL, half a surrogate pair), and integers beyond 64 bits. Raises
    MALFORMED_JSON below `depth` levels, which later parsers and encoders would not follow."""
    if depth < 0:
        raise MALFORMED_JSON(f"The body is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            yield FieldError(pointer, "Holds a character that cannot be stored.")
    elif isinstance(value, dict):
        for key, member in value.items():
            if _UNSTORABLE.search(key):
                yield FieldError(pointer, "Has a member whose name cannot be stored.")
            else:
                yield from _unstorable(member, f"{pointer}/{escape(key)}", depth - 1)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _unstorable(member, f"{pointer}/{index}", depth - 1)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield FieldError(pointer, "Is out of range.")


class PairsDecoder:
    """Decodes the fields of a query string or a form into a Struct: text becomes the numbers and booleans its fields
    ask for, in one spelling only. A name may be repeated where its field is a list."""

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
                errors.append(FieldError("", "Has a member whose name cannot be stored."))
            elif _UNSTORABLE.search(value):
                errors.append(FieldError(pointer, "Holds a character that cannot be stored."))
            elif field is list:
                members.setdefault(name, []).append(value)
            elif name in members:
                errors.append(FieldError(pointer, "Is given more than once."))
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
