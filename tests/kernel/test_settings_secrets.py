"""Keys, secrets in messages and reprs, and arbitrary environments."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x448
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.context import Context
from api.kernel.settings import PUBLISHED_KEYS, Settings, SettingsError, load
from api.users.settings import UserSettings
from tests.authority import Authority
from tests.conftest import KINDS
from tests.kernel.environ import ED25519, GOOD, P256, SECRET, WRONG, faults, pem, public_pem


@pytest.mark.parametrize("key", sorted(PUBLISHED_KEYS))
def test_a_published_key_is_refused(key: str) -> None:
    [fault] = faults(SECRET_KEY=key)
    assert fault.startswith("  - SECRET_KEY is a published default; generate one with:")


@pytest.mark.parametrize("key", [SECRET[:-1], "a" * 64, "abcdefgh" * 8])
def test_a_weak_key_is_refused(key: str) -> None:
    [fault] = faults(SECRET_KEY=key)
    assert fault.startswith("  - SECRET_KEY is weak")


@pytest.mark.parametrize(("algorithm", "key"), [("ES256", pem(P256)), ("EdDSA", pem(ED25519))])
def test_a_signing_key_may_have_escaped_newlines(algorithm: str, key: str) -> None:
    for written in (key, key.replace("\n", "\\n")):
        settings = load(GOOD | {"JWT_ALGORITHM": algorithm.lower(), "JWT_PRIVATE_KEY": written})
        assert settings.jwt_private_key == key.strip()


@pytest.mark.parametrize(
    "key",
    [
        "",
        "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----",
        pem(ED25519),
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(x448.X448PrivateKey.generate()),
        pem(P256, b"locked"),
        public_pem(P256),
        pem(P256) + pem(P256),
        pem(P256) + "and more",
    ],
    ids=["none", "nonsense", "another kind", "another curve", "unusual", "locked", "public", "two", "trailing text"],
)
def test_a_key_that_cannot_sign_is_refused_at_start(key: str) -> None:
    [fault] = faults(JWT_ALGORITHM="ES256", JWT_PRIVATE_KEY=key)
    assert fault.startswith("  - JWT_PRIVATE_KEY must be one private key in PEM")


def test_previous_keys_may_be_private_or_public() -> None:
    old = [pem(P256).strip(), public_pem(ec.generate_private_key(ec.SECP256R1())).strip()]
    environ = {"JWT_ALGORITHM": "ES256", "JWT_PRIVATE_KEY": pem(P256), "JWT_PREVIOUS_KEYS": "\n".join(old)}
    assert load(GOOD | environ).jwt_previous_keys == tuple(old)
    [fault] = faults(**environ | {"JWT_PREVIOUS_KEYS": pem(ED25519)})
    assert fault.startswith("  - JWT_PREVIOUS_KEYS must be keys in PEM")


def test_no_repr_shows_a_secret(live: Context) -> None:
    canary = "canary-" + SECRET
    certificate, key = Authority().sign("client")
    settings = load(
        GOOD
        | {
            "SECRET_KEY": canary,
            "SECRET_KEY_PREVIOUS": f"{canary}-previous",
            "DATABASE_URL": f"postgres://u:{canary}@h/d",
            "REDIS_URL": f"redis://:{canary}@h",
            "SMTP_URL": f"smtp://u:{canary}@h",
            "KAFKA_BOOTSTRAP_SERVERS": "kafka+ssl://h:9093",
            "KAFKA_CLIENT_CERT": certificate,
            "KAFKA_CLIENT_CERT_KEY": key,
            "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_USERNAME": "u",
            "KAFKA_SASL_PASSWORD": canary,
            "JWT_ALGORITHM": "ES256",
            "JWT_PRIVATE_KEY": pem(P256),
        }
    )
    assert settings.smtp.password == canary
    for shown in (settings, settings.smtp, settings.kafka, (settings,)):
        assert canary not in f"{shown!r} {shown}"
        assert "PRIVATE" not in repr(shown)
    assert live.settings.secret_key not in repr(live)
    assert live.settings.database_url not in repr(live)


VARIABLES = sorted(
    set(GOOD)
    | {name for name, _ in WRONG}
    | {"KAFKA_URL", "KAFKA_CLIENT_CERT", "KAFKA_CLIENT_CERT_KEY", "JWT_PRIVATE_KEY", "JWT_PREVIOUS_KEYS"}
    | {"KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"}
    | {"DATABASE_CA_CERT", "REDIS_CA_CERT", "SMTP_CA_CERT"}
    | {"SECRET_KEY_PREVIOUS", "REDIS_TLS_VERIFY", "HEROKU_SLUG_COMMIT"}
)
LETTERS = st.sampled_from([*map(chr, range(1, 256)), "\udc80", "\u0663", "\u2028"])  # \udc80: an invalid byte of UTF-8
VALUES = st.one_of(
    st.text(LETTERS, max_size=40),
    st.sampled_from([*GOOD.values(), *(value for _, value in WRONG), "true", "off", "5/day", "ES256", pem(P256)]),
    st.builds(
        "{}://{}".format, st.sampled_from(["postgres", "redis", "https", "smtps", "kafka+ssl"]), st.text(LETTERS)
    ),
)


@given(st.dictionaries(st.sampled_from(VARIABLES), VALUES))
def test_any_environment_loads_or_its_faults_are_named(changed: dict[str, str]) -> None:
    try:
        settings = load(GOOD | changed)
    except SettingsError as refused:
        lines = str(refused).splitlines()[1:]
        assert lines
        assert {line.split()[1] for line in lines} <= set(VARIABLES)
    else:
        assert isinstance(settings, Settings)
        assert len(settings.secret_key) >= 32
        assert settings.public_url.startswith("http")


@given(
    st.sampled_from(
        [
            "SECRET_KEY",
            "SECRET_KEY_PREVIOUS",
            "DATABASE_URL",
            "REDIS_URL",
            "SMTP_URL",
            "JWT_PRIVATE_KEY",
            "KAFKA_CLIENT_CERT_KEY",
        ]
    ),
    st.text("0123456789", min_size=9, max_size=20),
    st.sampled_from(["{}", "postgres://u:{}@[h", "redis://:{}@h:x", "smtp://:{}@h", "-----BEGIN A KEY-----\n{}"]),
)
def test_a_refusal_never_quotes_a_secret(name: str, canary: str, shape: str) -> None:
    told = faults(**{name: shape.format(canary), "JWT_ALGORITHM": "ES256"})
    assert canary not in "".join(told)


def test_the_parameters_of_a_firebase_project() -> None:
    """C-259."""
    assert load(GOOD).firebase_scrypt_signer_key is None
    given = {"FIREBASE_SCRYPT_SIGNER_KEY": "c2lnbmVy", "FIREBASE_SCRYPT_SALT_SEPARATOR": "Bw=="}
    settings = load(GOOD | given, KINDS)
    assert settings.firebase_scrypt_signer_key == b"signer"
    assert settings.of(UserSettings).firebase_scrypt_salt_separator == b"\x07"
    [key, rounds] = faults(FIREBASE_SCRYPT_SIGNER_KEY="not base64!", FIREBASE_SCRYPT_ROUNDS="9")
    assert "FIREBASE_SCRYPT_SIGNER_KEY must be base64" in key
    assert "not base64!" not in key
    assert "FIREBASE_SCRYPT_ROUNDS" in rounds
