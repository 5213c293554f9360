"""Failures of dependencies: a log line for each kind, repeated at intervals, and the remedy where a setting is wrong
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
"""For one question to a port that fails: whether its server speaks TLS."""
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+")
_URL = re.compile(r"\b[a-z][a-z+.-]*://\S+", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9_=+/-]{32,}")

_SCHEMA = "the schema is older than this code: run the release process (python -m migrations)"
_DATABASE_REMEDIES = {
    "28": "PostgreSQL refuses this role, password or way of connecting: check DATABASE_URL, its sslmode too",
    "3D": "there is no such database: check DATABASE_URL",
    "42501": "the role in DATABASE_URL lacks a privilege: grant it, or use the one that runs the migrations",
    "42P01": _SCHEMA,
    "42703": _SCHEMA,
    "08P01": "a pooler refuses this database, role or start-up parameter: check DATABASE_URL and"
    " DATABASE_TRANSACTION_POOLING",
}


class Outage:
    """Logs the failures of one dependency, each kind of them once in REPEAT_SECONDS, and keeps its last result."""

    def __init__(self, name: str, logger: logging.Logger) -> None:
        self.name = name
        self.remedy: str | None = None
        """What to mend, if the last result was a misconfiguration."""
        self.results = 0
        """Successes and failures so far."""
        self._logger = logger
        self._told: dict[str, tuple[float, int]] = {}

    def note(self, remedy: str | None) -> None:
        """Keep a result without a log line: a misconfiguration by its `remedy`, anything else by None."""
        self.remedy = remedy
        self.results += 1

    def tell(self, cause: str, remedy: str | None = None, **fields: object) -> None:
        """Log that it is not available, or with a `remedy` that it is misconfigured, which waiting does not mend."""
        self.note(remedy)
        kind = remedy or cause
        until, unsaid = self._told.get(kind, (0.0, 0))
        if time.monotonic() < until:
            self._told[kind] = until, unsaid + 1
            return
        if len(self._told) > 100:  # a server's words may be different each time
            self._told.clear()
        self._told[kind] = time.monotonic() + REPEAT_SECONDS, 0
        fields |= {"cause": cause} | ({"remedy": remedy} if remedy else {}) | ({"repeated": unsaid} if unsaid else {})
        level, what = (logging.ERROR, "misconfigured") if remedy else (logging.WARNING, "not available")
        self._logger.log(level, "%s is %s", self.name, what, extra={"fields": fields})


def words_of(error: BaseException) -> str:
    """The type of an error and what it says, on one line of bounded length. Not for errors that quote the values of a
    statement. E-mail addresses, URLs and what could be a token are left out."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {scrubbed(said)}" if said else type(error).__name__


def scrubbed(text: str) -> str:
    """Text from a server, on one line of bounded length, without addresses, URLs and what could be a token."""
    text = _TOKEN.sub("…", _ADDRESS.sub("…@…", _URL.sub("…", " ".join(text.split()))))
    return "".join(char for char in text if char.isprintable())[:LONGEST]


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it came from, the latest first: libraries wrap what they were told."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def connection_remedy(error: BaseException, url: str, ca_cert: str) -> str | None:
    """What to mend where the name or the certificate of a server is wrong. `url` and `ca_cert` name the settings of its
    URL and of the authority to trust. None where the server may just be down."""
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
            return f"the host's name is unknown: check {url}"
    return None


def no_tls(url: str) -> str:
    """The remedy where only the client speaks TLS. `url` names the setting."""
    return f"the server speaks no TLS at this port: check {url}"


def only_tls(url: str) -> str:
    """The remedy where only the server speaks TLS. `url` names the setting."""
    return f"the server speaks TLS at this port, and the client does not: check {url}"


async def speaks_tls(host: str, port: int) -> bool:
    """Whether the server at this port answers the start of a TLS handshake with a TLS record (RFC 8446 §5.1). The
    handshake ends there: nothing is sent that the server could use."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    sent = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=host).do_handshake()
    answer = await first_answer(host, port, sent.read())
    return answer[:2] in (b"\x16\x03", b"\x15\x03")  # a handshake record, or an alert


async def first_answer(host: str, port: int, asked: bytes) -> bytes:
    """The first bytes of a server's answer, at most 16 of them; none where it does not answer within PROBE_SECONDS."""
    with contextlib.suppress(OSError):  # TimeoutError is one
        async with asyncio.timeout(PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(asked)
                return await reader.read(16)
            finally:
                writer.close()
    return b""


def database_remedy(error: BaseException, state: str) -> str | None:
    """What to mend where PostgreSQL, or a pooler, answers with this SQLSTATE, or the driver gives up by itself."""
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error):
        return "the server offers no TLS, and the sslmode of DATABASE_URL asks for it"
    known = (remedy for prefix, remedy in _DATABASE_REMEDIES.items() if state.startswith(prefix))
    remedy = next(known, None) or connection_remedy(error, "DATABASE_URL", "DATABASE_CA_CERT")
    if remedy is None and isinstance(error, ValueError):  # the driver's, for what it cannot use
        return f"DATABASE_URL cannot be used: {scrubbed(str(error))}"
    return remedy
