"""Cookies, and the proof that a request which a browser sent with them was meant: Angular's XSRF convention (the cookie
XSRF-TOKEN, the header X-XSRF-TOKEN), bound to the sign-in that the cookies belong to, and the browser's own word for
where the request comes from (OWASP's CSRF cheat sheet, signed double submit)."""

import base64
import functools
import hmac
from collections.abc import Mapping
from uuid import UUID

from api.kernel.errors import forbidden
from api.kernel.identity.auth import verifying_keys
from api.kernel.settings import Settings

ACCESS = "__Host-access"
REFRESH = "__Host-refresh"
DEVICE = "__Host-device"
XSRF = "XSRF-TOKEN"
XSRF_REFUSED = forbidden(
    "XSRF", "A request with cookies needs the header X-XSRF-TOKEN with the XSRF-TOKEN cookie's value."
)
ORIGIN_NOT_ALLOWED = forbidden(
    "ORIGIN_NOT_ALLOWED",
    "Requests from this origin are not allowed: it is neither PUBLIC_URL nor one of the ALLOWED_ORIGINS.",
)
CLEAR_SITE_DATA = {"clear-site-data": '"cookies"'}


class Cookies:
    """Those of a request, and those that its answer sets, whatever the answer is."""

    def __init__(self, headers: Mapping[bytes, bytes]) -> None:
        self.headers = headers
        """The request's, for refuse_forgery."""
        self.written: list[str] = []
        """Set-Cookie headers (RFC 6265bis)."""

    @functools.cached_property
    def _pairs(self) -> list[tuple[str, str]]:  # most requests never ask
        pairs = (pair.partition("=") for pair in self.headers.get(b"cookie", b"").decode("latin-1").split(";"))
        # Only SP and HTAB are white space (RFC 6265bis §5.6). str.strip() takes more, and would read a cookie that any
        # subdomain may set, such as one that begins with 0xA0, as one with the prefix __Host-.
        return [(name.strip(" \t"), value.strip(" \t").strip('"')) for name, _, value in pairs]

    @functools.cached_property
    def ambiguous(self) -> bool:
        """Whether one of our __Host- cookies is sent twice. Browsers do not allow that; where it happens, one of the
        two was set by somebody else, and nothing tells which."""
        if b"cookie" not in self.headers:
            return False
        sent = [name for name, _ in self._pairs]
        return any(sent.count(name) > 1 for name in (ACCESS, REFRESH, DEVICE))

    @functools.cached_property
    def _sent(self) -> dict[str, str]:
        return {} if self.ambiguous else dict(self._pairs)

    def get(self, name: str) -> str | None:
        """The value of a cookie. Where they are ambiguous, the request counts as one without cookies."""
        return self._sent.get(name)

    def remedy(self) -> dict[str, str]:
        """The headers that make the browser drop ambiguous cookies, whatever path or domain they were set for. Without
        them it could not sign in again. Not together with new cookies, which it would drop as well."""
        return CLEAR_SITE_DATA if self.ambiguous and not self.written else {}

    def set(self, name: str, value: str, seconds: int) -> None:
        """For this host alone, over TLS alone, from our own pages alone; no script reads it but the one that must."""
        hidden = "" if name == XSRF else "; HttpOnly"
        self.written.append(f"{name}={value}; Path=/; Max-Age={seconds}; Secure{hidden}; SameSite=Strict")

    def clear(self, *names: str) -> None:
        for name in names:
            self.set(name, "", 0)


def xsrf_token(settings: Settings, sid: UUID) -> str:
    """What a page must send along with this sign-in's cookies: an HMAC, so that nobody can plant a pair that fits."""
    return _xsrf_tokens(settings, sid)[0]


def _xsrf_tokens(settings: Settings, sid: UUID) -> list[str]:
    """Under each key that verifies, the one that signs first."""
    digests = (hmac.digest(key, sid.bytes, "sha256") for key in verifying_keys(settings, "xsrf-token"))
    return [base64.urlsafe_b64encode(digest).rstrip(b"=").decode() for digest in digests]


def refuse_forgery(settings: Settings, headers: Mapping[bytes, bytes], sid: UUID) -> None:
    """Raises ORIGIN_NOT_ALLOWED or XSRF_REFUSED where another site may have caused this request with cookies."""
    refuse_foreign(settings, headers)
    sent = headers.get(b"x-xsrf-token", b"")
    if not any(hmac.compare_digest(sent, token.encode()) for token in _xsrf_tokens(settings, sid)):
        raise XSRF_REFUSED


def refuse_foreign(settings: Settings, headers: Mapping[bytes, bytes]) -> None:
    """Raises ORIGIN_NOT_ALLOWED where the browser says that a page of another site sends this."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    if origin and origin not in (settings.public_url, *settings.allowed_origins):
        raise ORIGIN_NOT_ALLOWED
    if not origin and headers.get(b"sec-fetch-site", b"none") == b"cross-site":
        raise ORIGIN_NOT_ALLOWED
