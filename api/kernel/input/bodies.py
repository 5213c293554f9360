"""A request body as bytes: limited by its route's size, and by BODY_SECONDS for each BODY_BYTES."""

import asyncio
import re
import time
from collections.abc import AsyncIterator

from starlette.types import Receive

from api.kernel.errors import PAYLOAD_TOO_LARGE, REQUEST_TIMEOUT, UNSUPPORTED_MEDIA_TYPE, Problem

MAX_BODY_BYTES = 64 * 1024
"""The default limit of a route."""
BODY_SECONDS = 10.0
"""Time limit for each BODY_BYTES of a body; the slowest accepted client sends 6.4 KiB/s."""
BODY_BYTES = 64 * 1024
CLOSE = {"connection": "close"}
"""Sent with every refusal of a body, because its unread rest must not be parsed as the next request."""
_UNITS = {"B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SIZE = re.compile(rf"([1-9][0-9]*) ?({'|'.join(_UNITS)})")


def size_of(size: int | str) -> int:
    """Parse a size in bytes, from an integer or a text such as `2 MB` (1000²) or `64 KiB` (1024). Raises ValueError."""
    if isinstance(size, int):
        if size < 1:
            raise ValueError("must be at least one byte")
        return size
    match = _SIZE.fullmatch(size)
    if match is None:
        raise ValueError(f"{size!r} is not a whole number and a unit ({', '.join(_UNITS)}), such as 2 MB or 64 KiB")
    return int(match[1]) * _UNITS[match[2]]


def in_words(size: int) -> str:
    """Format a size in the largest unit that divides it, such as `2 MB` or `64 KiB`."""
    unit = max((unit for unit in _UNITS if size % _UNITS[unit] == 0), key=lambda unit: _UNITS[unit])
    return f"{size // _UNITS[unit]} {unit}"


def too_large(limit: int) -> Problem:
    return PAYLOAD_TOO_LARGE(f"The body is larger than {in_words(limit)}.", headers=CLOSE)


def declared_size(headers: dict[bytes, bytes], limit: int) -> int | None:
    """Return Content-Length; None for a chunked body. Raises PAYLOAD_TOO_LARGE if it exceeds the limit,
    UNSUPPORTED_MEDIA_TYPE for a compressed body."""
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise UNSUPPORTED_MEDIA_TYPE("This needs a body that is not compressed.", headers=CLOSE)
    length = headers.get(b"content-length")
    if length is None:
        return None
    if not length.isdigit() or len(length) > 15 or int(length) > limit:
        raise too_large(limit)
    return int(length)


async def chunks(receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """Yield the parts of a body as they arrive, none empty. Raises PAYLOAD_TOO_LARGE at the first byte over the limit,
    REQUEST_TIMEOUT if the client is slower than BODY_SECONDS allows or disconnects. The caller's time between two parts
    does not count."""
    size, left, seconds = 0, BODY_BYTES, BODY_SECONDS
    more = True
    while more:
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                message = await receive()
        except TimeoutError:
            raise REQUEST_TIMEOUT(headers=CLOSE) from None
        if message["type"] == "http.disconnect":
            raise REQUEST_TIMEOUT(headers=CLOSE)
        part, more = message.get("body", b""), message.get("more_body", False)
        size, left, seconds = size + len(part), left - len(part), seconds - (time.monotonic() - began)
        if left <= 0:
            left, seconds = BODY_BYTES, BODY_SECONDS
        if size > limit:
            raise too_large(limit)
        if part:
            yield part


async def read(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
    """Read the whole body. Raises like `declared_size` and `chunks`."""
    declared_size(headers, limit)
    return b"".join([part async for part in chunks(receive, limit)])


def has_body(headers: dict[bytes, bytes]) -> bool:
    """Return whether a request has a body, by its headers (RFC 9112 §6.3)."""
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip(b"0") != b""
