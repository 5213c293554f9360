"""C-330, C-331: quoted values, and variables without effect beside others."""

import pytest

from api.kernel.settings import load
from tests.authority import Authority
from tests.kernel.environ import GOOD, SECRET, TLS, faults

AUTHORITY = Authority()


@pytest.mark.parametrize("mark", ['"', "'"])
@pytest.mark.parametrize("name", [*GOOD, "SECRET_KEY_PREVIOUS", "METRICS_TOKEN", "LOG_LEVEL", "KAFKA_PREFIX"])
def test_a_value_in_quotation_marks_is_refused(name: str, mark: str) -> None:
    """C-330: `docker run --env-file` and `kubectl create secret --from-env-file` keep them."""
    value = GOOD.get(name, SECRET[::-1])
    assert faults(**{name: f"{mark}{value}{mark}"}) == [
        f"  - {name} is in quotation marks, which are part of the value here; remove them."
    ]


def test_a_quoted_name_before_an_address_is_kept() -> None:
    sender = '"App, Inc." <no-reply@example.com>'
    assert load(GOOD | {"MAIL_FROM": sender}).mail_from == sender


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"REDIS_CA_CERT": AUTHORITY.pem}, "REDIS_CA_CERT needs TLS: REDIS_URL must begin with rediss://."),
        (
            {"REDIS_CA_CERT": AUTHORITY.pem, "REDIS_URL": "unix:///run/redis.sock"},
            "REDIS_CA_CERT needs TLS: REDIS_URL must begin with rediss://.",
        ),
        (
            {"SMTP_CA_CERT": AUTHORITY.pem, "SMTP_URL": "smtp://mail.example.com"},
            "SMTP_CA_CERT needs TLS: SMTP_URL must begin with smtp+starttls:// or smtps://.",
        ),
        ({"KAFKA_TRUSTED_CERT": AUTHORITY.pem}, "KAFKA_TRUSTED_CERT needs TLS: write kafka+ssl:// before each broker."),
        (
            dict(zip(("KAFKA_CLIENT_CERT", "KAFKA_CLIENT_CERT_KEY"), AUTHORITY.sign("client"), strict=True)),
            "KAFKA_CLIENT_CERT needs TLS: write kafka+ssl:// before each broker.",
        ),
        ({**TLS, "REDIS_CA_CERT": AUTHORITY.pem, "REDIS_TLS_VERIFY": "false"}, "REDIS_CA_CERT is what Redis is"),
        (
            {"REDIS_CA_CERT": AUTHORITY.pem, "REDIS_URL": f"{TLS['REDIS_URL']}?ssl_cert_reqs=none"},
            "REDIS_CA_CERT is what Redis is",
        ),
        ({"SIGN_IN_MOST_DAYS": "7"}, "SIGN_IN_IDLE_DAYS (14) exceeds SIGN_IN_MOST_DAYS (7)"),
        (
            {"SIGN_IN_MOST_DAYS": "20", "SIGN_IN_IDLE_DAYS": "21"},
            "SIGN_IN_IDLE_DAYS (21) exceeds SIGN_IN_MOST_DAYS (20)",
        ),
        ({"METRICS_PORT": "8000"}, "METRICS_PORT is also PORT"),
        ({"METRICS_PORT": "9464", "PORT": "9464"}, "METRICS_PORT is also PORT"),
    ],
)
def test_a_variable_without_effect_is_refused(variables: dict[str, str], told: str) -> None:
    """C-331."""
    [fault] = faults(**variables)
    assert fault.startswith(f"  - {told}")


def test_authorities_beside_tls_are_accepted() -> None:
    names = ("REDIS_CA_CERT", "SMTP_CA_CERT", "KAFKA_TRUSTED_CERT", "DATABASE_CA_CERT")
    settings = load(GOOD | TLS | dict.fromkeys(names, AUTHORITY.pem))
    assert (settings.redis_tls_verify, settings.kafka.tls, settings.smtp.tls) == (True, True, "starttls")


def test_contradictions_are_reported_together_with_missing_variables() -> None:
    """C-331."""
    found = faults(KAFKA_BOOTSTRAP_SERVERS="", SMTP_URL="", REDIS_CA_CERT=AUTHORITY.pem)
    assert [fault.split()[1] for fault in found] == ["KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL", "REDIS_CA_CERT"]
