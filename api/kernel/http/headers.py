"""Request headers: repeated lines are combined (RFC 9110 §5.3); lists of entity tags are parsed."""

import re
from collections.abc import Sequence

from api.kernel.errors import MALFORMED_REQUEST

# Singleton fields that decide how a request is read or authorized. A repeated one makes the request ambiguous.
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
# No blank matches two parts of the pattern, so matching takes linear time.
_ENTITY_TAG = re.compile(r'[ \t]*(?:(?:W/)?("[!#-~\x80-\xff]*")[ \t]*)?(?:,|\Z)')


def combine(lines: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the fields by name. Raises MALFORMED_REQUEST if a singleton field is repeated."""
    fields = dict(lines)
    return fields if len(fields) == len(lines) else _combined(lines)


def _combined(lines: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for name, value in lines:
        if name not in fields:
            fields[name] = value
        elif name in _SINGLE:
            raise MALFORMED_REQUEST(f"The header {name.decode()} is repeated; send it once.")
        else:
            fields[name] += (b"; " if name == b"cookie" else b", ") + value  # RFC 9113 §8.2.3
    return fields


def text_of(headers: dict[bytes, bytes], name: bytes) -> str | None:
    """Return a field's value, or None if the request does not have it."""
    return headers[name].decode("latin-1") if name in headers else None


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
