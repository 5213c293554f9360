"""One HTTP request to an endpoint, over a connection to a checked address. `context.http` resolves names by itself, so
it cannot be used here. The response is bounded: 15 s in all, a head of 64 KiB and 100 fields, a body of 64 KiB and 5 s.
Redirects are not followed."""

import asyncio
import contextlib
import functools
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import SplitResult

import msgspec

from api.kernel import Network, read_retry_after
from api.webhooks.addresses import AddressRefused, Resolve, check, port_of, split
from api.webhooks.connections import Connection, Kept
from api.webhooks.names import resolve
from api.webhooks.types import Made

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
BODY_SECONDS = 5.0
"""The status decides, so that the body must not occupy a place for long."""
MOST_BYTES = 64 * 1024
MOST_FIELDS = 100
MOST_INTERIM = 5
SHOWN_BYTES = 1024
LONGEST_RETRY_AFTER = 24 * 3600.0
_STATUS = re.compile(r"[1-9][0-9]{2}")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,100}")


class Broken(Exception):
    """The response is not HTTP, or exceeds the limits."""


class Head(msgspec.Struct, frozen=True):
    status: int
    fields: dict[str, str]
    """By lower-case name; the last one of a repeated field."""
    is_lasting: bool
    """Whether the endpoint keeps the connection open (RFC 9112 §9.3)."""


class Answer(msgspec.Struct, frozen=True):
    """The attempt as it is stored, and the seconds that the endpoint asked to wait (RFC 9110 §10.2.3)."""

    made: Made
    retry_after: float | None

    @property
    def delivered(self) -> bool:
        return self.made.status is not None and 200 <= self.made.status < 300


class Sender:
    """Sends the requests of a process. Tests inject `resolve`."""

    def __init__(self, allowed: Sequence[Network], agent: str, resolve: Resolve = resolve) -> None:
        self._allowed, self._agent, self._resolve = allowed, agent, resolve
        self._kept = Kept()

    def close(self) -> None:
        """Close the connections that were kept."""
        self._kept.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a POST. Never raises for the endpoint's sake: the error is part of the attempt."""
        exchange = Exchange()
        error: str | None = None
        head: Head | None = None
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                parts = split(url, self._allowed)
                request = request_of(parts, {"user-agent": self._agent, **headers}, body)
                try:
                    head = await self._ask_again(exchange, url, request)
                    if head is None:
                        addresses = await check(url, self._allowed, self._resolve)
                        exchange.passed("resolve_ms")
                        await exchange.connect(addresses, parts)
                        head = await exchange.ask(request)
                    with contextlib.suppress(Broken, OSError, EOFError, asyncio.LimitOverrunError):
                        # The status decides, whatever follows it.
                        async with asyncio.timeout(BODY_SECONDS):
                            if await exchange.read_body(head) and head.is_lasting:
                                self._kept.put(url, exchange.release())
                finally:
                    exchange.close()
        except AddressRefused as refusal:
            error = str(refusal)
        except TimeoutError:
            error = None if head else f"no response within {TOTAL_SECONDS:g} s"
        except ssl.SSLCertVerificationError as failure:
            error = f"the certificate is not valid: {failure.verify_message}"
        except ssl.SSLError:
            error = "the TLS handshake failed"
        except (OSError, EOFError):
            error = "the connection failed or was closed"
        except Broken as failure:
            error = str(failure)
        if head and not 200 <= head.status < 300:
            error = "redirects are not followed" if 300 <= head.status < 400 else f"the endpoint answered {head.status}"
        return Answer(exchange.made(head, error), read_retry_after(head.fields, LONGEST_RETRY_AFTER) if head else None)

    async def _ask_again(self, exchange: "Exchange", url: str, request: bytes) -> Head | None:
        """Send the request over a kept connection. Returns None if there is none, or if the endpoint closed it instead
        of answering, which it may do at any time (RFC 9112 §9.3.1). If it did process the request, it drops the next
        one by its id."""
        connection = await self._kept.take(url)
        if connection is None:
            return None
        exchange.adopt(connection)
        try:
            return await exchange.ask(request)
        except asyncio.IncompleteReadError as end:
            if end.partial:
                raise
        except ConnectionError:
            pass
        exchange.close()
        return None


class Exchange:
    """The connection of one request, and the times of its parts."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self._started_at = datetime.now(UTC)
        self._times: dict[str, float] = {}
        self._body = bytearray()
        self._connection: Connection | None = None

    def passed(self, part: str) -> None:
        """Store the milliseconds since the end of the previous part."""
        now = time.perf_counter()
        self._times[part] = round((now - self._last) * 1000, 2)
        self._last = now

    async def connect(self, addresses: Sequence[str], parts: SplitResult) -> None:
        """Connect to the first address that answers. The certificate is that of the host name."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                self.adopt(Connection(*await _connect(addresses, port_of(parts))))
                self.passed("connect_ms")
                if parts.scheme == "https":
                    tls = await asyncio.to_thread(_tls)
                    await self._open.writer.start_tls(tls, server_hostname=parts.hostname)
                    self.passed("tls_ms")
        except TimeoutError:
            raise Broken(f"no connection within {CONNECT_SECONDS:g} s") from None

    def adopt(self, connection: Connection) -> None:
        self._connection = connection

    def release(self) -> Connection:
        """Return the connection, which `close` then leaves open."""
        connection, self._connection = self._open, None
        return connection

    @property
    def _open(self) -> Connection:
        assert self._connection is not None
        return self._connection

    async def ask(self, request: bytes) -> Head:
        """Send a request, and read the head of its response. Raises Broken, OSError, EOFError."""
        self._open.writer.write(request)
        await self._open.writer.drain()
        return await self.read_head()

    async def read_head(self) -> Head:
        """Read the head of the final response. Raises Broken, OSError, EOFError."""
        for _ in range(MOST_INTERIM):
            try:
                text = (await self._open.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            except asyncio.LimitOverrunError:
                raise Broken("the response's head is too long") from None
            self._times.setdefault("first_byte_ms", round((time.perf_counter() - self._last) * 1000, 2))
            head = _parse(text)
            if not 100 <= head.status < 200:
                return head
        raise Broken("the response never ends with a final status")

    async def read_body(self, head: Head) -> bool:
        """Read the body up to the limit. Returns whether that is its end, and the end of the response. Raises Broken,
        OSError, EOFError."""
        if head.status in (204, 304):
            return True
        length = head.fields.get("content-length", "")
        if "transfer-encoding" in head.fields:  # with a length as well, its end is doubtful (RFC 9112 §6.3)
            is_chunked = head.fields["transfer-encoding"].lower() == "chunked"
            return is_chunked and await self._read_chunks() and not length
        if not (length.isascii() and length.isdigit() and len(length) < 10):
            await self._read(MOST_BYTES)
            return False
        await self._read(int(length))
        return len(self._body) == int(length)

    async def _read_chunks(self) -> bool:
        reader = self._open.reader
        while size := _chunk_size(await reader.readuntil(b"\r\n")):
            if size > self._room:
                await self._read(size)
                return False
            await self._read(size)
            await reader.readuntil(b"\r\n")
        return await reader.readuntil(b"\r\n") == b"\r\n"  # else there are trailers

    @property
    def _room(self) -> int:
        return MOST_BYTES - len(self._body)

    async def _read(self, size: int) -> None:
        rest = min(size, self._room)
        while rest > 0 and (piece := await self._open.reader.read(rest)):
            self._body += piece
            rest -= len(piece)

    def close(self) -> None:
        """Close the connection unless it was released."""
        if self._connection is not None:
            self._connection.close()

    def made(self, head: Head | None, error: str | None) -> Made:
        return Made(
            started_at=self._started_at,
            status=head.status if head else None,
            error=error,
            resolve_ms=self._times.get("resolve_ms"),
            connect_ms=self._times.get("connect_ms"),
            tls_ms=self._times.get("tls_ms"),
            first_byte_ms=self._times.get("first_byte_ms"),
            total_ms=round((time.perf_counter() - self._began) * 1000, 2),
            response=_shown(self._body),
        )


def request_of(parts: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the bytes of a POST."""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = {"host": parts.netloc.rpartition("@")[2], **headers, "content-length": str(len(body))}
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _connect(addresses: Sequence[str], port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first address that accepts. Raises the OSError of the last one."""
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(address, port, limit=MOST_BYTES)
    return await asyncio.open_connection(addresses[-1], port, limit=MOST_BYTES)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Loads the CA certificates, which takes some 20 ms: call it in a thread."""
    return ssl.create_default_context()


def _parse(text: str) -> Head:
    line, *lines = text[:-4].split("\r\n")
    version, _, rest = line.partition(" ")
    status = rest.partition(" ")[0]
    if not version.startswith("HTTP/1.") or not _STATUS.fullmatch(status):
        raise Broken("the response is not HTTP/1.1")
    if len(lines) > MOST_FIELDS:
        raise Broken(f"the response has more than {MOST_FIELDS} header fields")
    fields = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    is_lasting = version != "HTTP/1.0" and "close" not in fields.get("connection", "").lower()
    return Head(int(status), fields, is_lasting)


def _chunk_size(line: bytes) -> int:
    size = line.partition(b";")[0].strip()
    if not _CHUNK_SIZE.fullmatch(size):  # `int` also accepts signs and underscores
        raise Broken("the response's chunks are malformed")
    return int(size, 16)


def _shown(body: bytearray) -> str:
    """The first KiB as text without control characters, which PostgreSQL (NUL) and terminals would not take."""
    text = bytes(body[:SHOWN_BYTES]).decode(errors="replace")
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)
