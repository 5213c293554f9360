"""The body of a request, read with a limit and a deadline."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message

from api.kernel.errors import (
    PAYLOAD_TOO_LARGE,
    REQUEST_TIMEOUT,
    UNSUPPORTED_MEDIA_TYPE,
)
from api.kernel.input import bodies
from api.kernel.input.bodies import MAX_BODY_BYTES
from api.kernel.input.decoding import read_body

JSON = "application/json"


def sender(*chunks: bytes, end: bool = True) -> tuple[Callable[[], Awaitable[Message]], list[Message]]:
    """A receive() that returns the chunks, and the remaining ones."""
    left: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if end:
        left.append({"type": "http.request", "body": b""})

    async def receive() -> Message:
        if left:
            return left.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    return receive, left


def told(media_type: str = JSON, **more: str) -> dict[bytes, bytes]:
    return {b"content-type": media_type.encode()} | {
        name.replace("_", "-").encode(): value.encode() for name, value in more.items()
    }


@pytest.mark.parametrize(
    "media_type", [JSON, "Application/JSON", f'{JSON}; charset="utf-8"', f"{JSON};charset=UTF-8", f"{JSON} ; "]
)
async def test_spellings_of_the_media_type_are_accepted(media_type: str) -> None:
    assert await read_body(sender(b"a", b"b")[0], told(media_type), JSON) == b"ab"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        told("text/plain"),
        told("multipart/form-data; boundary=x"),
        told("application/x-www-form-urlencoded"),
        told(f"{JSON}; charset=utf-16"),
        told(f"{JSON}; charset=utf-8; charset=utf-16"),
        told("application/jsonp"),
        told(f"text/plain, {JSON}"),
        told(content_encoding="gzip"),
        told(content_encoding="br"),
        told(content_encoding="identity, gzip"),
    ],
)
async def test_another_media_type_or_encoding_is_refused_unread(headers: dict[bytes, bytes]) -> None:
    """C-3, C-4: a compressed body is never decompressed."""
    receive, left = sender(b"{}")
    with pytest.raises(UNSUPPORTED_MEDIA_TYPE) as refused:
        await read_body(receive, headers, JSON)
    assert len(left) == 2
    assert refused.value.headers == {"connection": "close"}


@pytest.mark.parametrize("length", [str(MAX_BODY_BYTES + 1), "1" * 30, "-1", "+4", "x", ""])
async def test_a_length_over_the_limit_is_refused_unread(length: str) -> None:
    """C-1."""
    receive, left = sender(b"x")
    with pytest.raises(PAYLOAD_TOO_LARGE):
        await read_body(receive, told(content_length=length), JSON)
    assert len(left) == 2


async def test_the_limit_is_exact_and_nothing_is_read_after_it() -> None:
    """C-2."""
    assert len(await read_body(sender(b"x" * MAX_BODY_BYTES)[0], told(), JSON)) == MAX_BODY_BYTES
    receive, left = sender(b"x" * MAX_BODY_BYTES, b"x", b"never read")
    with pytest.raises(PAYLOAD_TOO_LARGE) as refused:
        await read_body(receive, told(), JSON)
    assert left[0]["body"] == b"never read"
    assert refused.value.headers == {"connection": "close"}


async def test_an_endless_body_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.01)
    with pytest.raises(REQUEST_TIMEOUT) as refused:
        await read_body(sender(b"{", end=False)[0], told(), JSON)
    assert refused.value.headers == {"connection": "close"}


async def test_a_disconnected_client_leaves_no_partial_body() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(REQUEST_TIMEOUT):
        await read_body(receive, told(), JSON)
