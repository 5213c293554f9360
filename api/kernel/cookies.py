"""Cookies, and the proof that a request which a browser sent with them was meant: Angular's XSRF convention (the cookie
XSRF-TOKEN, the header X-XSRF-TOKEN), bound to the sign-in that the cookies belong to, and the browser's own word for
where the request comes from (OWASP's CSRF cheat sheet, signed double submit)."""

import base64
import functools
import hmac
from collections.abc import Mapping
from uuid import UUID

from api.kernel.auth import derive_key
from api.kernel.errors import forbidden
from api.kernel.settings import Settings

ACCESS = "__Host-access"
REFRESH = "__Host-refresh"
DEVICE = "__Host-device"
XSRF = "XSRF-TOKEN"
XSRF_REFUSED = forbidden(
    "XSRF", "A request with cookies needs the header X-XSRF-TOKEN with the XSRF-TOKEN cookie's value, from our origin."
)


class Cookies:
    """Those of a request, and those that its answer sets, whatever the answer is."""

    def __init__(self, headers: Mapping[bytes, bytes]) -> None:
        self.headers = headers
        """The request's, for refuse_forgery."""
        self.written: list[str] = []
        """Set-Cookie headers (RFC 6265bis)."""

    @functools.cached_property
    def _sent(self) -> dict[str, str]:  # most requests never ask
        pairs = (pair.partition("=") for pair in self.headers.get(b"cookie", b"").decode("latin-1").split(";"))
        return {name.strip(): value.strip().strip('"') for name, _, value in pairs}

    def get(self, name: str) -> str | None:
        return self._sent.get(name)

    def set(self, name: str, value: str, seconds: int) -> None:
        """For this host alone, over TLS alone, from our own pages alone; no script reads it but the one that must."""
        hidden = "" if name == XSRF else "; HttpOnly"
        self.written.append(f"{name}={value}; Path=/; Max-Age={seconds}; Secure{hidden}; SameSite=Strict")

    def clear(self, *names: str) -> None:
        for name in names:
            self.set(name, "", 0)


def xsrf_token(settings: Settings, sid: UUID) -> str:
    """What a page must send along with this sign-in's cookies: an HMAC, so that nobody can plant a pair that fits."""
    digest = hmac.digest(derive_key(settings.secret_key, "xsrf-token"), sid.bytes, "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def refuse_forgery(settings: Settings, headers: Mapping[bytes, bytes], sid: UUID) -> None:
    """Raises XSRF_REFUSED where a request with cookies may be somebody else's idea."""
    refuse_foreign(settings, headers)
    sent = headers.get(b"x-xsrf-token", b"")
    if not hmac.compare_digest(sent, xsrf_token(settings, sid).encode()):
        raise XSRF_REFUSED


def refuse_foreign(settings: Settings, headers: Mapping[bytes, bytes]) -> None:
    """Raises XSRF_REFUSED where the browser says that another site's page sends this."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    if origin and origin not in (settings.public_url, *settings.allowed_origins):
        raise XSRF_REFUSED
    if not origin and headers.get(b"sec-fetch-site", b"none") == b"cross-site":
        raise XSRF_REFUSED
