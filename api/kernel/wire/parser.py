"""Parses requests from the bytes of a connection. httptools (llhttp) has no limits; this module adds them, and further
checks of the head."""

import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httptools

from api.kernel.errors import MALFORMED_REQUEST, PAYLOAD_TOO_LARGE, Problem, problem
from api.kernel.http.sockets import OFFER
from api.kernel.wire.exchange import Exchange

logger = logging.getLogger(__name__)

HEAD_BYTES = 16 * 1024
HEAD_FIELDS = 100
HEAD_TOO_LARGE = problem(
    431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "The request's head is larger than 16 KiB or 100 fields."
)
_HOST = re.compile(
    rb"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-5][0-9]{2}))?"
)
_ORIGIN_FORM = re.compile(rb"()(/[^?#]*)(?:\?([^#]*))?")
_ABSOLUTE_FORM = re.compile(rb"(?i:https?)://([^/?#]+)(/[^?#]*)?(?:\?([^#]*))?")
_ASTERISK_FORM = re.compile(rb"()(\*)()")
_UPGRADE = {b"upgrade", b"http2-settings"}
_Headers = list[tuple[bytes, bytes]]


class Refused(Exception):
    """The request is not valid HTTP, or its head is too large."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


class Parser:
    """Calls `begin` with the scope and framing of each request, and passes its body to the returned Exchange."""

    in_head = False
    requests = 0
    """Number of requests begun."""
    _exchange: Exchange | None = None
    """The request whose body is being read."""
    _offer: _Headers | None = None
    """The fields of a head that offered another protocol, while it is parsed again."""
    _silent = 0
    """Bytes parsed since llhttp's last event; httptools keeps all of them in memory."""

    def __init__(self, begin: Callable[[dict[str, Any], int | None, bool, bool], Exchange]) -> None:
        self._begin = begin
        self._parser = httptools.HttpRequestParser(self)
        self._data, self._at = b"", 0

    def take(self) -> bytes:
        """The unparsed rest, if it is not HTTP."""
        taken = self._data[self._at :]
        self.clear()
        return taken

    @property
    def left(self) -> int:
        """Return the number of bytes not parsed yet."""
        return len(self._data) - self._at

    def add(self, data: bytes) -> None:
        kept = max(0, self._at - 3)  # `_end_of_piece` reads the three bytes before
        self._data, self._at = self._data[kept:] + data, self._at - kept

    def clear(self) -> None:
        self._data, self._at = b"", 0
        self._parser = self._begin = self._exchange = None  # type: ignore[assignment]  # breaks the reference cycle

    def parse(self) -> None:
        """Parse a piece of the data, which contains at most the end of one request. Raises Refused."""
        start, self._at = self._at, self._end_of_piece()
        piece = self._data[start : self._at]
        if not self.left:
            self._data = self._data[-3:]  # a long response would keep its request in memory
            self._at = len(self._data)
        self._feed(piece)

    def _end_of_piece(self) -> int:
        """A head and a chunked body end with an empty line, another body after its length."""
        if self._exchange is not None and self._exchange.owed:
            return min(self._at + self._exchange.owed, len(self._data))
        found = self._data.find(b"\r\n\r\n", max(0, self._at - 3))
        return len(self._data) if found < 0 else found + 4

    def _feed(self, piece: bytes) -> None:
        self._silent += len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._feed_without_upgrade()
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, Refused):
                raise cause from None
            if cause is not None:
                logger.error("a parser callback failed", exc_info=cause)
            raise Refused(MALFORMED_REQUEST()) from None
        if self._silent > HEAD_BYTES:
            raise Refused(HEAD_TOO_LARGE())

    def _feed_without_upgrade(self) -> None:
        """Ignore an offer of another protocol (RFC 9110 §7.8), except that the application may accept WebSocket. llhttp
        stops parsing HTTP after such a head; a new parser receives the head without the offer and frames the body as
        usual."""
        self._offer = self._headers
        head = [b"%s %s HTTP/%s" % (self._parser.get_method(), self._url, self._parser.get_http_version().encode())]
        for name, value in self._headers:
            if name == b"connection":
                options = map(bytes.strip, value.split(b","))
                value = b", ".join(option for option in options if option.lower() not in _UPGRADE)
            if name not in _UPGRADE:
                head.append(b"%s: %s" % (name, value))
        self._parser = httptools.HttpRequestParser(self)
        self._silent = 0
        self._feed(b"\r\n".join([*head, b"", b""]))

    # Callbacks of httptools

    def on_message_begin(self) -> None:
        if self._exchange is not None:  # prevented by pieces: requests must not mix
            raise Refused(MALFORMED_REQUEST())
        self.in_head, self._url, self._headers = True, b"", _Headers()
        self.requests += 1

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:  # ignore trailers
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        method = self._parser.get_method().decode("ascii")
        if self._parser.should_upgrade() and method != "CONNECT":
            return
        self.in_head, self._silent = False, 0
        version, names, sent = self._parser.get_http_version(), [name for name, _ in self._headers], dict(self._headers)
        size = len(self._url) + sum(len(name) + len(value) + 4 for name, value in self._headers)
        if size > HEAD_BYTES or len(names) > HEAD_FIELDS:
            raise Refused(HEAD_TOO_LARGE())
        if names.count(b"host") != 1 or not _HOST.fullmatch(sent[b"host"]) or version not in ("1.1", "1.0"):
            raise Refused(MALFORMED_REQUEST())
        chunked, length = b"transfer-encoding" in sent, sent.get(b"content-length")
        # Two framings at once, or one that HTTP/1.0 lacks, allow request smuggling past a proxy (RFC 9112 §6.1).
        if chunked and (length is not None or version == "1.0"):
            raise Refused(MALFORMED_REQUEST())
        expects = version == "1.1" and sent.get(b"expect", b"").lower() == b"100-continue"
        keep_alive = version == "1.1" and self._parser.should_keep_alive()
        scope = {"method": method, "http_version": version, **self._target(method)}
        offer, self._offer = self._offer, None
        if offer and not chunked and not int(length or 0) and version == "1.1" and _offers_websocket(method, offer):
            scope["extensions"] = {OFFER: offer}  # the head's fields as they came; the answer 101 accepts
        self._exchange = self._begin(scope, None if chunked else int(length or 0), keep_alive, expects)

    def on_chunk_header(self) -> None:
        self._silent = 0

    def on_body(self, body: bytes) -> None:
        self._silent = 0
        if self._exchange is not None and not self._exchange.take(body):
            raise Refused(PAYLOAD_TOO_LARGE())

    def on_message_complete(self) -> None:
        if self._exchange is not None:
            self._exchange.complete()
            self._exchange = None

    def _target(self, method: str) -> dict[str, Any]:
        """Return the scope's fields for the request target, in origin-form, absolute-form, or asterisk-form for OPTIONS
        (RFC 9112 §3.2). Raises Refused."""
        form = _ORIGIN_FORM.fullmatch(self._url) or _ABSOLUTE_FORM.fullmatch(self._url)
        if method == "OPTIONS" and form is None:
            form = _ASTERISK_FORM.fullmatch(self._url)
        if method == "CONNECT" or form is None or (form[1] and not _HOST.fullmatch(form[1])):
            raise Refused(MALFORMED_REQUEST())
        path, headers = form[2] or b"/", self._headers
        if form[1]:  # replaces Host
            headers = [(name, form[1] if name == b"host" else value) for name, value in headers]
        text = path.decode("ascii")
        return {
            "path": unquote(text) if "%" in text else text,
            "raw_path": path,
            "query_string": form[3] or b"",
            "headers": headers,
        }


def _offers_websocket(method: str, headers: _Headers) -> bool:
    return method == "GET" and [value.lower() for name, value in headers if name == b"upgrade"] == [b"websocket"]
