"""Addresses of clients and proxies, and allowed host names."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_ENTRY = re.compile(r"\[([0-9a-fA-F:.]{2,45})\](?::[0-9]{1,5})?|([0-9.]{7,15})(?::[0-9]{1,5})?|([0-9a-fA-F:.]{2,45})")
_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_])?")


class Proxies(msgspec.Struct, frozen=True):
    """Trusted proxies, whose X-Forwarded-For entries are accepted: the nearest `hops`, or those in `networks`."""

    hops: int = 0
    networks: tuple[Network, ...] = ()

    def trusts(self, address: Address, hop: int) -> bool:
        """Return whether the proxy at `address` is trusted; `hop` is 0 for the direct peer."""
        return hop < self.hops or any(address in network for network in self.networks)

    def client(self, peer: Address, forwarded: Sequence[bytes]) -> Address:
        """Return the client's address of a connection from `peer`. Walks the X-Forwarded-For entries from the right as
        long as the proxies are trusted, and stops at the first entry that is not an address."""
        address = peer
        entries = [entry for field in forwarded for entry in field.split(b",") if entry.strip(b" \t")]
        for hop, entry in enumerate(reversed(entries)):
            client = address_of(entry.decode("latin-1")) if self.trusts(address, hop) else None
            if client is None:
                break
            address = client
        return address


class Hosts(msgspec.Struct, frozen=True):
    """Allowed names in a request's Host field, regardless of the port."""

    names: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()
    """`.example.com` for each `*.example.com`."""
    networks: tuple[Network, ...] = ()

    def allows(self, host: str) -> bool:
        name = host.lower()
        if not name.startswith("["):
            name = name.partition(":")[0].removesuffix(".")
        if name in self.names or name.endswith(self.suffixes):
            return True
        address = address_of(host)
        return address is not None and any(address in network for network in self.networks)


def address_of(text: str) -> Address | None:
    """Parse an IP address as in X-Forwarded-For: with or without a port, IPv6 with or without brackets. An IPv4-mapped
    IPv6 address becomes the IPv4 address."""
    found = _ENTRY.fullmatch(text.strip(" \t"))
    if found is None:
        return None
    try:
        address = ip_address(found[1] or found[2] or found[3])
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def read_proxies(items: Sequence[str]) -> Proxies:
    """Parse a number of hops, or networks. Raises ValueError."""
    if len(items) == 1 and re.fullmatch("[0-9]", items[0]):
        return Proxies(hops=int(items[0]))
    try:
        return Proxies(networks=tuple(map(ip_network, items)))
    except ValueError:
        raise ValueError(
            "must be a number of proxies, or comma-separated addresses and networks like 10.0.0.0/8; never *."
        ) from None


def read_hosts(items: Iterable[str]) -> Hosts:
    """Parse host names, `*.domain` for all subdomains, and networks. Raises ValueError."""
    names, suffixes, networks = set(), [], []
    for item in items:
        text = item.lower()
        try:
            networks.append(ip_network(text.strip("[]")))
            continue
        except ValueError:
            pass
        if not _NAME.fullmatch(text):
            raise ValueError("must be comma-separated host names like app.example.com or *.example.com, without ports.")
        if text.startswith("*."):
            suffixes.append(text[1:])
        else:
            names.add(text)
    return Hosts(frozenset(names), tuple(suffixes), tuple(networks))


def read_listen_address(text: str) -> str:
    """Parse an address to listen on, or `localhost`. Raises ValueError."""
    try:
        return text if text == "localhost" else str(ip_address(text))
    except ValueError:
        raise ValueError("must be an address to listen on, such as 0.0.0.0 or ::, or localhost.") from None
