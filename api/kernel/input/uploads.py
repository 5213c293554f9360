"""Upload: a file in a request's body, as a stream. The body is the file itself, or multipart/form-data (RFC 7578) with
text fields before the file. The only module that uses `multipart`, a parser without I/O."""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator

import msgspec
from multipart import MultipartError, MultipartSegment, PushMultipartParser
from starlette.types import Receive

from api.kernel.errors import MALFORMED_MULTIPART, VALIDATION_FAILED, FieldError, Problem
from api.kernel.input.bodies import CLOSE, MAX_BODY_BYTES, chunks, declared_size, read, too_large
from api.kernel.input.conversion import escape
from api.kernel.input.decoding import PairsDecoder
from api.kernel.input.forms import MAX_FIELDS, boundary_of
from api.kernel.input.media import SIGNATURE_BYTES, declared_type, refuse_disguised, refuse_other

FILE = "file"
"""The name of the file's field in multipart/form-data."""
_HEADER_BYTES, _HEADERS = 4096, 8
_ENCODINGS = ("7bit", "8bit", "binary")
_CHARSETS = (None, "utf-8", "us-ascii")
_QUOTED = r'(?:"(?:[^"\\]|\\.)*"|[\w.-]+)'
_DISPOSITION = re.compile(rf"form-data[ \t]*;[ \t]*name={_QUOTED}(?:[ \t]*;[ \t]*filename={_QUOTED})?", re.IGNORECASE)


class Upload:
    """The file of a request, read once: `async for chunk in upload`. Iterating raises PAYLOAD_TOO_LARGE,
    REQUEST_TIMEOUT, MALFORMED_MULTIPART and VALIDATION_FAILED. A handler must not catch these, and data stored by then
    must roll back with its transaction."""

    size = 0
    """Bytes read so far; the file's size once the iteration has ended."""
    begun = False
    """Whether a part was read, so that the handler cannot be retried."""

    def __init__(self, source: AsyncIterator[bytes], media_type: str, filename: str | None, declared: int | None):
        self._source = source
        self._clock: asyncio.Timeout | None = None
        self.media_type = media_type
        """One of the route's `accepts`, declared by the client. The first bytes of a PNG, JPEG, GIF, WebP or PDF have
        been checked."""
        self.filename = filename
        """The client's name of the file, for people to read: no path and no control characters. Never a place to
        store it."""
        self.declared_size = declared
        """The size in bytes that the client announced; None for a chunked or multipart body."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.begun:
            raise RuntimeError("an upload is read once")
        self.begun = True
        while True:
            self._time(None)
            try:
                chunk = await anext(self._source, None)
            finally:
                self._time(self._seconds)
            if chunk is None:
                return
            self.size += len(chunk)
            yield chunk

    def time_with(self, clock: asyncio.Timeout, seconds: float) -> None:
        """Stop `clock` while the client is waited for, which has a deadline of its own (BODY_SECONDS), and start it
        anew with each chunk."""
        self._clock, self._seconds = clock, seconds

    _seconds = 0.0

    def _time(self, seconds: float | None) -> None:
        if self._clock is not None and not self._clock.expired():
            self._clock.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


async def read_file(receive: Receive, headers: dict[bytes, bytes], limit: int, accepts: tuple[str, ...]) -> bytes:
    """Read a whole body of an accepted type. Raises UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE, REQUEST_TIMEOUT."""
    kind = declared_type(headers, accepts)
    content = await read(receive, headers, limit)
    refuse_disguised(content[:SIGNATURE_BYTES], kind)
    return content


async def open_upload(
    receive: Receive, headers: dict[bytes, bytes], limit: int, accepts: tuple[str, ...], fields: PairsDecoder
) -> tuple[Upload, msgspec.Struct]:
    """Return the file and the text fields before it, reading only as much as detecting the file's type requires. Raises
    like reading the file, and UNSUPPORTED_MEDIA_TYPE."""
    boundary = boundary_of(headers.get(b"content-type", b""))
    if boundary is None:
        kind = declared_type(headers, accepts)
        declared = declared_size(headers, limit)
        source = await _checked(chunks(receive, limit), kind)
        return Upload(source, kind, None, declared), fields.decode([])
    declared_size(headers, limit)
    events = _events(chunks(receive, limit), boundary)
    pairs: list[tuple[str, str]] = []
    async for event in events:
        assert isinstance(event, MultipartSegment)
        if event.filename is None:
            pairs.append((event.name or "", await _text(event, events)))
        elif event.name == FILE and event.filename:
            decoded = fields.decode(pairs)
            kind = refuse_other(event.content_type or "", accepts)
            source = await _checked(_file(events), kind)
            return Upload(source, kind, plain_name(event.filename), None), decoded
        else:  # a browser sends an empty name if no file was chosen
            if event.name != FILE:
                raise _at(event, "There is no such field.", "unknown")
            raise _at(event, "This field is required.", "required")
    fields.decode(pairs)
    raise VALIDATION_FAILED(errors=[FieldError(f"/{FILE}", "This field is required.", "required")])


class NoFields(msgspec.Struct, forbid_unknown_fields=True):
    """The form of an upload without text fields."""


def plain_name(filename: str) -> str | None:
    """Return the last part of a path, in NFC, without control and invisible characters; None if no file name
    remains."""
    name = unicodedata.normalize("NFC", filename.replace("\\", "/").rpartition("/")[2])
    name = "".join(character for character in name if unicodedata.category(character)[0] != "C").strip()
    return name[:255] if name.strip(".") else None


async def _checked(source: AsyncIterator[bytes], kind: str) -> AsyncIterator[bytes]:
    """Yield the bytes unchanged, once the first of them match the type. Raises UNSUPPORTED_MEDIA_TYPE."""
    start = b""
    while len(start) < SIGNATURE_BYTES and (chunk := await anext(source, None)):
        start += chunk
    refuse_disguised(start, kind)

    async def whole() -> AsyncIterator[bytes]:
        if start:
            yield start
        async for chunk in source:
            yield chunk

    return whole()


async def _events(source: AsyncIterator[bytes], boundary: bytes) -> AsyncIterator[MultipartSegment | bytes | None]:
    """Yield a segment with each part's head, then its content in chunks, then None. Raises MALFORMED_MULTIPART."""
    parser = PushMultipartParser(
        boundary, max_header_size=_HEADER_BYTES, max_header_count=_HEADERS, max_segment_count=MAX_FIELDS + 1
    )
    try:
        async for chunk in source:
            for event in parser.parse(chunk):
                if isinstance(event, MultipartSegment):
                    _refuse_odd(event)
                yield event
        parser.close()
    except MultipartError:
        raise MALFORMED_MULTIPART(headers=CLOSE) from None


def _refuse_odd(part: MultipartSegment) -> None:
    """Raise MALFORMED_MULTIPART if the head of a part is ambiguous."""
    names = [name for name, _ in part.headerlist]
    encoding = part.header("Content-Transfer-Encoding", "8bit").lower()
    controls = any(not value.replace("\t", " ").isprintable() for _, value in part.headerlist)
    charset = part.charset.lower() if part.charset else None
    plain = _DISPOSITION.fullmatch(part.header("Content-Disposition")) and len({*names}) == len(names) and not controls
    if not plain or encoding not in _ENCODINGS or charset not in _CHARSETS:
        raise MALFORMED_MULTIPART(headers=CLOSE)


async def _text(part: MultipartSegment, events: AsyncIterator[MultipartSegment | bytes | None]) -> str:
    if part.content_type not in (None, "text/plain"):
        raise _at(part, "Must be text.", "kind")
    value = b""
    while isinstance(chunk := await anext(events), bytes):
        value += chunk
        if len(value) > MAX_BODY_BYTES:
            raise too_large(MAX_BODY_BYTES)
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise _at(part, "Must be text.", "kind") from None


async def _file(events: AsyncIterator[MultipartSegment | bytes | None]) -> AsyncIterator[bytes]:
    """Yield the content of the file, which must be the last part."""
    while isinstance(chunk := await anext(events), bytes):
        yield chunk
    async for event in events:
        if isinstance(event, MultipartSegment):
            if event.name == FILE:
                raise _at(event, "Is given more than once.", "repeated")
            raise _at(event, "Must come before the file.", "after_file")


def _at(part: MultipartSegment, detail: str, code: str) -> Problem:
    return VALIDATION_FAILED(errors=[FieldError(f"/{escape((part.name or '')[:100])}", detail, code)], headers=CLOSE)
