"""A valid environment to change, and the faults of the result."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x448

from api.kernel.settings import SettingsError, load
from tests.conftest import KINDS

SECRET = "Zq8vN2mX5tR7wY1cK4hJ6gF9dS3aP0oL"
GOOD = {
    "PUBLIC_URL": "https://app.example.com",
    "SECRET_KEY": SECRET,
    "DATABASE_URL": "postgresql://ada:pw@db.example.com:5432/app",
    "REDIS_URL": "redis://:pw@redis.example.com:6379/0",
    "KAFKA_BOOTSTRAP_SERVERS": "a.example.com:9092,b.example.com:9092",
    "SMTP_URL": "smtp+starttls://ada%40x:p%2Fw@mail.example.com",
}

TLS = {
    "REDIS_URL": "rediss://:pw@redis.example.com:6379/0",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka+ssl://a.example.com:9093",
}


def pem(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | x448.X448PrivateKey, password: bytes | None = None
) -> str:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


P256 = ec.generate_private_key(ec.SECP256R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()


def faults(**variables: str) -> list[str]:
    """Return the faults of the valid environment after these changes, one per line."""
    with pytest.raises(SettingsError) as refused:
        load(GOOD | variables, KINDS)
    return str(refused.value).splitlines()[1:]


WRONG = [
    ("ENVIRONMENT", "Production!"),
    ("PORT", "0"),
    ("PORT", "65536"),
    ("PORT", "٨٠٠٠"),
    ("WEB_CONCURRENCY", "many"),
    ("PUBLIC_URL", "app.example.com"),
    ("PUBLIC_URL", "http://app.example.com"),
    ("PUBLIC_URL", "https://app.example.com/path"),
    ("PUBLIC_URL", "https://app.example.com?"),
    ("PUBLIC_URL", "https://:pw@app.example.com"),
    ("PUBLIC_URL", "https://a b"),
    ("PUBLIC_URL", "https://app.example.com:99999"),
    ("ALLOWED_ORIGINS", "*"),
    ("ALLOWED_ORIGINS", "https://a.example.com,null"),
    ("ALLOWED_ORIGINS", "https://a.example.com:99999"),
    ("TRUSTED_PROXIES", "*"),
    ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ("TRUSTED_PROXIES", "11"),
    ("TRUSTED_PROXIES", "-1"),
    ("TRUSTED_PROXIES", "1,10.0.0.0/8"),
    ("ALLOWED_HOSTS", "*"),
    ("ALLOWED_HOSTS", "https://app.example.com"),
    ("HOST", "app.example.com"),
    ("HOST", "*"),
    ("MAX_CONNECTIONS", "9"),
    ("API_DOCS", "perhaps"),
    ("JWT_ALGORITHM", "none"),
    ("DATABASE_URL", "mysql://db/app"),
    ("DATABASE_URL", "postgresql://db:port/app"),
    ("DATABASE_URL", "postgresql://[::1/app"),
    ("DATABASE_URL", "postgresql:///app"),
    ("DATABASE_URL", "postgresql://db/app?sslmode=always"),
    ("DATABASE_URL", "postgresql://ada:p@w@db/app"),
    ("DATABASE_URL", "postgresql://a,b:99999/app"),
    ("DATABASE_URL", "postgresql://a,,b/app"),
    ("DATABASE_URL", "postgresql://a,b/app?port=1,2,3"),
    ("DATABASE_URL", "postgresql://a,b/app?target_session_attrs=standby"),
    ("DATABASE_URL", "postgresql://db/app?sslmode=verify-full"),
    ("DATABASE_URL", "postgresql://db/app?sslmode=verify-full&sslrootcert=/nowhere/ca.pem"),
    ("DATABASE_URL", "postgresql://db/app?sslcert=/nowhere/client.pem"),
    ("DATABASE_CA_CERT", "/nowhere/ca.pem"),
    ("REDIS_CA_CERT", "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----"),
    ("SMTP_CA_CERT", "-----BEGIN CERTIFICATE-----"),
    ("DATABASE_POOL_SIZE", "-1"),
    ("DATABASE_TRANSACTION_POOLING", "perhaps"),
    ("REDIS_URL", "http://redis"),
    ("REDIS_URL", "redis://redis:0"),
    ("REDIS_URL", "redis://redis?socket_timeout=abc"),
    ("REDIS_URL", "redis://redis/abc"),
    ("REDIS_URL", "redis://redis/0/1"),
    ("REDIS_URL", "redis://redis?db=x"),
    ("REDIS_URL", "redis://redis?ssl_cert_reqs=none"),
    ("REDIS_URL", "rediss://redis?ssl_cert_reqs=perhaps"),
    ("REDIS_URL", "unix://"),
    ("REDIS_URL", "unix://run/redis.sock"),
    ("REDIS_URL", "unix:///run/redis.sock?db=x"),
    ("KAFKA_BOOTSTRAP_SERVERS", ","),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker"),
    ("KAFKA_BOOTSTRAP_SERVERS", "broker:99999"),
    ("KAFKA_BOOTSTRAP_SERVERS", "kafka+ssl://a:9092,b:9092"),
    ("KAFKA_BOOTSTRAP_SERVERS", "[::1:9092"),
    ("KAFKA_BOOTSTRAP_SERVERS", "::1:9092"),
    ("KAFKA_TRUSTED_CERT", "not a certificate"),
    ("KAFKA_SASL_USERNAME", "ada"),
    ("KAFKA_SASL_PASSWORD", "pw"),
    ("KAFKA_PREFIX", "with space"),
    ("SMTP_URL", "mail.example.com:25"),
    ("SMTP_URL", "smtp://ada@mail.example.com"),
    ("MAIL_FROM", "a@x.com, b@x.com"),
    ("MAIL_FROM", "Äda@x.com"),
    ("MAIL_FROM", "ada"),
    ("MAIL_FROM", "App <a@x.com>, b@x.com"),
    ("MAIL_FROM", "App <a@x.com> <b@x.com>"),
    ("MAIL_FROM", "App <a@x.com,b@x.com>"),
    ("MAIL_FROM", "App, Inc. <a@x.com>"),
    ("MAIL_FROM", "App\r\nBcc: b@x.com <a@x.com>"),
    ("LOG_LEVEL", "LOUD"),
    ("LOG_FORMAT", "xml"),
    ("RATE_LIMIT_ANONYMOUS", "0/hour"),
    ("RATE_LIMIT_SIGNED_IN", "10/fortnight"),
    ("RATE_LIMIT_CREDENTIALS", "0"),
    ("RATE_LIMIT_CREDENTIALS", "1e3"),
    ("GIT_REV", "\udcff"),
]
