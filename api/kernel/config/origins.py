"""Normalizes origins to the form of the Origin header (RFC 6454 §6.2), so that they can be compared as text."""

import ipaddress
import re

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?/?")


def normal_origin(text: str) -> str:
    """Return the origin in lower case, without the scheme's default port or a trailing slash. Native shells use their
    own schemes, such as capacitor://localhost. Raises ValueError."""
    match = _ORIGIN.fullmatch(text.lower())
    try:
        if match is None or match[1] == "file" or not 0 < int(match[3] or 1) < 65536:  # the origin of file: is null
            raise ValueError
        host = f"[{ipaddress.IPv6Address(match[2][1:-1])}]" if match[2].startswith("[") else match[2]
    except ValueError:
        raise ValueError(
            "must be only an origin, such as https://app.example.com or capacitor://localhost, and never *; "
            "write an international domain name in its ASCII form (xn--…)."
        ) from None
    port = int(match[3] or 0)
    return f"{match[1]}://{host}" + (f":{port}" if port not in (0, _DEFAULT_PORTS.get(match[1])) else "")
