"""Point 17: a client's address is a valid IP address reported by a trusted proxy."""

import ipaddress

from tests.attacks.attack import attack, held, none_broken
from tests.attacks.client import Account, fresh_email
from tests.attacks.site import Site
from tests.attacks.world import World

FORGED = [
    '"><script>alert(1)</script>',
    "a" * 9000,
    "unknown",
    "_hidden",
    "1.2.3.4:5678",
    "[2001:db8::1]:80",
    "1.2.3.4, evil",
    "evil, 1.2.3.4",
    "1.2.3",
    "1.2.3.4.5",
    "0x7f.1",
    "2130706433",
    "::ffff:1.2.3.999",
    "fe80::1%eth0",
    "fe80::1%<script>",
    ",",
    ", ,",
    "",
    "1.2.3.4%0d%0a",
    "①.2.3.4".encode().decode("latin-1"),
    "999.1.1.1",
    "01.02.03.04",
    ":",
    "::",
    "1" * 300,
]


def recorded(site: Site, person: Account, headers: dict[str, str], direct: bool = True) -> str | None:
    """Return the address that the list of sessions shows for a sign-in with those fields."""
    client = site.client(direct=direct)
    answer = client.ask(
        "POST", "/auth/jwt/login", form={"username": person.email, "password": person.password}, headers=headers
    )
    if answer.status_code != 200:
        return None
    client.take(answer.json())
    sessions = client.ask("GET", "/sessions").json()
    return next(str(each["address"]) for each in sessions if each["current"])


@attack(17)
def only_an_address_is_stored_as_one(world: World) -> None:
    """The stored address is valid for every X-Forwarded-For"""
    found = {}
    for where, site in {"development": world.dev, "production": world.production()}.items():
        person = site.unverified()
        for value in FORGED:
            # The development copy trusts loopback; nginx forwards the header as a client's.
            field = "x-attack-from" if site.behind_nginx else "x-forwarded-for"
            address = recorded(site, person, {field: value}, direct=not site.behind_nginx)
            if address is None:
                continue
            try:
                ipaddress.ip_address(address)
            except ValueError:
                found[f"{where} {value[:30]!r}"] = f"stored as {address[:40]!r} ({len(address)})"
            if "%" in address:
                found[f"{where} {value[:30]!r} zone"] = f"stored as {address[:40]!r}"
        bad = [
            row
            for row in site.rows("select distinct address from audit_entries where address is not null")
            if not _valid(row[0])
        ]
        if bad:
            found[f"{where} audit"] = str(bad[:2])[:200]
    none_broken(found)


def _valid(text: object) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True


@attack(17)
def a_forged_address_is_not_believed(world: World) -> None:
    """Behind a trusted proxy, X-Forwarded-For, Forwarded and X-Real-IP of a client do not change its address"""
    site, found = world.production(), {}
    site.needs_nginx()
    person = site.unverified()
    for name, headers in {
        "X-Forwarded-For": {"x-forwarded-for": "9.9.9.9"},
        "a chain": {"x-forwarded-for": "9.9.9.9, 10.1.1.1, 127.0.0.1"},
        "from a private network": {"x-forwarded-for": "9.9.9.9", "x-attack-from": "10.20.30.40"},
        "from a shared network": {"x-forwarded-for": "9.9.9.9", "x-attack-from": "100.64.1.2"},
        "through another proxy": {"x-forwarded-for": "9.9.9.9", "x-attack-from": "192.168.7.7"},
        "Forwarded": {"forwarded": "for=9.9.9.9"},
        "X-Real-IP": {"x-real-ip": "9.9.9.9"},
        "others": {"cf-connecting-ip": "9.9.9.9", "true-client-ip": "9.9.9.9", "x-client-ip": "9.9.9.9"},
    }.items():
        address = recorded(site, person, headers, direct=False)
        if address == "9.9.9.9":
            found[name] = "9.9.9.9 was believed"
        if "x-attack-from" in headers and address != headers["x-attack-from"]:
            found[name] = f"{headers['x-attack-from']} was stored as {address}"
    client = site.client()
    told = [
        client.ask("GET", "/.well-known/jwks.json", headers={"x-forwarded-for": f"9.9.{number}.1"}).status_code
        for number in range(130)
    ]
    if 429 not in told:
        found["limits"] = "130 anonymous calls under false addresses and no 429"
    none_broken(found)


@attack(17)
def production_trusts_no_network_by_default(world: World) -> None:
    """Without a setting, production does not trust X-Forwarded-For of private networks"""
    site, found = odd(world), {}
    person = site.unverified()
    for chain in (
        "9.9.9.9, 10.1.2.3",
        "9.9.9.9, 192.168.1.1",
        "9.9.9.9, 172.16.0.1",
        "9.9.9.9, 100.64.0.1",
        "9.9.9.9, fc00::1",
    ):
        address = recorded(site, person, {"x-forwarded-for": chain})
        if address == "9.9.9.9":
            found[chain] = "9.9.9.9 was believed"
    none_broken(found)


def odd(world: World) -> Site:
    """Production without trusted proxies, with a port in PUBLIC_URL and a collector of traces."""
    return world.production(
        TRUSTED_PROXIES="",
        PUBLIC_URL="https://app.example.com:443",
        RATE_LIMIT_ANONYMOUS="100000/hour",
        RATE_LIMIT_CREDENTIALS="off",
        OTEL_EXPORTER_OTLP_ENDPOINT=world.collector.url,
        OTEL_BSP_SCHEDULE_DELAY="200",
        **world.docs_off,
    )


@attack(17)
def no_forged_host_reaches_a_mail(world: World) -> None:
    """Links in mails use PUBLIC_URL for any Host, X-Forwarded-Host and Forwarded"""
    site, found = world.production(), {}
    for name, headers in {
        "X-Forwarded-Host": {"x-forwarded-host": "evil.example"},
        "Forwarded": {"forwarded": "host=evil.example;proto=http"},
        "X-Original-Host": {"x-original-host": "evil.example", "x-host": "evil.example", "x-forwarded-proto": "http"},
        "Host": {"host": "evil.example"},
    }.items():
        person = site.verified(fresh_email())
        site.client().ask("POST", "/auth/forgot-password", {"email": person.email}, headers=headers)
        mail = site.mailbox.wait(person.email, "reset", seconds=4)
        if mail and "evil" in mail.text:
            found[name] = "is in the mail"
    none_broken(found)
    held(True, "")
