"""Authentication: the access token is verified, its principal loaded, and the identity for rate limits chosen: the
account or sign-in if proved, otherwise the address."""

from uuid import UUID

import msgspec

from api.kernel.context import Context
from api.kernel.data.database import Transaction
from api.kernel.errors import FORBIDDEN, UNAUTHORIZED, UNAVAILABLE, Problem
from api.kernel.http.cookies import ACCESS, Cookies, refuse_forgery
from api.kernel.http.routing import Authenticate, Identify, Renew, Renewal, Route
from api.kernel.identity.auth import TOKEN_EXPIRED, Claims, Principal, bearer


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    claims: Claims | None = None
    principal: Principal | None = None
    known: UUID | None = None
    """Account or sign-in that the request is counted as; None counts by address."""
    refusal: Problem | None = None
    """Why the token is refused; raised after the request was counted."""

    @property
    def failed(self) -> bool:
        """Whether an invalid token was sent."""
        return self.refusal is not None and self.known is None and not isinstance(self.refusal, UNAUTHORIZED)


class Gate:
    """Applies the guard of a route."""

    def __init__(self, route: Route, wanted: bool, authenticate: Authenticate, recognise: Identify) -> None:
        self.route = route
        self._finds = wanted or route.guard.admits is not None
        """Whether the principal is loaded from the database."""
        self._authenticate = authenticate
        self._recognise = recognise

    async def look(self, context: Context, headers: dict[bytes, bytes], cookies: Cookies) -> Caller:
        """Identify the caller by the Authorization header or else by the cookie.

        If the guard is `anyone` and the handler takes `Principal | None`, an invalid Authorization header is refused
        (RFC 6750 §3.1): its client sent it on purpose, can refresh it, and would mistake the anonymous response for its
        own. An invalid cookie is ignored, because browsers always send it, and a public page stays readable after a
        sign-in ends. The cookie is not cleared: it expires within ACCESS_SECONDS, and clearing it could delete one that
        a concurrent refresh has set. Other handlers with the guard `anyone` ignore both."""
        try:
            claims = self._claims(context, headers, cookies)
            if not self._finds:
                return Caller(claims=claims, known=self._unasked(context, claims))
            principal = await self._authenticate(context, claims)
        except UNAVAILABLE:
            if self.route.degrades:
                return Caller()
            raise
        except Problem as refusal:
            if not self.route.guard.asks and not (self._finds and b"authorization" in headers):
                return Caller()
            known = self._formerly(context, cookies, refusal)
            if known and isinstance(refusal, UNAUTHORIZED) and b"authorization" not in headers:
                refusal = TOKEN_EXPIRED()  # the browser dropped the access cookie and can still refresh
            return Caller(refusal=refusal, known=known)
        return Caller(claims=claims, principal=principal, known=principal.id)

    def admit(self, context: Context, caller: Caller) -> None:
        """Raises the refusal of the guard, if any."""
        if caller.refusal:
            raise caller.refusal
        if caller.principal is None or self.route.guard.admits is None:
            return
        if not self.route.guard.admits(caller.principal):
            raise FORBIDDEN
        if context.settings.require_verification and not caller.principal.is_verified:
            raise FORBIDDEN("Confirm your e-mail address first, with the link that was mailed to it.")

    async def look_again(self, context: Context, caller: Caller) -> Principal | None:
        """Load the caller of a stream or socket again. Raises the refusal of the guard, or UNAVAILABLE."""
        if caller.claims is None or caller.principal is None:
            return None
        principal = await self._authenticate(context, caller.claims)
        self.admit(context, Caller(claims=caller.claims, principal=principal))
        return principal

    def _claims(self, context: Context, headers: dict[bytes, bytes], cookies: Cookies) -> Claims:
        sent = headers.get(b"authorization")
        cookie = cookies.get(ACCESS) if sent is None else None
        token = cookie or bearer(sent or b"")
        claims = context.tokens.verify(token, expired=self.route.guard.asks and self.route.guard.admits is None)
        if cookie and self.route.method != "GET":
            refuse_forgery(context.settings, headers, claims.sid)
        return claims

    def _unasked(self, context: Context, claims: Claims) -> UUID | None:
        """Identity for rate limits of a token that is not looked up. If expired tokens are accepted, it is the sign-in,
        so that the account's limit is not used up by sign-ins that may have ended."""
        if not self.route.guard.asks:
            return claims.sub
        return claims.sid if context.tokens.may_live(claims.sid) else None

    def _formerly(self, context: Context, cookies: Cookies, refusal: Problem) -> UUID | None:
        """Sign-in that a refused request is counted as: that of an expired token, or of a browser whose access cookie
        has expired. All clients send such requests every 15 minutes, and many may share an address."""
        if not isinstance(refusal, UNAUTHORIZED | TOKEN_EXPIRED):
            return None
        claims = refusal.claims if isinstance(refusal, TOKEN_EXPIRED) else None
        if claims is None:
            return self._recognise(context, cookies, None)
        return claims.sid if context.tokens.may_live(claims.sid) else None


def renew_with(
    renewal: Renewal, context: Context, principal: Principal, cookies: Cookies, renewed: dict[str, str]
) -> Renew:
    """Return the caller's `renew`. New tokens that are not in cookies are added to the response headers."""

    async def renew(db: Transaction) -> UUID:
        sid, headers = await renewal(context, db, principal, cookies)
        renewed.update(headers)
        return sid

    return renew
