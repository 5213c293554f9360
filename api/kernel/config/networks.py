"""Addresses of clients and proxies, and the names that a host may have: what counts as one, and which are ours."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_ENTRY = re.compile(r"\[([0-9a-fA-F:.]{2,45})\](?::[0-9]{1,5})?|([0-9.]{7,15})(?::[0-9]{1,5})?|([0-9a-fA-F:.]{2,45})")
_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_])?")


class Proxies(msgspec.Struct, frozen=True):
    """Which proxies' word on a client's address counts: the nearest `hops` of them, or those in `networks`."""

    hops: int = 0
    networks: tuple[Network, ...] = ()

    def trusts(self, address: Address, hop: int) -> bool:
        """Whether the proxy at `address` counts; `hop` is 0 for the one that connects to us."""
        return hop < self.hops or any(address in network for network in self.networks)

    def client(self, peer: Address, forwarded: Sequence[bytes]) -> Address:
        """The client of a connection from `peer`, by all X-Forwarded-For fields, from the right: each trusted proxy
        says who connected to it. What is no address ends the walk at the proxy that said so."""
        address = peer
        entries = [entry for field in forwarded for entry in field.split(b",") if entry.strip(b" \t")]
        for hop, entry in enumerate(reversed(entries)):
            said = address_of(entry.decode("latin-1")) if self.trusts(address, hop) else None
            if said is None:
                break
            address = said
        return address


class Hosts(msgspec.Struct, frozen=True):
    """The names that a request's Host may have, whatever its port."""

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
    """An IP address as X-Forwarded-For has it: with a port or without, IPv6 in brackets or bare. An IPv4 address that
    is mapped to IPv6 is the IPv4 address."""
    found = _ENTRY.fullmatch(text.strip(" \t"))
    if found is None:
        return None
    try:
        address = ip_address(found[1] or found[2] or found[3])
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def read_proxies(items: Sequence[str]) -> Proxies:
    """Read a number of hops, or networks. Raises ValueError."""
    if len(items) == 1 and re.fullmatch("[0-9]", items[0]):
        return Proxies(hops=int(items[0]))
    try:
        return Proxies(networks=tuple(map(ip_network, items)))
    except ValueError:
        raise ValueError(
            "must be a number of proxies, or addresses and networks like 10.0.0.0/8, with commas between; never *."
        ) from None


def read_hosts(items: Iterable[str]) -> Hosts:
    """Read host names, `*.` before a domain for all below it, and networks. Raises ValueError."""
    names, suffixes, networks = set(), [], []
    for item in items:
        text = item.lower()
        try:
            networks.append(ip_network(text.strip("[]")))
            continue
        except ValueError:
            pass
        if not _NAME.fullmatch(text):
            raise ValueError("must be host names like app.example.com or *.example.com, with commas between; no ports.")
        if text.startswith("*."):
            suffixes.append(text[1:])
        else:
            names.add(text)
    return Hosts(frozenset(names), tuple(suffixes), tuple(networks))


def read_listen_address(text: str) -> str:
    """Read an address to listen on, or `localhost`. Raises ValueError."""
    try:
        return text if text == "localhost" else str(ip_address(text))
    except ValueError:
        raise ValueError("must be an address to listen on, such as 0.0.0.0 or ::, or localhost.") from None
