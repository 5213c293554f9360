"""Converts decoded input to a handler's type: texts are normalized, nothing is coerced, and every invalid field is
reported. Converts texts in responses to their display form."""

import functools
import itertools
import re
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from api.kernel.errors import VALIDATION_FAILED, FieldError

T = TypeVar("T")

MOST_ERRORS = 20
"""Maximum number of errors in one answer."""


class Unfit(ValueError):
    """Why the form of a Normal refuses a text: a sentence, and the code and the params of its FieldError."""

    def __init__(self, detail: str, code: str, **params: int | float | str) -> None:
        super().__init__(detail)
        self.code, self.params = code, params


class Normal(msgspec.Struct, frozen=True):
    """In `Annotated[str, Normal(form), Meta(…)]` on a field of a body, form, query or message: replaces the text by its
    normal form before any other check. `form` raises Unfit."""

    form: Callable[[str], str]


class Shown(msgspec.Struct, frozen=True):
    """In `Annotated[str, Shown(form)]` on a field of a response: the handler returns the stored text, and the client
    receives `form` of it."""

    form: Callable[[str], str]


def convert(value: Any, kind: type[T]) -> T:
    """Convert the value to the type, with normalization and without coercion. Raises VALIDATION_FAILED with all invalid
    fields, not only the first."""
    errors: list[FieldError] = []
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        value = dict(value)
        for name, form in _forms(kind, Normal).items():
            try:
                if isinstance(value.get(name), str):
                    value[name] = form(value[name])
            except Unfit as error:
                errors.append(FieldError(f"/{escape(name)}", str(error), error.code, error.params or msgspec.UNSET))
    try:
        converted = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        named = {error.pointer for error in errors}
        errors += (error for error in _field_errors(value, kind, "") if error.pointer not in named)
    if errors:
        raise VALIDATION_FAILED(errors=errors[:MOST_ERRORS])
    return converted


def shown(answer: Any) -> Any:
    """Return the answer with each Shown text in its display form."""
    if not isinstance(answer, msgspec.Struct):
        return answer
    changed = {}
    for name, form in _forms(type(answer), Shown).items():
        stored = getattr(answer, name)
        if stored is not None and (text := form(stored)) != stored:
            changed[name] = text
    return msgspec.structs.replace(answer, **changed) if changed else answer


@functools.cache
def _forms(kind: type[msgspec.Struct], marker: type[Normal | Shown]) -> dict[str, Callable[[str], str]]:
    """Return the form of each field of a Struct that has one."""
    forms = {field.encode_name: _form(field.type, marker) for field in msgspec.structs.fields(kind)}
    return {name: form for name, form in forms.items() if form}


def _form(kind: Any, marker: type[Normal | Shown]) -> Callable[[str], str] | None:
    found = (part.form for part in getattr(kind, "__metadata__", ()) if isinstance(part, marker))
    inside = (_form(part, marker) for part in typing.get_args(kind))
    return next(itertools.chain(found, filter(None, inside)), None)


def _field_errors(value: Any, kind: Any, pointer: str) -> Iterator[FieldError]:
    """Yield all errors of the value, by checking each field of a Struct and each item of a list: msgspec stops at the
    first error."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        inside = list(_faults_inside(value, plain_kind(kind), pointer))
        yield from inside or [_field_error(str(error), pointer)]


def _faults_inside(value: Any, kind: Any, pointer: str) -> Iterator[FieldError]:
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        for name, field in fields.items():
            if name in value:
                yield from _field_errors(value[name], field.type, f"{pointer}/{escape(name)}")
            elif field.required:
                yield FieldError(f"{pointer}/{escape(name)}", "This field is required.", "required")
        for name in value:
            if name not in fields and kind.__struct_config__.forbid_unknown_fields:
                yield FieldError(f"{pointer}/{escape(name[:100])}", "There is no such field.", "unknown")
    elif isinstance(value, list) and typing.get_origin(kind) is list:
        for index, item in enumerate(value):
            yield from _field_errors(item, typing.get_args(kind)[0], f"{pointer}/{index}")


# msgspec's messages, in terms of a client's form.
_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "object": "an object",
    "array": "a list",
    "uuid": "a UUID",
    "datetime": "a time such as 2026-01-31T12:00:00Z",
    "date": "a date such as 2026-01-31",
    "time": "a time of day such as 12:00:00Z",
}
_WORDS: tuple[tuple[str, Callable[[re.Match[str]], tuple[str, str, dict[str, Any]]]], ...] = (
    (
        r"Expected `(\w+)` of length (\d+)",
        lambda m: (f"Must have exactly {m[2]} {_unit(m[1])}.", "length", _as(m, "length")),
    ),
    (
        r"Expected `(\w+)` of length >= (\d+)",
        lambda m: (f"Must have at least {m[2]} {_unit(m[1])}.", _size(m, "short", "few"), _as(m, "min")),
    ),
    (
        r"Expected `(\w+)` of length <= (\d+)",
        lambda m: (f"Must have at most {m[2]} {_unit(m[1])}.", _size(m, "long", "many"), _as(m, "max")),
    ),
    (r"Expected `(\w+)` >= (-?[\d.]+)", lambda m: (f"Must be {m[2]} or more.", "too_small", _as(m, "min"))),
    (r"Expected `(\w+)` <= (-?[\d.]+)", lambda m: (f"Must be {m[2]} or less.", "too_large", _as(m, "max"))),
    (
        r"Expected `(\w+)` that's a multiple of ([\d.]+)",
        lambda m: (f"Must be a multiple of {m[2]}.", "multiple", _as(m, "of")),
    ),
    (
        r"Expected `datetime` with a timezone",
        lambda m: ("Must say its time zone, such as 2026-01-31T12:00:00Z.", "time_zone", {}),
    ),
    (r"Expected `str` matching regex", lambda m: ("Does not have the right form.", "form", {})),
    (
        r"Expected `([\w| ]+)`, got",
        lambda m: (f"Must be {' or '.join(_KINDS.get(k, k) for k in m[1].split(' | '))}.", "kind", {}),
    ),
    (r"Invalid UUID", lambda m: ("Must be a UUID.", "kind", {})),
    (r"Invalid RFC3339 encoded (\w+)", lambda m: (f"Must be {_KINDS[m[1]]}.", "kind", {})),
    (r"Invalid (enum )?value", lambda m: ("Is not one of the allowed values.", "not_allowed", {})),
    (r"Object missing required field `(.+?)`", lambda m: (f"Needs the field {m[1]}.", "required", {})),
    (r"Object contains unknown field `(.+?)`", lambda m: (f"Has the unknown field {m[1][:100]}.", "unknown", {})),
)


def _unit(kind: str) -> str:
    return "characters" if kind == "str" else "items"


def _size(match: re.Match[str], text: str, items: str) -> str:
    return f"too_{text if match[1] == 'str' else items}"


def _as(match: re.Match[str], name: str) -> dict[str, Any]:
    return {name: float(match[2]) if "." in match[2] else int(match[2])}


def _field_error(message: str, prefix: str) -> FieldError:
    # From the right: the message may quote input, and msgspec's path comes last.
    sentence, at, path = message.rpartition(" - at `$")
    sentence, path = (sentence, path) if at else (message, "")
    steps = re.findall(r"\.([^.\[\]`]+)|\[(\d+)\]", path)
    pointer = prefix + "".join(f"/{escape(name or index)}" for name, index in steps)
    for pattern, words in _WORDS:
        match = re.match(pattern, sentence)
        if match:
            detail, code, params = words(match)
            return FieldError(pointer, detail, code, params or msgspec.UNSET)
    return FieldError(pointer, "Is not acceptable.", "invalid")


def escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")  # RFC 6901 §3


def plain_kind(kind: Any) -> Any:
    """Return `X` for `Annotated[X, …]` and for `X | None`."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return plain_kind(parts[0])
    if origin in (typing.Union, types.UnionType) and type(None) in parts and len(parts) == 2:
        return plain_kind(next(part for part in parts if part is not type(None)))
    return kind
