"""Reads request header fields: repeated lines combined (RFC 9110 §5.3), and lists of entity tags."""

import re
from collections.abc import Sequence

from api.kernel.errors import MALFORMED_REQUEST

# Fields with a single value, by which a request is admitted or read. Two lines are two readings of one request.
_SINGLE = {
    b"authorization",
    b"content-length",
    b"content-type",
    b"host",
    b"idempotency-key",
    b"last-event-id",
    b"origin",
    b"sec-fetch-site",
    b"x-xsrf-token",
}
# No blank can be matched by two parts of the pattern, so that it takes time proportional to the field's length.
_ENTITY_TAG = re.compile(r'[ \t]*(?:(?:W/)?("[!#-~\x80-\xff]*")[ \t]*)?(?:,|\Z)')


def combine(lines: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The fields by name. Raises MALFORMED_REQUEST where a field that has a single value is repeated."""
    fields = dict(lines)
    return fields if len(fields) == len(lines) else _combined(lines)


def _combined(lines: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for name, value in lines:
        if name not in fields:
            fields[name] = value
        elif name in _SINGLE:
            raise MALFORMED_REQUEST(f"The header {name.decode()} is given more than once.")
        else:
            fields[name] += (b"; " if name == b"cookie" else b", ") + value  # RFC 9113 §8.2.3
    return fields


def names(condition: str, tag: str) -> bool:
    """Whether an If-Match or If-None-Match field lists this entity tag, or is `*`.

    Comparison is weak (RFC 9110 §8.8.3.2) in both fields: proxies that compress mark tags as weak (`W/`), and a tag
    made from the content identifies the same content with or without the mark."""
    return condition.strip(" \t") == "*" or tag in entity_tags(condition)


def entity_tags(condition: str) -> list[str]:
    """The entity tags that a list names, quoted, without `W/`; none where the list is malformed."""
    position, found = 0, []
    while position < len(condition):
        match = _ENTITY_TAG.match(condition, position)
        if match is None:
            return []
        if match[1]:
            found.append(match[1])
        position = match.end()
    return found
