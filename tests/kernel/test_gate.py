"""C-122: only IP addresses are accepted, and only from trusted proxies. C-10: ALLOWED_HOSTS."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.kernel.config.networks import Hosts, address_of, read_hosts, read_proxies
from api.kernel.http.gate import Gate
from api.kernel.settings import load
from tests.conftest import KINDS
from tests.kernel.environ import GOOD


async def placed(peer: str, *fields: tuple[str, str], **variables: str) -> Scope:
    """Return the scope of a request from `peer` with those header fields, as the application sees it."""
    seen: list[Scope] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    headers = [(b"host", b"app.example.com"), *((name.encode(), value.encode("latin-1")) for name, value in fields)]
    scope = {"type": "http", "path": "/", "scheme": "http", "client": (peer, 5), "headers": headers}
    await Gate(application, load(GOOD | variables))(scope, None, None)  # type: ignore[arg-type]
    return seen[0]


async def client(peer: str, *forwarded: str, **variables: str) -> str | None:
    scope = await placed(peer, *(("x-forwarded-for", value) for value in forwarded), **variables)
    return scope["client"] and str(scope["client"][0])


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("203.0.113.7:567", "203.0.113.7"),
        ("[2001:DB8::1]:80", "2001:db8::1"),
        ("[2001:db8:0:0::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.3", "10.0.0.3"),
        (" \t203.0.113.7\t , ,", "203.0.113.7"),
        ("", "10.0.0.1"),
        ('"><script>', "10.0.0.1"),
        ("a" * 9000, "10.0.0.1"),
        ("203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("6.6.6.6, \xa0203.0.113.7", "10.0.0.1"),
        ("203.0.113.7:port", "10.0.0.1"),
        ("fe80::1%eth0", "10.0.0.1"),
        ("203.0.113.007", "10.0.0.1"),
        ("1", "10.0.0.1"),
        ("203.0.113.7/32", "10.0.0.1"),
    ],
)
async def test_the_rightmost_untrusted_address_is_the_clients(forwarded: str, found: str) -> None:
    assert await client("10.0.0.1", forwarded, TRUSTED_PROXIES="10.0.0.0/8") == found


async def test_fields_in_several_lines_are_one_list() -> None:
    assert await client("10.0.0.1", "6.6.6.6", "203.0.113.7", "10.0.0.2", TRUSTED_PROXIES="10.0.0.0/8") == "203.0.113.7"
    assert await client("10.0.0.1", "6.6.6.6", "203.0.113.7", TRUSTED_PROXIES="1") == "203.0.113.7"


@pytest.mark.parametrize(
    ("hops", "forwarded", "found"),
    [
        ("0", "203.0.113.7", "10.0.0.1"),
        ("1", "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("2", "6.6.6.6, 203.0.113.7, 198.51.100.1", "203.0.113.7"),
        ("2", "203.0.113.7", "203.0.113.7"),
        ("2", '6.6.6.6, "><script>, 198.51.100.1', "198.51.100.1"),
        ("1", "x", "10.0.0.1"),
        ("3", "", "10.0.0.1"),
    ],
)
async def test_a_number_of_proxies_counts_from_the_right(hops: str, forwarded: str, found: str) -> None:
    assert await client("10.0.0.1", forwarded, TRUSTED_PROXIES=hops) == found


async def test_by_default_only_loopback_is_trusted(caplog: pytest.LogCaptureFixture) -> None:
    """A peer in a private network is an ordinary client; the log names the setting once."""
    for private in ("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fd00::1", "203.0.113.9"):
        assert await client(private, "6.6.6.6") == private
    assert "TRUSTED_PROXIES" in caplog.text
    for local in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert await client(local, "203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "found"), [("fe80::1%eth0", "fe80::1"), ("::ffff:10.0.0.9", "10.0.0.9"), ("/run/x", None)]
)
async def test_the_peer_counts_only_as_an_address(peer: str, found: str | None) -> None:
    assert await client(peer) == found


@pytest.mark.parametrize(
    ("peer", "said", "scheme"),
    [
        ("127.0.0.1", ["https"], "https"),
        ("127.0.0.1", ["http, HTTPS "], "https"),
        ("127.0.0.1", ["https", "http"], "http"),
        ("127.0.0.1", ["gopher"], "http"),
        ("127.0.0.1", [""], "http"),
        ("10.0.0.1", ["https"], "http"),
    ],
)
async def test_the_scheme_is_that_of_the_nearest_proxy(peer: str, said: list[str], scheme: str) -> None:
    assert (await placed(peer, *(("x-forwarded-proto", value) for value in said)))["scheme"] == scheme


@given(st.text(max_size=60) | st.from_regex(r"[0-9a-f.:\[\]% ]{1,60}", fullmatch=True))
def test_an_address_has_one_form(text: str) -> None:
    address = address_of(text)
    if address is not None:
        assert address_of(str(address)) == address
        assert set(str(address)) <= set("0123456789abcdef.:")


@pytest.mark.parametrize(
    ("listed", "allowed", "refused"),
    [
        (
            "",
            ["app.example.com", "APP.example.com:8443", "app.example.com."],
            ["localhost", "127.0.0.1", "example.com"],
        ),
        ("*.example.org", ["a.example.org", "a.b.example.org", "app.example.com"], ["example.org", "aexample.org"]),
        (
            "api.internal,10.0.0.0/8,[::1]",
            ["api.internal:80", "10.1.2.3:80", "[::1]:80"],
            ["11.0.0.1", "[::2]", "::1:1"],
        ),
    ],
)
def test_hosts_of_production_are_the_public_one_and_those_listed(
    listed: str, allowed: list[str], refused: list[str]
) -> None:
    hosts = load(GOOD | {"ALLOWED_HOSTS": listed}).allowed_hosts
    assert [host for host in [*allowed, *refused] if hosts.allows(host)] == allowed


@pytest.mark.parametrize(
    "text", ["*", "a b", "https://app.example.com", "app.example.com:80", "*.", "a/b", "-a", "a.*"]
)
def test_an_invalid_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host names"):
        read_hosts([text])


def test_hosts_alone_allow_nothing() -> None:
    assert not Hosts().allows("localhost")
    assert read_proxies([]).hops == 0


async def test_the_document_and_its_page_are_off_in_production_by_default(app: Starlette) -> None:
    """C-123."""
    for variables, found in (({}, 404), ({"API_DOCS": "true"}, 200), ({"ENVIRONMENT": "development"}, 200)):
        made = create_app(load(GOOD | variables, KINDS))
        made.state.context = app.state.context
        transport = httpx.ASGITransport(made, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://app.example.com") as asking:
            for path in ("/api/docs", "/api/docs/docs.js", "/api/openapi.json"):
                assert (await asking.get(path)).status_code == found, (variables, path)
