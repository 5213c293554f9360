"""The addresses that endpoints may have. The owner of an endpoint chooses where this server connects to, and must not
reach hosts that only this server can reach (server-side request forgery, CWE-918).

All addresses of the name are resolved before each attempt. If one of them is not public, the attempt is refused; else
the connection is made to a checked address, so that another answer of the name server is never used (DNS
rebinding)."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from msgspec import UNSET

from api.kernel import Address, Network
from api.webhooks.names import resolve

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name. Raises OSError."""

PORTS = {443, 8443}
RESOLVE_SECONDS = 5.0
# Besides these, all that `is_global` excludes. It admits these, although packets to them may end inside: ranges of
# translators (NAT64, 6to4, Teredo), of deprecated scopes, of multicast, and of segment routing (SRv6).
REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "::/8",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)


class AddressRefused(Exception):
    """The URL or one of its addresses is not allowed. The message is for the owner, and does not name the address.
    `code` and `params` are those of its FieldError."""

    def __init__(self, detail: str, code: str, **params: int | float | str) -> None:
        super().__init__(detail)
        self.code, self.params = code, params or UNSET


class Unresolved(AddressRefused):
    """The name has no address at the moment."""


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Parse WEBHOOKS_ALLOWED_NETWORKS."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def is_public(address: Address) -> bool:
    """Return whether an address is reachable from the internet, and is none of a translator or a multicast group."""
    return address.is_global and not address.is_multicast and not any(address in network for network in REFUSED)


def split(url: str, allowed: Sequence[Network]) -> SplitResult:
    """Split a URL. Raises AddressRefused for one that no endpoint may have."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise AddressRefused("The URL is malformed.", "url") from None
    if not host or not host.isascii() or "%" in host or parts.scheme not in ("https", "http"):
        raise AddressRefused("The URL must begin with https:// and have a host name in ASCII.", "url_host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("The URL must have no credentials and no fragment.", "url_extras")
    if not allowed and parts.scheme != "https":
        raise AddressRefused("The URL must begin with https://.", "url_scheme")
    if port == 0 or (not allowed and (port or 443) not in PORTS):
        raise AddressRefused("The URL must have the port 443 or 8443.", "url_port", ports="443, 8443")
    return parts


def port_of(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


async def check(url: str, allowed: Sequence[Network], resolve: Resolve = resolve) -> list[str]:
    """Return the checked addresses of a URL. Raises AddressRefused."""
    parts = split(url, allowed)
    assert parts.hostname is not None
    port = port_of(parts)
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await resolve(parts.hostname, port)
    except (OSError, UnicodeError):  # TimeoutError is an OSError; UnicodeError: a label that is too long
        found = []
    if not found:
        raise Unresolved("The host name cannot be resolved.", "url_unresolved")
    addresses = [_canonical(text) for text in found]
    inside = [any(address in network for network in allowed) for address in addresses]
    if all(inside):
        return [str(address) for address in addresses]
    if not all(known or is_public(address) for address, known in zip(addresses, inside, strict=True)):
        raise AddressRefused("The host name resolves to an address that is not public.", "url_not_public")
    split_public(parts)
    return [str(address) for address in addresses]


def split_public(parts: SplitResult) -> None:
    """Raises AddressRefused unless a URL of a public address has https and a permitted port."""
    if parts.scheme != "https" or port_of(parts) not in PORTS:
        detail = "The URL must begin with https:// and have the port 443 or 8443."
        raise AddressRefused(detail, "url_scheme_and_port", ports="443, 8443")


def _canonical(text: str) -> Address:
    """Return an address; one of IPv4 that is mapped to IPv6 (RFC 4291 §2.5.5.2) as IPv4."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address
