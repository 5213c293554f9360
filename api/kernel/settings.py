"""The environment as a frozen Struct, with the settings of features. All missing, invalid, weak and published values
are reported at start, in one message."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from api.kernel.config.connections import (
    Kafka,
    Sealed,
    Smtp,
    database_url,
    items_of,
    kafka,
    redis_url,
    redis_verifies,
    smtp,
)
from api.kernel.config.contradictions import contradictions
from api.kernel.config.folders import BUILT, read_web_folder
from api.kernel.config.networks import Hosts, Proxies, read_hosts, read_listen_address, read_proxies
from api.kernel.config.origins import normal_origin
from api.kernel.config.pem import read_certificates, read_keys, validity_warning
from api.kernel.config.variables import FeatureSettings, between, one_of, read_base64, read_features

F = TypeVar("F", bound=FeatureSettings)
T = TypeVar("T")

# Variables in which platforms pass the release; the first one found is used.
_RELEASE_VARIABLES = ("HEROKU_SLUG_COMMIT", "RENDER_GIT_COMMIT", "RAILWAY_GIT_COMMIT_SHA", "GIT_REV")
_LOOPBACK = "127.0.0.0/8,::1"
_PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
# Keys published in this repository or the reference system; everyone could sign tokens with them.
PUBLISHED_KEYS = {"replace-me-with-48-random-characters-from-openssl", "your-secret-key", "changethis", "secret"}


class SettingsError(Exception):
    """The environment is invalid; the message names every wrong variable and what to do."""


class Rate(msgspec.Struct, frozen=True):
    """`count` requests per `period` seconds."""

    count: int
    period: int


class Settings(Sealed, frozen=True, kw_only=True):
    environment: str
    release: str
    host: str
    port: int
    web_concurrency: int
    max_connections: int
    public_url: str
    allowed_origins: tuple[str, ...]
    allowed_hosts: Hosts
    trusted_proxies: Proxies
    api_docs: bool
    web_dir: Path
    secret_key: str
    secret_key_previous: str | None
    """Verifies existing signatures and creates none."""
    jwt_algorithm: str
    jwt_private_key: str | None
    jwt_previous_keys: tuple[str, ...]
    database_url: str
    database_ca_cert: str | None
    database_pool_size: int
    database_transaction_pooling: bool
    redis_url: str
    redis_ca_cert: str | None
    redis_tls_verify: bool
    kafka: Kafka
    smtp: Smtp
    mail_from: str
    log_level: str
    log_format: str
    log_health: bool
    metrics_port: int | None
    metrics_token: str | None
    rate_limit_anonymous: Rate | None
    rate_limit_signed_in: Rate | None
    rate_limit_credentials: float | None
    """Factor of all limits on route lines; None disables them."""
    require_verification: bool
    sign_in_most_days: int
    firebase_scrypt_signer_key: bytes | None
    features: dict[type, FeatureSettings]

    def of(self, kind: type[F]) -> F:
        """A feature's settings. Raises LookupError where `load` was not given that feature."""
        found = self.features.get(kind)
        if not isinstance(found, kind):
            raise LookupError(f"{kind.__name__} was not read: load(kinds=settings_of(features)) needs its feature.")
        return found


def load(environ: Mapping[str, str] = os.environ, kinds: Mapping[str, type[FeatureSettings]] | None = None) -> Settings:
    """Read all variables, including those of the features in `kinds` (by feature name). Raises SettingsError naming all
    missing and invalid variables, without their values; TypeError if a feature declares a variable of the kernel."""
    faults: list[str] = []
    known: set[str] = set()

    def read(name: str, parse: Callable[[str], T], default: str | None = None) -> T:
        known.add(name)
        text = environ.get(name, "").strip() or default
        try:
            if text is None:
                raise ValueError("is missing.")
            text.encode()  # bytes that are not UTF-8 are surrogates here, and would fail later
            if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":  # `docker run --env-file` keeps them
                raise ValueError("is in quotation marks, which are part of the value here; remove them.")
            return parse(text)
        except ValueError as fault:
            faults.append(f"{name} {'must be UTF-8.' if isinstance(fault, UnicodeError) else fault}")
        return None  # type: ignore[return-value]  # not used: faults are raised below

    environment = read("ENVIRONMENT", _word, "production")
    relaxed = environment == "development"
    algorithm = read("JWT_ALGORITHM", one_of("HS256", "ES256", "EdDSA"), "HS256")
    public_url = read("PUBLIC_URL", lambda text: _public_url(text, relaxed=relaxed))
    pooling = "true" if "pgbouncer=true" in environ.get("DATABASE_URL", "") else "false"
    database_ca, redis_ca, smtp_ca = (
        read(f"{part}_CA_CERT", read_certificates, "") for part in ("DATABASE", "REDIS", "SMTP")
    )
    settings = Settings(
        environment=environment,
        release=read(next(filter(environ.get, _RELEASE_VARIABLES), "GIT_REV"), str, "unreleased"),
        host=read("HOST", read_listen_address, "localhost" if relaxed else "0.0.0.0"),
        port=read("PORT", between(1, 65535), "8000"),
        web_concurrency=read("WEB_CONCURRENCY", between(1, 64), "1"),
        max_connections=read("MAX_CONNECTIONS", between(10, 100_000), "2500"),
        public_url=public_url,
        allowed_origins=read("ALLOWED_ORIGINS", lambda text: tuple(map(normal_origin, items_of(text))), ""),
        allowed_hosts=read(
            "ALLOWED_HOSTS",
            lambda text: read_hosts([*items_of(text), urlsplit(public_url or "//localhost").hostname or "localhost"]),
            f"localhost,*.localhost,{_LOOPBACK}" if relaxed else "",
        ),
        trusted_proxies=read("TRUSTED_PROXIES", lambda text: read_proxies(items_of(text)), _LOOPBACK),
        api_docs=read("API_DOCS", one_of("true", "false"), "true" if relaxed else "false") == "true",
        web_dir=read("WEB_DIR", read_web_folder, BUILT),
        secret_key=read("SECRET_KEY", _secret),
        secret_key_previous=read(
            "SECRET_KEY_PREVIOUS", lambda text: _previous_secret(text, environ.get("SECRET_KEY", "").strip()), ""
        ),
        jwt_algorithm=algorithm,
        jwt_private_key=read(
            "JWT_PRIVATE_KEY", lambda pem: next(iter(read_keys(pem, algorithm, signing=True)), None), ""
        ),
        jwt_previous_keys=read("JWT_PREVIOUS_KEYS", lambda pems: read_keys(pems, algorithm, signing=False), ""),
        database_url=read("DATABASE_URL", lambda text: database_url(text, bool(environ.get("DATABASE_CA_CERT")))),
        database_ca_cert=database_ca,
        database_pool_size=read("DATABASE_POOL_SIZE", between(1, 200), "8"),
        database_transaction_pooling=read("DATABASE_TRANSACTION_POOLING", one_of("true", "false"), pooling) == "true",
        redis_url=read("REDIS_URL", redis_url),
        redis_ca_cert=redis_ca,
        redis_tls_verify=read("REDIS_TLS_VERIFY", one_of("true", "false"), redis_verifies(environ.get("REDIS_URL", "")))
        == "true",
        kafka=kafka(environ, read),
        smtp=read("SMTP_URL", lambda text: smtp(text, smtp_ca)),
        mail_from=read("MAIL_FROM", sender, f"no-reply@{urlsplit(public_url or '//localhost').hostname}"),
        log_level=read("LOG_LEVEL", one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
        log_format=read("LOG_FORMAT", one_of("json", "console"), "json"),
        log_health=read("LOG_HEALTH", one_of("true", "false"), "true") == "true",
        metrics_port=read("METRICS_PORT", lambda text: between(1, 65535)(text) if text else None, ""),
        metrics_token=read("METRICS_TOKEN", lambda text: _secret(text) if text else None, ""),
        rate_limit_anonymous=read("RATE_LIMIT_ANONYMOUS", rate, "100/hour"),
        rate_limit_signed_in=read("RATE_LIMIT_SIGNED_IN", rate, "1000/hour"),
        rate_limit_credentials=read("RATE_LIMIT_CREDENTIALS", _factor, "1"),
        require_verification=read("REQUIRE_VERIFICATION", one_of("true", "false"), "false") == "true",
        sign_in_most_days=read("SIGN_IN_MOST_DAYS", between(1, 365), "90"),
        firebase_scrypt_signer_key=read("FIREBASE_SCRYPT_SIGNER_KEY", read_base64, "") or None,
        features={},
    )
    kernels = frozenset(known)

    def read_own(name: str, parse: Callable[[str], object], default: str | None) -> object:
        if name in kernels:
            raise TypeError(f"{name} is a variable of the kernel; rename the feature's variable.")
        return read(name, parse, default)

    features = read_features(kinds or {}, read_own)
    faults += contradictions(settings)
    if not faults:
        faults += [fault for own in features.values() for fault in own.contradictions(settings)]
    if faults:
        faults.insert(0, "The environment is invalid. Fix these variables (docs/operations.md explains each):")
        raise SettingsError("\n  - ".join(dict.fromkeys(faults)))
    return msgspec.structs.replace(settings, features=features)


def warnings_of(settings: Settings) -> list[str]:
    """Warnings at start about certificates that have expired or expire soon. They do not stop the start, because other
    services still work."""
    pems = {
        "DATABASE_CA_CERT": settings.database_ca_cert,
        "REDIS_CA_CERT": settings.redis_ca_cert,
        "SMTP_CA_CERT": settings.smtp.ca_cert,
        "KAFKA_TRUSTED_CERT": settings.kafka.trusted_cert,
        "KAFKA_CLIENT_CERT": settings.kafka.client_cert,
    }
    found = ((name, validity_warning(pem)) for name, pem in pems.items() if pem)
    return [f"the certificate in {name} {warning}" for name, warning in found if warning]


def rate(text: str) -> Rate | None:
    """Parse `20/minute` (second, minute, hour, day) or `off` (None). Raises ValueError."""
    if text == "off":
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,6})/(second|minute|hour|day)", text)
    if match is None:
        raise ValueError("must be off or like 20/minute (second, minute, hour or day).")
    return Rate(int(match[1]), _PERIODS[match[2]])


def _matching(pattern: str, otherwise: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(otherwise)
        return text

    return parse


_word = _matching("[a-z][a-z0-9-]{0,30}", "must be one lower-case word, such as production, staging or development.")
address = _matching(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", "must be one e-mail address in ASCII.")
"""Parse an e-mail address that cannot contain a second address, a comment or a line break. Raises ValueError."""


def sender(text: str) -> str:
    """Parse an address, optionally with a name before it: `App <no-reply@example.com>`. Raises ValueError."""
    named = re.fullmatch(r'(?:"[^"\\]*"|[^"\\<>,;:@()]*) ?<([^<>]*)>', text)
    with_name = named and text.isprintable()
    try:
        address(named[1] if named and with_name else text)
    except ValueError:
        wanted = "an address in ASCII, or one after a name: App <no-reply@example.com>"
        raise ValueError(f"must be {wanted}; write an internationalized domain in its ASCII form (xn--…).") from None
    return text


def _factor(text: str) -> float | None:
    if not re.fullmatch(r"off|[0-9]{1,4}(\.[0-9]{1,3})?", text) or not text.strip("0."):
        raise ValueError("must be off or a factor such as 1 or 2.5.")
    return None if text == "off" else float(text)


def _secret(text: str) -> str:
    if text in PUBLISHED_KEYS:
        raise ValueError("is a published default; generate one with: openssl rand -base64 48")
    if len(text) < 32 or len(set(text)) < 10:
        raise ValueError("is weak: use at least 32 random characters; generate one with: openssl rand -base64 48")
    return text


def _previous_secret(text: str, current: str) -> str | None:
    if text and text == current:
        raise ValueError("is the same as SECRET_KEY; set the previous key or leave it empty.")
    return _secret(text) if text else None


def _public_url(text: str, *, relaxed: bool) -> str:
    text = normal_origin(text)
    if not text.startswith(("https://", "http://")):
        raise ValueError("must begin with https://.")
    if text.startswith("http:") and not relaxed and urlsplit(text).hostname not in ("localhost", "127.0.0.1"):
        raise ValueError("must be https, because mailed links and tokens use it.")
    return text
