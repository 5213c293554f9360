"""HttpClient: HTTP calls of other services, from tasks. A call in a handler would happen even if its transaction rolls
back, and twice if it is retried: defer a task instead.

Redirects, cookies, credentials from `.netrc`, proxies from the environment and compression are disabled, so that a
response is exactly what the server sent, within the given size. httpx is imported by the first call."""

import asyncio
import contextlib
import email.utils
import logging
import re
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, TypedDict, TypeVar, Unpack
from urllib.parse import urlencode, urlsplit

import msgspec
from opentelemetry.trace import SpanKind

from api.kernel.config.pem import client_context
from api.kernel.settings import Settings
from api.kernel.telemetry import http_call_seconds, span, traceparent
from api.kernel.telemetry.outages import words_of

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)
T = TypeVar("T")

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
"""Between two chunks of a response, and for each chunk of a request."""
TOTAL_SECONDS = 15.0
"""From the call to the last byte of the response; a task has 20 s."""
MOST_BYTES = 5 * 1024 * 1024
MOST_CONNECTIONS = 20
KEEP_ALIVE_SECONDS = 15.0
LONGEST_RETRY_AFTER = 3600.0
CLOSE_SECONDS = 1.0
_PLACE = re.compile(r"at `(\$[^`]*)`$")
_NO_TRACE = "00-" + 32 * "0"


class HttpError(OSError):
    """A call failed: the server did not answer in time, or the response has an unexpected status or is too large. A
    task that does not catch it is retried, not before `retry_after`. The message names the server, and quotes neither
    path nor body."""

    def __init__(
        self,
        text: str,
        kind: str = "HttpError",
        response: "HttpResponse | None" = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text)
        self.kind = kind
        """Status or exception type, as `error.type` of OpenTelemetry's semantic conventions."""
        self.response = response
        """None if there is no response."""
        self.retry_after = retry_after
        """Seconds, at most an hour (RFC 9110 §10.2.3)."""


class HttpResponse(msgspec.Struct, frozen=True):
    """A complete response. Header names are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self, type: type[T]) -> T:
        """Decode the body as that type. Raises HttpError if it does not match."""
        try:
            return msgspec.json.decode(self.body, type=type)
        except msgspec.DecodeError as error:  # its message may quote a value
            place = _PLACE.search(str(error))
            where = f" at {place[1]}" if place else ""
            raise HttpError(f"the response is not the expected JSON{where}", response=self) from None


class Options(TypedDict, total=False):
    """Options of a call. `json` may be a Struct; at most one of `json`, `form` and `content` is allowed. `expect` are
    statuses besides 2xx that are not errors."""

    query: Mapping[str, str | int]
    headers: Mapping[str, str]
    json: object
    form: Mapping[str, str]
    content: bytes
    expect: Collection[int]
    seconds: float
    most_bytes: int


class Call(msgspec.Struct, frozen=True):
    """A prepared request."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


class HttpClient:
    """One per process: `context.http`. Its connections are pooled and limited."""

    def __init__(self, settings: Settings) -> None:
        self._agent = f"rest-angular (+{settings.public_url})"
        self._opening = asyncio.Lock()
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._transport.aclose()

    async def get(self, url: str, **options: Unpack[Options]) -> HttpResponse:
        """`request` with GET; the following methods are analogous."""
        return await self.request("GET", url, **options)

    async def post(self, url: str, **options: Unpack[Options]) -> HttpResponse:
        return await self.request("POST", url, **options)

    async def put(self, url: str, **options: Unpack[Options]) -> HttpResponse:
        return await self.request("PUT", url, **options)

    async def patch(self, url: str, **options: Unpack[Options]) -> HttpResponse:
        return await self.request("PATCH", url, **options)

    async def delete(self, url: str, **options: Unpack[Options]) -> HttpResponse:
        return await self.request("DELETE", url, **options)

    async def request(self, method: str, url: str, **options: Unpack[Options]) -> HttpResponse:
        """Send a request and read the whole response. Raises HttpError unless its status is 2xx or expected, and
        ValueError if the request is invalid."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.fragment:
            raise ValueError("the URL must start with http:// or https:// and have no credentials and no fragment")
        if query := options.get("query"):
            url += ("&" if parts.query else "?") + urlencode(query)
        body, media_type = _body(options)
        sent = {"user-agent": self._agent, "accept-encoding": "identity"}
        sent |= {"content-type": media_type} if media_type else {}
        sent |= {name.lower(): value for name, value in options.get("headers", {}).items()}
        labels: dict[str, str | int] = {"http.request.method": method, "server.address": parts.hostname}
        port = parts.port or (443 if parts.scheme == "https" else 80)
        began = time.perf_counter()
        try:
            with span(method, SpanKind.CLIENT, attributes={**labels, "server.port": port}) as current:
                here = traceparent()
                sent |= {} if here.startswith(_NO_TRACE) else {"traceparent": here}
                try:
                    response = await self._exchange(Call(method, url, sent, body), parts.hostname, options)
                    labels["http.response.status_code"] = response.status
                    _judge(response, parts.hostname, options.get("expect", ()))
                except HttpError as error:
                    labels["error.type"] = error.kind
                    raise
                finally:
                    current.set_attributes(labels)
        finally:
            seconds = time.perf_counter() - began
            http_call_seconds.record(seconds, labels)
            if logger.isEnabledFor(logging.DEBUG):
                logger.debug("call", extra={"fields": {**labels, "ms": round(seconds * 1000, 1)}})
        return response

    async def _exchange(self, call: "Call", host: str, options: "Options") -> HttpResponse:
        transport = await self._open()
        import httpx

        seconds = options.get("seconds", TOTAL_SECONDS)
        timeouts = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS, "pool": CONNECT_SECONDS}
        try:
            request = httpx.Request(
                call.method, call.url, headers=call.headers, content=call.body, extensions={"timeout": timeouts}
            )
            async with asyncio.timeout(seconds):
                answer = await transport.handle_async_request(request)
                try:
                    body = await _read(answer, options.get("most_bytes", MOST_BYTES))
                finally:
                    await answer.aclose()
        except (httpx.InvalidURL, httpx.LocalProtocolError) as error:
            raise ValueError(f"the request cannot be sent: {type(error).__name__}") from None
        except httpx.TransportError as error:
            raise HttpError(f"{host}: {words_of(error)}", type(error).__name__) from None
        except TimeoutError:
            raise HttpError(f"{host}: no whole answer within {seconds:g} s", "TimeoutError") from None
        except _Unreadable as error:
            raise HttpError(f"{host}: {error}") from None
        return HttpResponse(answer.status_code, answer.headers, body)

    async def _open(self) -> "httpx.AsyncHTTPTransport":
        async with self._opening:
            if self._transport is None:  # in a thread: importing httpx and loading the CA certificates takes 0.1 s
                self._transport = await asyncio.to_thread(_make_transport)
            return self._transport


class _Unreadable(Exception):
    """A response that is not read to its end."""


def _make_transport() -> "httpx.AsyncHTTPTransport":
    import httpx

    limits = httpx.Limits(
        max_connections=MOST_CONNECTIONS,
        max_keepalive_connections=MOST_CONNECTIONS,
        keepalive_expiry=KEEP_ALIVE_SECONDS,
    )
    # A transport, because a client would use cookies and the environment.
    return httpx.AsyncHTTPTransport(verify=client_context(None), limits=limits, trust_env=False)


def _body(options: Options) -> tuple[bytes | None, str | None]:
    """The request's body and media type. Raises ValueError if there are several."""
    if len(options.keys() & {"json", "form", "content"}) > 1:
        raise ValueError("give one of json, form and content")
    if "json" in options:
        return msgspec.json.encode(options["json"]), "application/json"
    if "form" in options:
        return urlencode(options["form"]).encode(), "application/x-www-form-urlencoded"
    return options.get("content"), None


async def _read(answer: "httpx.Response", most_bytes: int) -> bytes:
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise _Unreadable("the response is compressed although identity was requested")
    body = bytearray()
    async for piece in answer.stream:  # type: ignore[union-attr]  # an AsyncByteStream
        body += piece
        if len(body) > most_bytes:
            raise _Unreadable(f"the response has more than {most_bytes} bytes")
    return bytes(body)


def _judge(response: HttpResponse, host: str, expect: Collection[int]) -> None:
    """Raises HttpError for an unexpected status."""
    if not 200 <= response.status < 300 and response.status not in expect:
        retry_after = read_retry_after(response.headers, LONGEST_RETRY_AFTER)
        raise HttpError(f"{host} answers {response.status}", str(response.status), response, retry_after)


def read_retry_after(headers: Mapping[str, str], longest: float) -> float | None:
    """Return the seconds that Retry-After asks to wait (RFC 9110 §10.2.3), at most `longest`; None without a valid
    one. Names of `headers` are in lower case."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), longest)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max((at - datetime.now(UTC)).total_seconds(), 0.0), longest)
