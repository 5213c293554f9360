"""C-391: no delivery reaches an address that only this server can reach."""

import ast
import contextlib
import ipaddress
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from api.webhooks.addresses import AddressRefused, Resolve, check, networks
from api.webhooks.sending import Sender
from tests.kernel.http_server import HttpServer

ROOT = Path(__file__).parents[2]
INSIDE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
OUTSIDE = ["93.184.216.34", "8.8.8.8", "172.32.0.1", "2606:4700:4700::1111", "::ffff:93.184.216.34"]


def answering(*addresses: str) -> Resolve:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


@pytest.mark.parametrize("address", INSIDE)
async def test_an_address_inside_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        await check("https://example.com/", (), answering(address))


@pytest.mark.parametrize("address", OUTSIDE)
async def test_a_public_address_is_allowed(address: str) -> None:
    found = await check("https://example.com:8443/", (), answering(address))
    assert found == [address.removeprefix("::ffff:") if "." in address else address]


@pytest.mark.parametrize("address", INSIDE)
async def test_one_address_inside_among_public_ones_is_refused(address: str) -> None:
    for both in ([*OUTSIDE, address], [address, *OUTSIDE]):
        with pytest.raises(AddressRefused):
            await check("https://example.com/", (), answering(*both))


async def test_an_allowed_network_admits_its_addresses_and_no_others() -> None:
    allowed = networks(["10.1.0.0/16"])
    assert await check("http://inside.example.com:9000/", allowed, answering("10.1.2.3")) == ["10.1.2.3"]
    for addresses in (["10.2.0.1"], ["10.1.2.3", "127.0.0.1"], ["10.1.2.3", "93.184.216.34"]):
        with pytest.raises(AddressRefused):
            await check("http://inside.example.com:9000/", allowed, answering(*addresses))


URLS = [
    "http://example.com/",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com:0/",
    "https://example.com:22/",
    "https://example.com:99999/",
    "https://example.com/#fragment",
    "https://[::1/",
    "https:///path",
    "ftp://example.com/",
    "https://exämple.com/",
    "https://[fe80::1%25eth0]/",
]


@pytest.mark.parametrize("url", URLS)
async def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        await check(url, (), answering("93.184.216.34"))


LOCAL = ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"]


@pytest.mark.parametrize("url", [*URLS, *(f"https://{host}/" for host in LOCAL), "https://" + 2000 * "a"])
async def test_a_webhook_with_a_refused_address_is_not_created(signed_in: httpx.AsyncClient, url: str) -> None:
    answer = await signed_in.post("/api/webhooks", json={"url": url, "events": ["*"]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/url")


@pytest.mark.parametrize(
    ("url", "code", "params"),
    [
        ("http://example.com/", "url_scheme", None),
        ("https://exämple.com/", "url_host", None),
        ("https://user:password@example.com/", "url_extras", None),
        ("https://example.com:22/", "url_port", {"ports": "443, 8443"}),
        ("https://[::1/", "url", None),
        ("https://127.0.0.1/", "url_not_public", None),
        ("ftp://example.com/", "form", None),
    ],
)
async def test_a_refused_address_says_why_as_a_code(
    signed_in: httpx.AsyncClient, url: str, code: str, params: dict[str, str] | None
) -> None:
    [error] = (await signed_in.post("/api/webhooks", json={"url": url, "events": ["*"]})).json()["errors"]
    assert (error["code"], error.get("params")) == (code, params)


async def test_a_name_that_changes_its_address_reaches_nothing(receiver: HttpServer) -> None:
    """DNS rebinding: each attempt is refused while the name has the address of a service inside, and the connection is
    made to the address that was checked, without a second question."""
    asked: list[str] = []
    port = httpx.URL(receiver.url).port

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    refused = await Sender((), "tests", resolve).post("https://example.com:8443/", {}, b"{}")
    assert (refused.made.status, receiver.connections) == (None, 0)
    assert refused.made.error == "The host name resolves to an address that is not public."
    with contextlib.closing(Sender(networks(["127.0.0.0/8"]), "tests", resolve)) as allowed:
        sent = await allowed.post(f"http://rebinding.example.com:{port}/", {}, b"{}")
    assert (sent.made.status, receiver.last[1]["host"]) == (200, f"rebinding.example.com:{port}")
    assert asked == ["example.com", "rebinding.example.com"]


def test_the_list_is_valid() -> None:
    assert all(ipaddress.ip_address(address.partition("%")[0]) for address in INSIDE)


@pytest.mark.case(382)
def test_each_refusal_has_a_german_text_in_the_log_of_deliveries() -> None:
    """Attempts are stored with the sentence, which the application translates."""
    texts = (ROOT / "web" / "src" / "app" / "webhooks" / "log-texts.ts").read_text()
    module = ast.parse((ROOT / "api" / "webhooks" / "addresses.py").read_text())
    constants = [
        node.value for node in ast.walk(module) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    sentences = [each for each in constants if each.startswith(("The URL must", "The host name"))]
    assert sentences
    assert [sentence for sentence in sentences if f"'{sentence}'" not in texts] == []
