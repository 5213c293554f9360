"""Streamed responses, and rows as CSV or NDJSON."""

import asyncio
import csv
import io
import logging
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.types import Message, Receive, Send

from api.kernel.errors import UNAVAILABLE, BrokenOff

logger = logging.getLogger(__name__)

CHUNK_SECONDS = 15.0
"""Time limit of the source for each chunk, in seconds; the client's reading does not count."""
CHUNK_BYTES = 16 * 1024
"""Chunk size of rows, in bytes."""
FLUSH_SECONDS = 0.5
"""A row that arrives this long after the last chunk is sent immediately, with the rows before it."""
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_NOT_PLAIN = re.compile(r"[^ !#$&-:<-~]")

encode = msgspec.json.Encoder().encode


class Stream(msgspec.Struct, frozen=True):
    """A response of unknown length, returned by a handler: `Stream(to_csv(rows, Row), filename="rows.csv")`. The route
    line has its media type. A failure before the first chunk is answered as a Problem; a later one cuts the connection,
    so that clients do not mistake a part for the whole."""

    source: AsyncIterator[bytes]
    filename: str | None = None
    """Makes browsers save the response under this name."""


def disposition_of(filename: str) -> str:
    """Content-Disposition of a download (RFC 6266), with the name in UTF-8 (RFC 8187) if it is not ASCII. Slashes and
    control characters become `_`."""
    name = re.sub(r"[\x00-\x1f\x7f-\x9f/\\\ud800-\udfff]", "_", filename)
    plain = _NOT_PLAIN.sub("_", name)
    extended = f"; filename*=UTF-8''{quote(name, safe='!#$&+^`|')}" if plain != name else ""
    return f'attachment; filename="{plain}"{extended}'


async def respond(stream: Stream, start: Message, method: str, receive: Receive, send: Send) -> None:
    """Send `start` with the first chunk, then each chunk after the client has taken the previous one. Stops if the
    client disconnects. Before `start`, raises the source's Problem, or UNAVAILABLE if it is late; after it,
    BrokenOff."""
    if method == "HEAD":
        await _close(stream.source)
        await send(start)
        return await send({"type": "http.response.body"})
    leaves = asyncio.ensure_future(_disconnected(receive))
    loop, began, sent, over = asyncio.get_running_loop(), False, 0, False
    try:
        async with asyncio.timeout(None) as clock:

            def stop(_: object) -> None:
                if not over and not clock.expired():
                    clock.reschedule(loop.time())

            leaves.add_done_callback(stop)
            while not leaves.done():
                clock.reschedule(loop.time() + CHUNK_SECONDS)
                chunk = await anext(stream.source, None)
                if not leaves.done():
                    clock.reschedule(None)  # the server enforces its own deadline for the client
                if not began:
                    await send(start)
                    began = True
                await send({"type": "http.response.body", "body": chunk or b"", "more_body": chunk is not None})
                if chunk is None:
                    return
                sent += len(chunk)
                # Yield to the event loop, which detects disconnects, even if the source never waits.
                await asyncio.sleep(0)
    except Exception as error:
        late = isinstance(error, TimeoutError)
        if late and leaves.done():
            return
        if not began and late:
            raise UNAVAILABLE from None
        if not began:
            raise
        logger.exception("a stream broke off", extra={"fields": {"sent": sent}})
        raise BrokenOff from None
    finally:
        over = True
        leaves.cancel()
        await _close(stream.source)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _close(source: AsyncIterator[Any]) -> None:
    """Let the source release its resources, such as a pooled connection."""
    if isinstance(source, AsyncGenerator):
        await source.aclose()


def to_csv(
    rows: AsyncIterator[msgspec.Struct], kind: type[msgspec.Struct], *, guard_formulas: bool = True
) -> AsyncIterator[bytes]:
    """Rows as CSV (RFC 4180) in UTF-8: a header with the field names, then one line per row. `guard_formulas` puts an
    apostrophe before text that a spreadsheet would evaluate (OWASP, CSV Injection); disable it if only programs read
    the file. Null is an empty field; other values are as in JSON."""
    text = io.StringIO()
    write = csv.writer(text).writerow
    write([field.encode_name for field in msgspec.structs.fields(kind)])
    return _chunks(
        rows, text, lambda row: write([_cell(value, guard_formulas) for value in msgspec.structs.astuple(row)])
    )


def to_ndjson(rows: AsyncIterator[msgspec.Struct]) -> AsyncIterator[bytes]:
    """Rows as JSON, one per line (application/x-ndjson)."""
    text = io.StringIO()
    return _chunks(rows, text, lambda row: text.write(encode(row).decode() + "\n"))


async def _chunks(
    rows: AsyncIterator[msgspec.Struct], text: io.StringIO, write: Callable[[msgspec.Struct], object]
) -> AsyncIterator[bytes]:
    """Yield what `write` adds to `text` for each row: the first row immediately, the others in chunks of
    CHUNK_BYTES."""
    flush_at = time.monotonic()
    try:
        async for row in rows:
            write(row)
            if text.tell() >= CHUNK_BYTES or time.monotonic() >= flush_at:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
                flush_at = time.monotonic() + FLUSH_SECONDS
        if text.tell():
            yield text.getvalue().encode()
    finally:
        await _close(rows)


def _cell(value: Any, guard_formulas: bool) -> Any:
    if value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool)):
        return value
    value = value if isinstance(value, str) else msgspec.to_builtins(value)
    if not isinstance(value, str):
        return encode(value).decode()
    return f"'{value}" if guard_formulas and value.lstrip(" ").startswith(_FORMULA) else value
