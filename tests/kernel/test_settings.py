"""The environment: accepted and refused values; a refusal names every fault."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.config.connections import Kafka, Smtp
from api.kernel.settings import Rate, SettingsError, load, rate
from tests.authority import Authority
from tests.kernel.environ import GOOD, WRONG, faults


def test_the_required_variables_are_enough() -> None:
    settings = load(GOOD)
    assert (settings.environment, settings.port, settings.web_concurrency) == ("production", 8000, 1)
    assert (settings.host, settings.max_connections, settings.api_docs) == ("0.0.0.0", 2500, False)
    assert settings.smtp == Smtp("mail.example.com", 587, "ada@x", "p/w", "starttls")
    assert settings.kafka == Kafka(("a.example.com:9092", "b.example.com:9092"), "", False, None, None, None)
    assert settings.mail_from == "no-reply@app.example.com"
    assert (settings.rate_limit_anonymous, settings.rate_limit_credentials) == (Rate(100, 3600), 1.0)
    assert (settings.log_format, settings.allowed_origins, settings.jwt_private_key) == ("json", (), None)


def test_all_missing_variables_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        load({})
    for name in ("PUBLIC_URL", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL"):
        assert f"  - {name} is missing." in str(refused.value).splitlines()
    assert len(str(refused.value).splitlines()) == 7


def test_blank_counts_as_missing() -> None:
    assert faults(SECRET_KEY="  ", REDIS_URL="") == ["  - SECRET_KEY is missing.", "  - REDIS_URL is missing."]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=[f"{name}={value!r}" for name, value in WRONG])
def test_a_malformed_value_is_refused_by_name(name: str, value: str) -> None:
    [fault] = faults(**{name: value})
    assert fault.startswith(f"  - {name} ")
    assert fault.endswith((".", "48"))


def test_several_faults_are_reported_together() -> None:
    told = faults(PORT="x", SECRET_KEY="secret", SMTP_URL="", KAFKA_PREFIX="/", LOG_LEVEL="x")
    assert [line.split()[1] for line in told] == ["PORT", "SECRET_KEY", "KAFKA_PREFIX", "SMTP_URL", "LOG_LEVEL"]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("postgres://u:p@h/d", "postgresql://u:p@h/d"),
        ("postgresql+asyncpg://u:p@h:5/d", "postgresql://u:p@h:5/d"),
        (
            "postgresql://u:p%40%2F@h/d?sslmode=require&pgbouncer=true&schema=x",
            "postgresql://u:p%40%2F@h/d?sslmode=require",
        ),
    ],
)
def test_common_database_urls_are_converted_for_both_drivers(given: str, made: str) -> None:
    assert load(GOOD | {"DATABASE_URL": given}).database_url == made


def test_a_pooler_is_declared_by_the_url_or_by_its_variable() -> None:
    pooled = GOOD | {"DATABASE_URL": "postgres://h/d?pgbouncer=true"}
    assert not load(GOOD).database_transaction_pooling
    assert load(pooled).database_transaction_pooling
    assert not load(pooled | {"DATABASE_TRANSACTION_POOLING": "false"}).database_transaction_pooling


def test_origins_are_normalised_as_browsers_do() -> None:
    settings = load(
        GOOD | {"PUBLIC_URL": "https://App.Example.com/", "ALLOWED_ORIGINS": " HTTPS://B.example.com:8443 ,"}
    )
    assert (settings.public_url, settings.allowed_origins) == (
        "https://app.example.com",
        ("https://b.example.com:8443",),
    )


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.1"])
def test_a_loopback_origin_needs_no_tls(url: str) -> None:
    assert load(GOOD | {"PUBLIC_URL": url}).public_url == url


def test_development_needs_no_tls() -> None:
    assert load(GOOD | {"PUBLIC_URL": "http://box.local", "ENVIRONMENT": "development"}).environment == "development"


def test_unverified_tls_to_redis_is_allowed_on_request() -> None:
    settings = load(GOOD | {"REDIS_URL": "rediss://:pw@h:6380", "REDIS_TLS_VERIFY": "False"})
    assert (settings.redis_url, settings.redis_tls_verify) == ("rediss://:pw@h:6380", False)


@pytest.mark.parametrize(
    ("url", "smtp"),
    [
        ("smtp://mail", Smtp("mail", 25, None, None, "none")),
        ("smtps://u:p@mail", Smtp("mail", 465, "u", "p", "implicit")),
        ("smtp+starttls://u:p@mail:2525", Smtp("mail", 2525, "u", "p", "starttls")),
    ],
)
def test_an_smtp_url_selects_the_kind_of_tls(url: str, smtp: Smtp) -> None:
    assert load(GOOD | {"SMTP_URL": url}).smtp == smtp


def test_kafka_variables_of_a_paas() -> None:
    authority = Authority()
    certificate, key = authority.sign("client")
    environ = {name: value for name, value in GOOD.items() if name != "KAFKA_BOOTSTRAP_SERVERS"} | {
        "KAFKA_URL": "kafka+ssl://a:9096,kafka+ssl://b:9096",
        "KAFKA_PREFIX": "north-1.",
        "KAFKA_TRUSTED_CERT": authority.pem.replace("\n", "\\n"),
        "KAFKA_CLIENT_CERT": certificate,
        "KAFKA_CLIENT_CERT_KEY": key,
    }
    kafka = load(environ).kafka
    assert (kafka.bootstrap_servers, kafka.prefix, kafka.tls) == (("a:9096", "b:9096"), "north-1.", True)
    assert kafka.trusted_cert == authority.pem
    assert (kafka.client_cert, kafka.client_cert_key) == (certificate.strip(), key.strip())
    plain = {name: "" for name in environ if name.startswith("KAFKA_")} | {"KAFKA_URL": "kafka://a:9092"}
    assert not load(environ | plain).kafka.tls


def test_a_malformed_kafka_url_is_named() -> None:
    [fault] = faults(KAFKA_BOOTSTRAP_SERVERS="", KAFKA_URL="kafka+ssl://a:9096,kafka://b:9096")
    assert fault.startswith("  - KAFKA_URL must be host:port")


def test_the_release_is_the_first_variable_of_a_paas() -> None:
    assert load(GOOD).release == "unreleased"
    assert load(GOOD | {"GIT_REV": "b", "HEROKU_SLUG_COMMIT": "a", "RENDER_GIT_COMMIT": ""}).release == "a"


def test_limits_can_be_lifted_and_scaled() -> None:
    settings = load(GOOD | {"RATE_LIMIT_ANONYMOUS": "off", "RATE_LIMIT_CREDENTIALS": "2.5"})
    assert (settings.rate_limit_anonymous, settings.rate_limit_credentials) == (None, 2.5)
    assert load(GOOD | {"RATE_LIMIT_CREDENTIALS": "off"}).rate_limit_credentials is None


@given(st.integers(1, 9_999_999), st.sampled_from(["second", "minute", "hour", "day"]))
def test_a_rate_is_printed_as_it_is_written(count: int, period: str) -> None:
    read = rate(f"{count}/{period}")
    assert read is not None
    assert (read.count, {1: "second", 60: "minute", 3600: "hour", 86400: "day"}[read.period]) == (count, period)


@pytest.mark.parametrize("module", ["api", "worker", "migrations"])
def test_a_process_without_an_environment_exits_with_the_list_and_no_traceback(module: str, root: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", module], cwd=root, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.count("is missing.") == 6
    assert "Traceback" not in ended.stderr
