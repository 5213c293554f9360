"""Settings of the connections to PostgreSQL, Redis, Kafka and SMTP: URLs as platforms provide them, validated and
normalized to the form that the drivers accept. The parsers raise ValueError, which settings.py reports with the
setting's name."""

import contextlib
import getpass
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import msgspec

from api.kernel.config.pem import as_file, belong_together, read_certificates, read_private_key

# Parameters that both asyncpg and libpq understand; a server refuses unknown parameters that a driver passes on.
_DATABASE_PARAMETERS = {"sslmode", "sslrootcert", "sslcert", "sslkey", "application_name", "target_session_attrs"}
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SSL_FILES = ("sslrootcert", "sslcert", "sslkey")
_SESSION_ATTRIBUTES = ("any", "primary", "read-write")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s\[\],/:@]+)(?::([0-9]{1,5}))?")
_REDIS_VERIFY = {"none": "false", "required": "true"}
_SMTP_SCHEMES = {"smtp": ("none", 25), "smtps": ("implicit", 465), "smtp+starttls": ("starttls", 587)}
_SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_BROKER = re.compile(r"(kafka://|kafka\+ssl://|)((?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5}))")
_KAFKA = ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_URL", "KAFKA_CLIENT_CERT", "KAFKA_SASL_MECHANISM")
_TOPIC_PREFIX = re.compile("[A-Za-z0-9._-]{0,100}")


class Sealed(msgspec.Struct, frozen=True):
    """Base of structs that hold secrets: omits the values from repr, which may be logged."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class Smtp(Sealed, frozen=True):
    host: str
    port: int
    username: str | None
    password: str | None
    tls: str
    """`implicit` (smtps), `starttls` or `none`."""
    ca_cert: str | None = None


class Kafka(Sealed, frozen=True):
    bootstrap_servers: tuple[str, ...]
    prefix: str
    tls: bool
    trusted_cert: str | None
    client_cert: str | None
    client_cert_key: str | None
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = None


def url_of(text: str, *schemes: str) -> SplitResult:
    """Parse a URL with one of the schemes, a host and an optional valid port. Raises ValueError."""
    try:
        parts = urlsplit(text)
        if parts.scheme in schemes and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # an invalid port, or an IPv6 address without a bracket
        pass
    raise ValueError(f"must be a URL like {schemes[0]}://host:port.")


def items_of(text: str) -> tuple[str, ...]:
    """Split a comma-separated list."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def database_url(text: str, own_ca: bool) -> str:
    """Normalize a URL for both asyncpg and libpq: hosts in the authority, without the parameters of other drivers. With
    `own_ca`, the server's certificate is verified. Raises ValueError."""
    parts = _split(re.sub(r"^postgres(ql)?(\+[a-z0-9]+)?://", "postgresql://", text))
    given = dict(parse_qsl(parts.query))
    kept = {name: value for name, value in given.items() if name in _DATABASE_PARAMETERS}
    login, at, authority = parts.netloc.rpartition("@")
    if "@" in login:
        raise ValueError("must encode an @ in its name or password as %40.")
    if not login.partition(":")[0] and not _has_name():
        raise ValueError("must name a role: this process runs under a uid without a name.")
    hosts = _hosts_of(authority, given.get("host", ""), given.get("port", ""))
    if len(hosts) > 1:
        kept.setdefault("target_session_attrs", "read-write")
    if kept.get("target_session_attrs", "any") not in _SESSION_ATTRIBUTES:
        raise ValueError(f"must request a writable server, by target_session_attrs: {', '.join(_SESSION_ATTRIBUTES)}.")
    kept |= _verification(kept, own_ca)
    for name in _SSL_FILES:
        if name in kept and not _readable(kept[name]):
            raise ValueError(f"names a file for {name} that cannot be read.")
    return urlunsplit(parts._replace(netloc=f"{login}{at}{','.join(hosts)}", query=urlencode(kept)))


def host_urls(url: str) -> tuple[str, ...]:
    """Return one URL for each of the URL's hosts, in order."""
    parts = urlsplit(url)
    login, at, authority = parts.netloc.rpartition("@")
    return tuple(urlunsplit(parts._replace(netloc=f"{login}{at}{host}")) for host in authority.split(","))


@contextlib.contextmanager
def verified_url(url: str, ca_cert: str | None) -> Iterator[str]:
    """Yield the database's URL with its own authority, which both drivers read from a file that exists while the block
    runs."""
    if ca_cert is None:
        yield url
        return
    with as_file(ca_cert) as path:
        yield f"{url}{'&' if '?' in url else '?'}{urlencode({'sslrootcert': path})}"


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "postgresql":
        raise ValueError("must be a URL like postgresql://name:password@host:port/database.")
    return parts


def _hosts_of(authority: str, hosts: str, ports: str) -> list[str]:
    """Return each `host` or `host:port`. Hosts in the parameters take precedence, as with libpq. Socket folders and
    IPv6 addresses are returned in the form of a URL's authority."""
    numbers = ports.split(",") if ports else []
    items = [_as_in_authority(item) for item in hosts.split(",")] if hosts else authority.split(",")
    if len(numbers) not in (0, 1, len(items)):
        raise ValueError("must have one port, or one port for each host.")
    made: list[str] = []
    for place, item in enumerate(items):
        match = _HOST.fullmatch(item)
        if match is None:
            raise ValueError("must have comma-separated hosts like host:port, or the folder of a socket.")
        number = match[2] or (numbers[place % len(numbers)] if numbers else "")
        if number and not (re.fullmatch("[0-9]{1,5}", number) and 0 < int(number) < 65536):
            raise ValueError("has an invalid port.")
        made.append(f"{match[1]}:{number}" if number else match[1])
    return made


def _as_in_authority(host: str) -> str:
    if host.startswith("/"):
        return quote(host, safe="")
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def _has_name() -> bool:
    """Return whether the drivers can determine the role to connect as if the URL has none."""
    try:
        return bool(os.environ.get("PGUSER") or getpass.getuser())
    except (KeyError, OSError):
        return False


def _verification(kept: Mapping[str, str], own_ca: bool) -> dict[str, str]:
    mode = kept.get("sslmode", "prefer")
    if mode not in _SSL_MODES:
        raise ValueError(f"has an unknown sslmode; there are {', '.join(_SSL_MODES)}.")
    if own_ca and "sslrootcert" in kept:
        raise ValueError("must not have sslrootcert together with DATABASE_CA_CERT.")
    if own_ca and mode == "disable":
        raise ValueError("has sslmode=disable, but DATABASE_CA_CERT requires TLS.")
    if own_ca:
        return {"sslmode": mode if mode == "verify-ca" else "verify-full"}
    if mode.startswith("verify") and "sslrootcert" not in kept:
        raise ValueError(f"has sslmode={mode}, which needs DATABASE_CA_CERT, the trusted authority.")
    return {}


def _readable(path: str) -> bool:
    try:
        Path(path).read_bytes()
    except (OSError, ValueError):
        return False
    return True


def redis_url(text: str) -> str:
    """Normalize a URL for TCP, TLS or a socket: the database number in the path, where the driver reads it, and no
    other options. Raises ValueError."""
    parts = urlsplit(text) if text.startswith("unix://") else url_of(text, "redis", "rediss", "unix")
    options = dict(parse_qsl(parts.query))
    socket = parts.scheme == "unix"
    if socket and (parts.path in ("", "/") or parts.netloc.rpartition("@")[2]):
        raise ValueError("must be like unix:///run/redis/redis.sock.")
    number = options.pop("db", "" if socket else parts.path.strip("/"))
    verify = options.pop("ssl_cert_reqs", "required")
    if not re.fullmatch("[0-9]{0,4}", number):
        raise ValueError("must end with a database number, such as /0.")
    if options or verify not in _REDIS_VERIFY or (verify == "none" and parts.scheme != "rediss"):
        raise ValueError("may only have the options db, and ssl_cert_reqs=none or required with rediss://.")
    if socket:
        return f"unix://{parts.netloc}{parts.path}{f'?db={number}' if number else ''}"
    return urlunsplit(parts._replace(path=f"/{number}" if number else "", query=""))


def redis_verifies(url: str) -> str:
    """Return the value of REDIS_TLS_VERIFY that the URL implies."""
    match = re.search("[?&]ssl_cert_reqs=([^&]*)", url)
    return _REDIS_VERIFY.get(match[1], "true") if match else "true"


def smtp(text: str, ca_cert: str | None) -> Smtp:
    parts = url_of(text, *_SMTP_SCHEMES)
    if bool(parts.username) != bool(parts.password):
        raise ValueError("must have both a name and a password, or neither.")
    tls, port = _SMTP_SCHEMES[parts.scheme]
    username, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return Smtp(parts.hostname or "", parts.port or port, username, password, tls, ca_cert)


def kafka(environ: Mapping[str, str], read: Callable[..., Any]) -> Kafka:
    """Read KAFKA_BOOTSTRAP_SERVERS=host:port,… or a PaaS' KAFKA_URL=kafka+ssl://host:port,… with PEM certificates.
    Raises ValueError."""
    given = {name for name in _KAFKA if environ.get(name, "").strip()}
    plain = "KAFKA_BOOTSTRAP_SERVERS" in given or "KAFKA_URL" not in given
    tls, servers = read("KAFKA_BOOTSTRAP_SERVERS" if plain else "KAFKA_URL", _brokers) or (False, ())
    certificate = read("KAFKA_CLIENT_CERT", read_certificates, "")

    def key(text: str) -> str | None:
        if bool(text) != ("KAFKA_CLIENT_CERT" in given):
            raise ValueError("and KAFKA_CLIENT_CERT must be set together.")
        pem = read_private_key(text)
        if pem and certificate and not belong_together(certificate, pem):
            raise ValueError("is not the key of the certificate in KAFKA_CLIENT_CERT.")
        return pem

    def credential(text: str) -> str | None:
        if bool(text) != ("KAFKA_SASL_MECHANISM" in given):
            raise ValueError("and KAFKA_SASL_MECHANISM must be set together.")
        return text or None

    return Kafka(
        bootstrap_servers=servers,
        prefix=read("KAFKA_PREFIX", _topic_prefix, ""),
        tls=tls,
        trusted_cert=read("KAFKA_TRUSTED_CERT", read_certificates, ""),
        client_cert=certificate,
        client_cert_key=read("KAFKA_CLIENT_CERT_KEY", key, ""),
        sasl_mechanism=read("KAFKA_SASL_MECHANISM", _mechanism, ""),
        sasl_username=read("KAFKA_SASL_USERNAME", credential, ""),
        sasl_password=read("KAFKA_SASL_PASSWORD", credential, ""),
    )


def _mechanism(text: str) -> str | None:
    if text and text.upper() not in _SASL_MECHANISMS:
        raise ValueError(f"must be one of {', '.join(_SASL_MECHANISMS)}.")
    return text.upper() or None


def _topic_prefix(text: str) -> str:
    if not _TOPIC_PREFIX.fullmatch(text):
        raise ValueError("must consist of letters, digits, dots, underscores and hyphens.")
    return text


def _brokers(text: str) -> tuple[bool, tuple[str, ...]]:
    found = [_BROKER.fullmatch(item) for item in items_of(text)]
    matches = [match for match in found if match and 0 < int(match[3]) < 65536]
    if not found or len(matches) < len(found) or len({match[1] for match in matches}) > 1:
        raise ValueError("must be host:port, comma-separated, with kafka+ssl:// before all or none.")
    return matches[0][1] == "kafka+ssl://", tuple(match[2] for match in matches)
