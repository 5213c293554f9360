"""C-209, C-213: connection URLs of common platforms, and unusable certificates and keys."""

import inspect
from pathlib import Path

import pytest
from asyncpg.connect_utils import _parse_connect_dsn_and_args  # type: ignore[attr-defined]
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg.conninfo import conninfo_to_dict

from api.kernel.config.connections import host_urls, verified_url
from api.kernel.settings import load, warnings_of
from tests.authority import DAY, Authority
from tests.kernel.environ import GOOD, TLS, faults, pem

AUTHORITY = Authority()
CERTIFICATE, KEY = AUTHORITY.sign("client")
SOCKET = "/cloudsql/project:region:main"


def as_both_read_it(url: str) -> list[tuple[str, int]]:
    """Return where asyncpg and libpq connect to, which must be the same."""
    loaded = load(GOOD | {"DATABASE_URL": url}).database_url
    places: list[tuple[str, int]] = []
    for each in host_urls(loaded):
        names = inspect.signature(_parse_connect_dsn_and_args).parameters
        nothing = dict.fromkeys(names.keys() - {"dsn"})
        [place], parameters = _parse_connect_dsn_and_args(dsn=each, **nothing)
        assert (parameters.user, parameters.password, parameters.database) == ("ada", "p@w", "app")
        if isinstance(place, str):
            folder, _, port = place.rpartition("/.s.PGSQL.")
            place = folder, int(port)
        places.append(place)
    libpq = conninfo_to_dict(loaded)
    ports = str(libpq.get("port", "5432")).split(",")
    ports *= 1 if len(ports) == len(places) else len(places)
    assert list(zip(str(libpq["host"]).split(","), map(int, ports), strict=True)) == places
    assert (libpq["user"], libpq["password"], libpq["dbname"]) == ("ada", "p@w", "app")
    return places


@pytest.mark.parametrize(
    ("url", "places"),
    [
        ("postgres://ada:p%40w@db/app", [("db", 5432)]),
        ("postgres://ada:p%40w@[::1]:5433/app", [("::1", 5433)]),
        ("postgres://ada:p%40w@a:1,b:2/app", [("a", 1), ("b", 2)]),
        ("postgres://ada:p%40w@[::1]:1,b:2/app", [("::1", 1), ("b", 2)]),
        ("postgres://ada:p%40w@/app?host=a,b&port=5", [("a", 5), ("b", 5)]),
        ("postgres://ada:p%40w@/app?host=::1,b&port=5,6", [("::1", 5), ("b", 6)]),
        (f"postgres://ada:p%40w@/app?host={SOCKET}", [(SOCKET, 5432)]),
        (f"postgres://ada:p%40w@localhost/app?host={SOCKET}", [(SOCKET, 5432)]),
        ("postgres://ada:p%40w@%2Frun%2Fpostgresql:5433/app", [("/run/postgresql", 5433)]),
        ("postgres://ada:p%40w@/app?host=/run/a,/run/b&port=5433", [("/run/a", 5433), ("/run/b", 5433)]),
    ],
)
def test_both_drivers_connect_to_the_urls_server(url: str, places: list[tuple[str, int]]) -> None:
    """C-212."""
    assert as_both_read_it(url) == places


def test_of_several_servers_both_drivers_use_the_writable_one() -> None:
    """C-212."""
    loaded = load(GOOD | {"DATABASE_URL": "postgres://ada@a,b/app"}).database_url
    assert conninfo_to_dict(loaded)["target_session_attrs"] == "read-write"
    given = load(GOOD | {"DATABASE_URL": "postgres://ada@a,b/app?target_session_attrs=primary"}).database_url
    assert conninfo_to_dict(given)["target_session_attrs"] == "primary"


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgres://db/app", "verify-full"),
        ("postgres://db/app?sslmode=require", "verify-full"),
        ("postgres://db/app?sslmode=verify-ca", "verify-ca"),
    ],
)
def test_an_authority_for_the_database_verifies_servers(url: str, mode: str) -> None:
    """C-206."""
    settings = load(GOOD | {"DATABASE_URL": url, "DATABASE_CA_CERT": AUTHORITY.pem})
    with verified_url(settings.database_url, settings.database_ca_cert) as complete:
        read = conninfo_to_dict(complete)
        assert (read["sslmode"], Path(str(read["sslrootcert"])).read_text()) == (mode, AUTHORITY.pem.strip())


def test_an_authority_and_no_tls_contradict_each_other() -> None:
    """C-206."""
    [fault] = faults(DATABASE_URL="postgres://db/app?sslmode=disable", DATABASE_CA_CERT=AUTHORITY.pem)
    assert fault.startswith("  - DATABASE_URL has sslmode=disable")


@pytest.mark.parametrize(
    ("given", "url", "verify"),
    [
        ("redis://h", "redis://h", True),
        ("redis://h/5", "redis://h/5", True),
        ("redis://h?db=5", "redis://h/5", True),
        ("rediss://:pw@h:6380/0?ssl_cert_reqs=none", "rediss://:pw@h:6380/0", False),
        ("rediss://:pw@h:6380?ssl_cert_reqs=required", "rediss://:pw@h:6380", True),
        ("unix:///run/redis/redis.sock", "unix:///run/redis/redis.sock", True),
        ("unix://:pw@/run/redis/redis.sock?db=3", "unix://:pw@/run/redis/redis.sock?db=3", True),
    ],
)
def test_common_redis_urls_are_accepted(given: str, url: str, verify: bool) -> None:
    settings = load(GOOD | {"REDIS_URL": given})
    assert (settings.redis_url, settings.redis_tls_verify) == (url, verify)


def test_the_variable_overrides_the_url_on_verifying() -> None:
    settings = load(GOOD | {"REDIS_URL": "rediss://h?ssl_cert_reqs=none", "REDIS_TLS_VERIFY": "true"})
    assert settings.redis_tls_verify


@pytest.mark.parametrize("name", ["DATABASE_CA_CERT", "REDIS_CA_CERT", "SMTP_CA_CERT", "KAFKA_TRUSTED_CERT"])
def test_a_certificate_is_text_or_a_path(name: str, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(AUTHORITY.pem)
    for written in (AUTHORITY.pem, AUTHORITY.pem.replace("\n", "\\n"), str(file)):
        settings = load(GOOD | TLS | {name: written})
        read = [settings.database_ca_cert, settings.redis_ca_cert, settings.smtp.ca_cert, settings.kafka.trusted_cert]
        assert [pem.strip() for pem in read if pem] == [AUTHORITY.pem.strip()]


GARBAGE = "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----"
OTHERS_KEY = AUTHORITY.sign("another")[1]


@pytest.mark.parametrize(
    ("certificate", "key", "told"),
    [
        (GARBAGE, KEY, ["KAFKA_CLIENT_CERT must be a certificate"]),
        (KEY, KEY, ["KAFKA_CLIENT_CERT must be a certificate"]),
        (CERTIFICATE, "", ["KAFKA_CLIENT_CERT_KEY and KAFKA_CLIENT_CERT must be set together"]),
        ("", KEY, ["KAFKA_CLIENT_CERT_KEY and KAFKA_CLIENT_CERT must be set together"]),
        (CERTIFICATE, pem(ec.generate_private_key(ec.SECP256R1()), b"x"), ["KAFKA_CLIENT_CERT_KEY is encrypted"]),
        (CERTIFICATE, OTHERS_KEY, ["KAFKA_CLIENT_CERT_KEY is not the key of the certificate"]),
        (CERTIFICATE, CERTIFICATE, ["KAFKA_CLIENT_CERT_KEY must be a private key"]),
        (GARBAGE, "x", ["KAFKA_CLIENT_CERT must be a certificate", "KAFKA_CLIENT_CERT_KEY must be in PEM"]),
    ],
    ids=["garbage", "a key", "no key", "no certificate", "encrypted", "another's key", "two certificates", "both"],
)
def test_an_unusable_certificate_is_refused_at_start(certificate: str, key: str, told: list[str]) -> None:
    found = faults(**TLS, KAFKA_CLIENT_CERT=certificate, KAFKA_CLIENT_CERT_KEY=key)
    assert [line.startswith(f"  - {start}") for line, start in zip(found, told, strict=True)] == [True] * len(told)


def test_an_expired_certificate_is_a_warning() -> None:
    """A process that works without Kafka must not stop because of Kafka's certificate."""
    expired, key = AUTHORITY.sign("client", valid=-DAY, since=2 * DAY)
    ending, _ = AUTHORITY.sign("client", valid=7 * DAY)
    environ = {"KAFKA_CLIENT_CERT": expired, "KAFKA_CLIENT_CERT_KEY": key, "REDIS_CA_CERT": ending}
    assert [line.split(" on ")[0] for line in warnings_of(load(GOOD | TLS | environ))] == [
        "the certificate in REDIS_CA_CERT expires",
        "the certificate in KAFKA_CLIENT_CERT expired",
    ]
    assert warnings_of(load(GOOD | TLS | {"REDIS_CA_CERT": AUTHORITY.pem})) == []


def test_sasl_needs_all_three_of_its_variables() -> None:
    """C-214."""
    assert [line.split()[1] for line in faults(KAFKA_SASL_MECHANISM="PLAIN")] == [
        "KAFKA_SASL_USERNAME",
        "KAFKA_SASL_PASSWORD",
    ]
    given = {"KAFKA_SASL_MECHANISM": "scram-sha-512", "KAFKA_SASL_USERNAME": "ada", "KAFKA_SASL_PASSWORD": "p w"}
    kafka = load(GOOD | given).kafka
    assert (kafka.sasl_mechanism, kafka.sasl_username, kafka.sasl_password) == ("SCRAM-SHA-512", "ada", "p w")
    [fault] = faults(**given | {"KAFKA_SASL_MECHANISM": "GSSAPI"})
    assert fault.startswith("  - KAFKA_SASL_MECHANISM must be one of PLAIN,")


def test_brokers_may_have_ipv6_addresses() -> None:
    """C-214."""
    kafka = load(GOOD | {"KAFKA_BOOTSTRAP_SERVERS": "kafka+ssl://[::1]:9092,kafka+ssl://[2001:db8::7]:9093"}).kafka
    assert (kafka.tls, kafka.bootstrap_servers) == (True, ("[::1]:9092", "[2001:db8::7]:9093"))


@pytest.mark.parametrize("sender", ["App <no-reply@x.com>", '"App, Inc." <no-reply@x.com>', "Äpp <no-reply@x.com>"])
def test_the_sender_may_have_a_name(sender: str) -> None:
    assert load(GOOD | {"MAIL_FROM": sender}).mail_from == sender
