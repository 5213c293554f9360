"""Cookies and protection against cross-site request forgery: Angular's convention (cookie XSRF-TOKEN, header
X-XSRF-TOKEN) with tokens bound to the sign-in, and the Origin and Sec-Fetch-Site headers (OWASP CSRF Prevention Cheat
Sheet, signed double submit)."""

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
XSRF_REFUSED = forbidden("XSRF", "Send the value of the cookie XSRF-TOKEN in the header X-XSRF-TOKEN.")
ORIGIN_NOT_ALLOWED = forbidden(
    "ORIGIN_NOT_ALLOWED",
    "Requests from this origin are not allowed; the server allows PUBLIC_URL and ALLOWED_ORIGINS.",
)
CLEAR_SITE_DATA = {"clear-site-data": '"cookies"'}


class Cookies:
    """The cookies of a request, and those that its response sets, for any status."""

    def __init__(self, headers: Mapping[bytes, bytes]) -> None:
        self.headers = headers
        """The request's, for refuse_forgery."""
        self.written: list[str] = []
        """Set-Cookie headers (RFC 6265bis)."""

    @functools.cached_property
    def _pairs(self) -> list[tuple[str, str]]:  # parsed on first use
        pairs = (pair.partition("=") for pair in self.headers.get(b"cookie", b"").decode("latin-1").split(";"))
        # Only SP and HTAB are whitespace (RFC 6265bis §5.6). str.strip() removes more, and would accept a cookie that
        # any subdomain may set, such as one that starts with 0xA0, as a __Host- cookie.
        return [(name.strip(" \t"), value.strip(" \t").strip('"')) for name, _, value in pairs]

    @functools.cached_property
    def ambiguous(self) -> bool:
        """Whether one of our __Host- cookies is sent twice. Browsers prevent that; if it happens, one of the two was
        planted, and it is unknown which."""
        if b"cookie" not in self.headers:
            return False
        sent = [name for name, _ in self._pairs]
        return any(sent.count(name) > 1 for name in (ACCESS, REFRESH, DEVICE))

    @functools.cached_property
    def _sent(self) -> dict[str, str]:
        return {} if self.ambiguous else dict(self._pairs)

    def get(self, name: str) -> str | None:
        """Return the value of a cookie. Ambiguous cookies are ignored."""
        return self._sent.get(name)

    def remedy(self) -> dict[str, str]:
        """Headers that make the browser delete ambiguous cookies of any path or domain; otherwise it could not sign in
        again. Not sent together with new cookies, which would be deleted too."""
        return CLEAR_SITE_DATA if self.ambiguous and not self.written else {}

    def set(self, name: str, value: str, seconds: int) -> None:
        """Set a cookie for this host only, over TLS only, for same-site requests only, and HttpOnly except for the XSRF
        token."""
        hidden = "" if name == XSRF else "; HttpOnly"
        self.written.append(f"{name}={value}; Path=/; Max-Age={seconds}; Secure{hidden}; SameSite=Strict")

    def clear(self, *names: str) -> None:
        for name in names:
            self.set(name, "", 0)


def xsrf_token(settings: Settings, sid: UUID) -> str:
    """The XSRF token of a sign-in: an HMAC, so that an attacker cannot plant a matching pair."""
    return _xsrf_tokens(settings, sid)[0]


def _xsrf_tokens(settings: Settings, sid: UUID) -> list[str]:
    """The tokens under all verifying keys, that of the signing key first."""
    digests = (hmac.digest(key, sid.bytes, "sha256") for key in verifying_keys(settings, "xsrf-token"))
    return [base64.urlsafe_b64encode(digest).rstrip(b"=").decode() for digest in digests]


def refuse_forgery(settings: Settings, headers: Mapping[bytes, bytes], sid: UUID) -> None:
    """Raises ORIGIN_NOT_ALLOWED or XSRF_REFUSED if another site may have caused this request with cookies."""
    refuse_foreign(settings, headers)
    sent = headers.get(b"x-xsrf-token", b"")
    if not any(hmac.compare_digest(sent, token.encode()) for token in _xsrf_tokens(settings, sid)):
        raise XSRF_REFUSED


def refuse_foreign(settings: Settings, headers: Mapping[bytes, bytes]) -> None:
    """Raises ORIGIN_NOT_ALLOWED if the browser reports that a page of another site sent this request."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    if origin and origin not in (settings.public_url, *settings.allowed_origins):
        raise ORIGIN_NOT_ALLOWED
    if not origin and headers.get(b"sec-fetch-site", b"none") == b"cross-site":
        raise ORIGIN_NOT_ALLOWED
