"""Settings that a feature declares as a Struct: each field is an environment variable with type, limits, default and
description. The parsers raise ValueError, which settings.py reports with the variable's name."""

import base64
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from api.kernel.config.connections import Sealed, items_of

if TYPE_CHECKING:
    from api.kernel.settings import Settings

T = TypeVar("T")
Read = Callable[[str, Callable[[str], Any], str | None], Any]
"""Reads a variable: its name, its parser, and the default as text (None: the variable is required)."""


class FeatureSettings(Sealed, frozen=True, kw_only=True):
    """Base of a feature's settings. The field `avatar_bytes` of the feature `articles` is read from
    `ARTICLES_AVATAR_BYTES`. A field is a `bool`, `int`, `float`, `str`, `bytes` (base64), `Literal` of words or
    `tuple[str, …]` (separated by commas), or one of these `| None` with the default None. `msgspec.Meta` has its limits
    and its description, which becomes the operator's documentation."""

    def contradictions(self, settings: "Settings") -> Iterator[str]:
        """Yield a message for each contradiction with another variable; override it. Called if all are valid."""
        yield from ()


class Variable(msgspec.Struct, frozen=True):
    """In a field's annotation: the variable's name, if it differs from feature and field name. Two features may read
    the same variable if their declarations are equal."""

    name: str


class Declared(msgspec.Struct, frozen=True):
    """A variable of a feature's settings. `default` is text as in an environment; None: it is required."""

    name: str
    field: str
    description: str
    default: str | None
    example: str
    parse: Callable[[str], Any]
    kind: Any
    """The type without its description, and its limits."""


def declared(feature: str, kind: type[FeatureSettings]) -> list[Declared]:
    """Return the variables of a feature's settings, in the order of the fields. Raises TypeError for a field without a
    description or with a type that cannot be read from an environment."""
    prefix = feature.upper().replace("-", "_")
    return [_declared(prefix, kind, each) for each in msgspec.structs.fields(kind)]


def read_features(kinds: Mapping[str, type[FeatureSettings]], read: Read) -> dict[type, FeatureSettings]:
    """Read the settings of each feature, by its name. `read` reports an invalid variable and leaves None. Raises
    TypeError if two features declare a variable differently."""
    known: dict[str, Declared] = {}
    found: dict[type, FeatureSettings] = {}
    for feature, kind in kinds.items():
        values = {}
        for each in declared(feature, kind):
            other = known.setdefault(each.name, each)
            if (other.kind, other.default) != (each.kind, each.default):
                raise TypeError(f"{each.name} is declared in two ways; the second is {kind.__name__}.{each.field}.")
            values[each.field] = read(each.name, each.parse, each.default)
        found[kind] = kind(**values)
    return found


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a parser for one of these words, case-insensitive."""

    def parse(text: str) -> str:
        for choice in choices:
            if text.lower() == choice.lower():
                return choice
        raise ValueError(f"must be one of {', '.join(choices)}.")

    return parse


def between(low: int, high: int) -> Callable[[str], int]:
    """Return a parser for a whole number in decimal digits."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}.")
        return int(text)

    return parse


def read_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("must be base64.") from None


def _declared(prefix: str, kind: type[FeatureSettings], field: msgspec.structs.FieldInfo) -> Declared:
    where = f"{kind.__name__}.{field.name}"
    annotation, *marks = _parts(field.type)
    limits = _limits(marks)
    if "description" not in limits:
        raise TypeError(f"{where} needs a description: Annotated[…, msgspec.Meta(description=…)].")
    optional = type(None) in typing.get_args(annotation)
    if optional:
        [inner] = [part for part in typing.get_args(annotation) if part is not type(None)]
        annotation, *more = _parts(inner)
        limits = _limits(more) | limits
    parse = _parser(annotation, limits, where)
    default = None if field.default is msgspec.NODEFAULT else _text(field.default)
    if optional and field.default is not None:
        raise TypeError(f"{where} may be None: give it the default None.")
    name = next((mark.name for mark in marks if isinstance(mark, Variable)), f"{prefix}_{field.name.upper()}")
    example = _text(next(iter(limits.get("examples") or ()), field.default))
    range_ = {key: value for key, value in limits.items() if key not in ("description", "examples")}
    wanted: Callable[[str], Any] = (lambda text: parse(text) if text else None) if optional else parse
    return Declared(name, field.name, limits["description"], default, example, wanted, (annotation, optional, range_))


def _parts(annotation: Any) -> tuple[Any, ...]:
    """Return a type and the metadata of its Annotated."""
    if hasattr(annotation, "__metadata__"):
        return annotation.__origin__, *annotation.__metadata__
    return (annotation,)


def _limits(marks: list[Any]) -> dict[str, Any]:
    names = ("description", "examples", "ge", "le", "pattern", "min_length", "max_length")
    found = ((name, getattr(mark, name)) for mark in marks if isinstance(mark, msgspec.Meta) for name in names)
    return {name: value for name, value in found if value is not None}


def _parser(annotation: Any, limits: dict[str, Any], where: str) -> Callable[[str], Any]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is bool:
        choose = one_of("true", "false")
        return lambda text: choose(text) == "true"
    if annotation is int:
        return between(limits.get("ge", 0), limits.get("le", 10**15 - 1))
    if annotation is float:
        return _number(limits.get("ge", 0.0), limits.get("le", 1e15))
    if annotation is str:
        return _string(limits)
    if annotation is bytes:
        return read_base64
    if origin is Literal and all(isinstance(word, str) for word in arguments):
        return one_of(*arguments)
    if origin is tuple and arguments == (str, ...):
        return lambda text: tuple(items_of(text))
    if isinstance(annotation, types.UnionType) or origin is typing.Union:
        raise TypeError(f"{where}: a union other than `| None` cannot be read from an environment.")
    raise TypeError(f"{where}: {annotation!r} cannot be read from an environment; FeatureSettings lists what can.")


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", text) or not low <= float(text) <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}.")
        return float(text)

    return parse


def _string(limits: dict[str, Any]) -> Callable[[str], str]:
    least, most = limits.get("min_length", 0), limits.get("max_length", 10_000)

    def parse(text: str) -> str:
        if not text.isprintable():
            raise ValueError("must be one line of printable characters.")
        if not least <= len(text) <= most:
            raise ValueError(f"must have {least} to {most} characters.")
        if "pattern" in limits and not re.search(limits["pattern"], text):
            raise ValueError(f"must match {limits['pattern']}.")
        return text

    return parse


def _text(value: object) -> str:
    """Return a default as written in an environment."""
    match value:
        case bool():
            return str(value).lower()
        case bytes():
            return base64.b64encode(value).decode()
        case tuple():
            return ",".join(value)
        case None | msgspec.NODEFAULT:
            return ""
        case _:
            return str(value)


def variables(kinds: Mapping[str, type[FeatureSettings]]) -> Iterator[Declared]:
    """Yield the variables of all features, each once, for the operator's documentation."""
    seen: set[str] = set()
    for feature, kind in kinds.items():
        for each in declared(feature, kind):
            if each.name not in seen:
                seen.add(each.name)
                yield each
