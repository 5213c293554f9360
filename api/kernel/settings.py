"""The environment as one frozen Struct. Everything that is missing, malformed, weak or a published default is refused
at start, all of it named in one message, so that a deployment is mended once and not once per variable."""

import os
import re
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import msgspec

T = TypeVar("T")

# Names under which a PaaS tells which build is running, first found wins.
_RELEASE_VARIABLES = ("HEROKU_SLUG_COMMIT", "RENDER_GIT_COMMIT", "RAILWAY_GIT_COMMIT_SHA", "GIT_REV")
# Parameters of a DATABASE_URL that both asyncpg and libpq understand; a server refuses what a driver passes on unknown.
_DATABASE_PARAMETERS = {"sslmode", "sslrootcert", "sslcert", "sslkey", "application_name", "target_session_attrs"}
_PRIVATE_NETWORKS = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fc00::/7"
_CERTIFICATES = ("TRUSTED_CERT", "CLIENT_CERT", "CLIENT_CERT_KEY")
_PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
# Keys that stand in this repository or in the reference system's; anybody can sign tokens with them.
PUBLISHED_KEYS = {"replace-me-with-48-random-characters-from-openssl", "your-secret-key", "changethis", "secret"}


class SettingsError(Exception):
    """The environment cannot be run with; the message names every variable at fault and what to do."""


class Rate(msgspec.Struct, frozen=True):
    """So many requests (`count`) per `period` seconds."""

    count: int
    period: int


class Smtp(msgspec.Struct, frozen=True):
    host: str
    port: int
    username: str | None
    password: str | None
    tls: str
    """`implicit` (smtps), `starttls` or `none`."""


class Kafka(msgspec.Struct, frozen=True):
    bootstrap_servers: tuple[str, ...]
    prefix: str
    tls: bool
    trusted_cert: str | None
    client_cert: str | None
    client_cert_key: str | None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    environment: str
    release: str
    port: int
    web_concurrency: int
    public_url: str
    allowed_origins: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    secret_key: str
    jwt_algorithm: str
    jwt_private_key: str | None
    jwt_previous_keys: tuple[str, ...]
    database_url: str
    database_pool_size: int
    database_transaction_pooling: bool
    redis_url: str
    redis_tls_verify: bool
    kafka: Kafka
    smtp: Smtp
    mail_from: str
    log_level: str
    log_format: str
    rate_limit_anonymous: Rate | None
    rate_limit_signed_in: Rate | None
    rate_limit_credentials: float | None
    """Multiplies every limit written on a route line; None lifts them."""

    @property
    def development(self) -> bool:
        return self.environment == "development"

    def __repr__(self) -> str:
        return f"Settings(environment={self.environment!r})"  # the rest holds secrets, and a repr ends up in logs


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read every variable. Raises SettingsError naming all that are missing or wrong."""
    faults: list[str] = []

    def read(name: str, parse: Callable[[str], T], default: str | None = None) -> T:
        text = environ.get(name, "").strip() or default
        if text is None:
            faults.append(f"{name} is missing.")
            return None  # type: ignore[return-value]  # never seen: faults are raised below
        try:
            return parse(text)
        except ValueError as fault:
            faults.append(f"{name} {fault}")
            return None  # type: ignore[return-value]

    environment = read("ENVIRONMENT", _word, "production")
    relaxed = environment == "development"
    algorithm = read("JWT_ALGORITHM", _one_of("HS256", "ES256", "EdDSA"), "HS256")
    if algorithm in ("ES256", "EdDSA") and not environ.get("JWT_PRIVATE_KEY", "").strip():
        faults.append(f"JWT_PRIVATE_KEY is missing: {algorithm} signs with a private key in PEM.")
    public_url = read("PUBLIC_URL", lambda text: _public_url(text, relaxed))
    host = urlsplit(public_url or "").hostname or "localhost"
    settings = Settings(
        environment=environment,
        release=next((environ[name] for name in _RELEASE_VARIABLES if environ.get(name)), "unreleased"),
        port=read("PORT", _between(1, 65535), "8000"),
        web_concurrency=read("WEB_CONCURRENCY", _between(1, 64), "1"),
        public_url=public_url,
        allowed_origins=read("ALLOWED_ORIGINS", _origins, ""),
        trusted_proxies=read("TRUSTED_PROXIES", _list, _PRIVATE_NETWORKS),
        secret_key=read("SECRET_KEY", _secret),
        jwt_algorithm=algorithm,
        jwt_private_key=read("JWT_PRIVATE_KEY", _pem, ""),
        jwt_previous_keys=read("JWT_PREVIOUS_KEYS", _pems, ""),
        database_url=read("DATABASE_URL", _database_url),
        database_pool_size=read("DATABASE_POOL_SIZE", _between(1, 200), "8"),
        database_transaction_pooling=read(
            "DATABASE_TRANSACTION_POOLING",
            _boolean,
            "true" if "pgbouncer=true" in environ.get("DATABASE_URL", "") else "false",
        ),
        redis_url=read("REDIS_URL", _url("redis", "rediss")),
        redis_tls_verify=read("REDIS_TLS_VERIFY", _boolean, "true"),
        kafka=_kafka(environ, faults),
        smtp=read("SMTP_URL", _smtp),
        mail_from=read("MAIL_FROM", _address, f"no-reply@{host}"),
        log_level=read("LOG_LEVEL", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
        log_format=read("LOG_FORMAT", _one_of("json", "console"), "json"),
        rate_limit_anonymous=read("RATE_LIMIT_ANONYMOUS", rate, "100/hour"),
        rate_limit_signed_in=read("RATE_LIMIT_SIGNED_IN", rate, "1000/hour"),
        rate_limit_credentials=read("RATE_LIMIT_CREDENTIALS", _factor, "1"),
    )
    if faults:
        raise SettingsError(
            "The environment is not complete. Mend these and start again (docs/operations.md explains each):\n"
            + "\n".join(f"  - {fault}" for fault in faults)
        )
    return settings


def rate(text: str) -> Rate | None:
    """Read `20/minute` (second, minute, hour, day) or `off` (None). Raises ValueError."""
    if text == "off":
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,6})/(second|minute|hour|day)", text)
    if match is None:
        raise ValueError("must be off or like 20/minute (second, minute, hour or day).")
    return Rate(int(match[1]), _PERIODS[match[2]])


def _word(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", text):
        raise ValueError("must be one lower-case word, such as production, staging or development.")
    return text


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        for choice in choices:
            if text.lower() == choice.lower():
                return choice
        raise ValueError(f"must be one of {', '.join(choices)}.")

    return parse


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,6}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}.")
        return int(text)

    return parse


def _boolean(text: str) -> bool:
    return _one_of("true", "false")(text) == "true"


def _factor(text: str) -> float | None:
    if text == "off":
        return None
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) or float(text) == 0:
        raise ValueError("must be off, or a factor such as 1 or 2.5 for every limit written on a route.")
    return float(text)


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _secret(text: str) -> str:
    if text in PUBLISHED_KEYS:
        raise ValueError("is a published default; make one with: openssl rand -base64 48")
    if len(text) < 32 or len(set(text)) < 10:
        raise ValueError("is weak: it needs 32 characters or more, at random; make one with: openssl rand -base64 48")
    return text


def _pem(text: str) -> str | None:
    if not text:
        return None
    text = text.replace("\\n", "\n")  # a PaaS' form field often keeps newlines escaped
    if not re.match(r"-----BEGIN [A-Z ]*KEY-----\n", text):
        raise ValueError("must be a key in PEM (-----BEGIN … KEY-----).")
    return text


def _pems(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    text = text.replace("\\n", "\n")
    keys = re.findall(r"-----BEGIN [A-Z ]*KEY-----\n.*?-----END [A-Z ]*KEY-----", text, re.DOTALL)
    if not keys:
        raise ValueError("must be one or more keys in PEM, one after the other.")
    return tuple(keys)


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        try:
            parts = urlsplit(text)
            complete = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number, an IPv6 address without its bracket
            complete = False
        if not complete:
            raise ValueError(f"must be a URL like {schemes[0]}://host:port.")
        return text

    return parse


def _public_url(text: str, relaxed: bool) -> str:
    parts = urlsplit(_url("https", "http")(text.rstrip("/")))
    if parts.path or parts.query or parts.fragment or parts.username:
        raise ValueError("must be the application's origin alone, such as https://app.example.com.")
    if parts.scheme == "http" and not relaxed and parts.hostname not in ("localhost", "127.0.0.1"):
        raise ValueError("must be https: links in mails lead there, and tokens travel by it.")
    return text.rstrip("/")


def _origins(text: str) -> tuple[str, ...]:
    origins = _list(text)
    for origin in origins:
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", origin):
            raise ValueError(f"has {origin!r}: each must be an origin such as https://app.example.com, and never *.")
    return origins


def _database_url(text: str) -> str:
    text = re.sub(r"^postgres(ql)?(\+[a-z0-9]+)?://", "postgresql://", text)
    parts = urlsplit(_url("postgresql")(text))
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name in _DATABASE_PARAMETERS]
    return urlunsplit(parts._replace(query=urlencode(kept)))


def _smtp(text: str) -> Smtp:
    parts = urlsplit(_url("smtp", "smtps", "smtp+starttls")(text))
    tls = {"smtp": "none", "smtps": "implicit", "smtp+starttls": "starttls"}[parts.scheme]
    return Smtp(
        host=parts.hostname or "",
        port=parts.port or {"none": 25, "implicit": 465, "starttls": 587}[tls],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
    )


def _address(text: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+", text):
        raise ValueError("must be one e-mail address.")
    return text


def _kafka(environ: Mapping[str, str], faults: list[str]) -> Kafka:
    """KAFKA_BOOTSTRAP_SERVERS=host:port,… or a PaaS' KAFKA_URL=kafka+ssl://host:port,… with its certificates in PEM."""
    plain, url = environ.get("KAFKA_BOOTSTRAP_SERVERS", "").strip(), environ.get("KAFKA_URL", "").strip()
    servers, tls = _list(plain or url), False
    if not servers:
        faults.append("KAFKA_BOOTSTRAP_SERVERS is missing (or KAFKA_URL, where the PaaS gives one).")
    if not plain:
        tls = all(server.startswith("kafka+ssl://") for server in servers)
        servers = tuple(re.sub(r"^kafka(\+ssl)?://", "", server) for server in servers)
    if any(not re.fullmatch(r"[^\s:/]+:[0-9]{1,5}", server) for server in servers):
        faults.append(f"{'KAFKA_BOOTSTRAP_SERVERS' if plain else 'KAFKA_URL'} must be host:port, with commas between.")
    certificates = [environ.get(f"KAFKA_{name}", "").replace("\\n", "\n").strip() or None for name in _CERTIFICATES]
    return Kafka(servers, environ.get("KAFKA_PREFIX", "").strip(), tls, *certificates)
