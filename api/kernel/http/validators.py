"""Entity tags and the condition If-Match (RFC 9110 §8.8, §13.1.1)."""

import functools
import hashlib
import typing
from typing import Annotated, Any, TypeVar

import msgspec

from api.kernel.errors import PRECONDITION_FAILED
from api.kernel.http.compression import coded
from api.kernel.http.headers import entity_tags, names
from api.kernel.http.routing import encode

T = TypeVar("T")
_MARK = object()

Version = Annotated[T, _MARK]
"""`version: Version[int]`, on a field of an answer's Struct: If-Match compares this field instead of the whole content.
The column changes with everything that a conditional request may overwrite. Several fields count together."""


def etag(answer: Any, body: bytes) -> str:
    """A strong validator: it changes with every byte of the body, so that a 304 is always exact. Where the answer has
    Version fields, a digest of them precedes the digest of the content."""
    content, version = hashlib.sha256(body).hexdigest()[:32], _version(answer)
    return f'"{version}.{content}"' if version else f'"{content}"'


def refuse_stale(if_match: str | None, current: msgspec.Struct) -> None:
    """Raises PRECONDITION_FAILED where If-Match names another state than `current`. Call it with the row locked.

    Where `current` has Version fields, it may be a row of only these: the part of a tag that follows the version is
    ignored. RFC 9110 §13.1.1 compares whole tags; the difference is deliberate, because content outside of the version
    is content that the request does not overwrite."""
    if if_match is None or if_match.strip(" \t") == "*":
        return
    version = _version(current)
    if version is None:
        tag = etag(current, encode(current))
        stale = not (names(if_match, tag) or names(if_match, coded(tag)))
    else:
        stale = all(tag.strip('"').partition(".")[0] != version for tag in entity_tags(if_match))
    if stale:
        raise PRECONDITION_FAILED


def _version(value: Any) -> str | None:
    fields = _version_fields(value.__class__)
    if not fields:
        return None
    return hashlib.sha256(msgspec.json.encode([getattr(value, name) for name in fields])).hexdigest()[:16]


@functools.cache
def _version_fields(kind: type) -> tuple[str, ...]:
    if not issubclass(kind, msgspec.Struct):
        return ()
    return tuple(field.name for field in msgspec.structs.fields(kind) if _is_version(field.type))


def _is_version(kind: Any) -> bool:
    return _MARK in getattr(kind, "__metadata__", ()) or any(map(_is_version, typing.get_args(kind)))
