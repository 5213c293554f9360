"""Failures of dependencies: one log line for each kind, repeated at intervals, with the remedy if a setting is wrong
and waiting does not help."""

import asyncio
import contextlib
import logging
import re
import socket
import ssl
import time
from collections.abc import Iterator

REPEAT_SECONDS = 10.0
LONGEST = 200
PROBE_SECONDS = 1.0
"""Timeout of a probe for TLS on a failing port."""
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+")
_URL = re.compile(r"\b[a-z][a-z+.-]*://\S+", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9_=+/-]{32,}")

_SCHEMA = "the schema is older than this code: run the release process (python -m migrations)"
_DATABASE_REMEDIES = {
    "28": "PostgreSQL refuses this role, password or connection type: check DATABASE_URL and its sslmode",
    "3D": "the database does not exist: check DATABASE_URL",
    "42501": "the role in DATABASE_URL lacks a privilege: grant it, or use the role that runs the migrations",
    "42P01": _SCHEMA,
    "42703": _SCHEMA,
    "08P01": "a pooler refuses this database, role or start-up parameter: check DATABASE_URL and"
    " DATABASE_TRANSACTION_POOLING",
}


class Outage:
    """Logs the failures of one dependency, each kind once in REPEAT_SECONDS, and keeps its last result."""

    def __init__(self, name: str, logger: logging.Logger) -> None:
        self.name = name
        self.remedy: str | None = None
        """The remedy, if the last result was a misconfiguration."""
        self.results = 0
        """Number of successes and failures so far."""
        self._logger = logger
        self._logged: dict[str, tuple[float, int]] = {}

    def note(self, remedy: str | None) -> None:
        """Record a result without a log line: a misconfiguration by its `remedy`, anything else by None."""
        self.remedy = remedy
        self.results += 1

    def tell(self, cause: str, remedy: str | None = None, **fields: object) -> None:
        """Log that the dependency is unavailable, or with a `remedy` that it is misconfigured."""
        self.note(remedy)
        kind = remedy or cause
        until, repeats = self._logged.get(kind, (0.0, 0))
        if time.monotonic() < until:
            self._logged[kind] = until, repeats + 1
            return
        if len(self._logged) > 100:  # a server's messages may differ each time
            self._logged.clear()
        self._logged[kind] = time.monotonic() + REPEAT_SECONDS, 0
        fields |= {"cause": cause} | ({"remedy": remedy} if remedy else {}) | ({"repeated": repeats} if repeats else {})
        level, what = (logging.ERROR, "misconfigured") if remedy else (logging.WARNING, "not available")
        self._logger.log(level, "%s is %s", self.name, what, extra={"fields": fields})


def words_of(error: BaseException) -> str:
    """Return the type and message of an error, on one line of bounded length. Not for errors that quote a statement's
    values. Email addresses, URLs and possible tokens are removed."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {scrubbed(message)}" if message else type(error).__name__


def scrubbed(text: str) -> str:
    """Return a server's text on one line of bounded length, without addresses, URLs and possible tokens."""
    text = _TOKEN.sub("…", _ADDRESS.sub("…@…", _URL.sub("…", " ".join(text.split()))))
    return "".join(char for char in text if char.isprintable())[:LONGEST]


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, latest first, because libraries wrap errors."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def connection_remedy(error: BaseException, url: str, ca_cert: str) -> str | None:
    """Return the remedy if the name or the certificate of a server is wrong; None if it may just be down. `url` and
    `ca_cert` are the names of the settings for its URL and the trusted authority."""
    for each in causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            wrong_name = each.verify_code in (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH
            check = f"the host in {url}" if wrong_name else f"{ca_cert}, which must be the server's authority"
            return f"the server's certificate is not trusted ({each.verify_message.rstrip('.')}): check {check}"
        if isinstance(each, ssl.SSLError) and each.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
            return no_tls(url)
        if isinstance(each, ssl.SSLError) and "_ALERT_" in (each.reason or ""):
            return f"the server refuses our certificate or TLS ({each.reason}): check {url} and its certificates"
        if isinstance(each, socket.gaierror) and each.errno == socket.EAI_NONAME:
            return f"the host name cannot be resolved: check {url}"
    return None


def no_tls(url: str) -> str:
    """Return the remedy if only the client uses TLS. `url` names the setting."""
    return f"the server does not use TLS at this port: check {url}"


def only_tls(url: str) -> str:
    """Return the remedy if only the server uses TLS. `url` names the setting."""
    return f"the server requires TLS at this port, but the client does not use it: check {url}"


async def speaks_tls(host: str, port: int) -> bool:
    """Return whether the server at this port answers the start of a TLS handshake with a TLS record (RFC 8446 §5.1).
    The handshake stops there: nothing usable is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    sent = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=host).do_handshake()
    answer = await first_answer(host, port, sent.read())
    return answer[:2] in (b"\x16\x03", b"\x15\x03")  # a handshake record, or an alert


async def first_answer(host: str, port: int, asked: bytes) -> bytes:
    """Return the first bytes of a server's answer, at most 16; none if it does not answer within PROBE_SECONDS."""
    with contextlib.suppress(OSError):  # includes TimeoutError
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(asked)
                return await reader.read(16)
            finally:
                writer.close()
    return b""


def database_remedy(error: BaseException, state: str) -> str | None:
    """Return the remedy for an SQLSTATE of PostgreSQL or a pooler, or for an error of the driver."""
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error):
        return "the server does not support TLS, but the sslmode of DATABASE_URL requires it"
    known = (remedy for prefix, remedy in _DATABASE_REMEDIES.items() if state.startswith(prefix))
    remedy = next(known, None) or connection_remedy(error, "DATABASE_URL", "DATABASE_CA_CERT")
    if remedy is None and isinstance(error, ValueError):  # raised by the driver for invalid options
        return f"DATABASE_URL is invalid: {scrubbed(str(error))}"
    return remedy
