"""Who calls: an access token is verified, its principal found, and it is decided as whom the request is counted.
Whoever proves who they are is counted as that, and everybody else by address."""

import functools
from uuid import UUID

import msgspec

from api.kernel.context import Context
from api.kernel.errors import FORBIDDEN, UNAUTHORIZED, UNAVAILABLE, Problem
from api.kernel.http.cookies import ACCESS, Cookies, refuse_forgery
from api.kernel.http.routing import Authenticate, Route, Whose
from api.kernel.identity.auth import TOKEN_EXPIRED, Claims, Principal, bearer


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    claims: Claims | None = None
    principal: Principal | None = None
    known: UUID | None = None
    """The account or sign-in that the request is counted as; None is the address."""
    refusal: Problem | None = None
    """Why the token is refused; raised after the request is counted."""

    @property
    def failed(self) -> bool:
        """Whether a token was sent that nobody stands behind."""
        return self.refusal is not None and self.known is None and not isinstance(self.refusal, UNAUTHORIZED)


class Gate:
    """A route's guard."""

    def __init__(self, route: Route, wanted: bool, authenticate: Authenticate, recognise: Whose) -> None:
        self.route = route
        self._finds = wanted or route.guard.admits is not None
        """Whether the database is asked who stands behind the token."""
        self._authenticate = authenticate
        self._recognise = recognise

    async def look(self, context: Context, headers: dict[bytes, bytes], cookies: Cookies) -> Caller:
        """The caller, by the Authorization header or else by the cookie.

        Where the guard is `anyone` and the handler asks for `Principal | None`, an Authorization header that is not
        valid is refused, as RFC 6750 §3.1 says: its client sent it on purpose, can refresh it, and would take the
        answer for guests as its own. A cookie that is not valid counts as none, because browsers send it unasked and
        a public page stays readable after a sign-in ends. It is not cleared: it expires within ACCESS_SECONDS, and
        clearing it could delete the one that a concurrent refresh has just set. Elsewhere `anyone` ignores both."""
        try:
            claims = self._claims(context, headers, cookies)
            if not self._finds:
                return Caller(claims=claims, known=self._unasked(context, claims))
            principal = await context.principals.find(claims, functools.partial(self._authenticate, context))
        except UNAVAILABLE:
            if self.route.degrades:
                return Caller()
            raise
        except Problem as refusal:
            if not self.route.guard.asks and not (self._finds and b"authorization" in headers):
                return Caller()
            return Caller(refusal=refusal, known=self._formerly(context, cookies, refusal))
        return Caller(claims=claims, principal=principal, known=principal.id)

    def admit(self, context: Context, caller: Caller) -> None:
        """Raises what the guard says to such a caller."""
        if caller.refusal:
            raise caller.refusal
        if caller.principal is None or self.route.guard.admits is None:
            return
        if not self.route.guard.admits(caller.principal):
            raise FORBIDDEN
        if context.settings.require_verification and not caller.principal.is_verified:
            raise FORBIDDEN("Confirm your e-mail address first.")

    async def look_again(self, context: Context, caller: Caller) -> Principal | None:
        """The caller of a long answer, as the account is now. Raises what the guard says to them, or UNAVAILABLE."""
        if caller.claims is None or caller.principal is None:
            return None
        principal = await context.principals.find(caller.claims, functools.partial(self._authenticate, context))
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
        """As whom a token counts that the database is not asked about. Where expired ones will do, its sign-in: the
        account's count is not for what may have ended long ago."""
        if not self.route.guard.asks:
            return claims.sub
        return claims.sid if context.tokens.may_live(claims.sid) else None

    def _formerly(self, context: Context, cookies: Cookies, refusal: Problem) -> UUID | None:
        """The sign-in that a refused request is counted as: of a token that has expired, or of a browser whose access
        cookie has. They come every quarter of an hour from everybody, and many may share an address."""
        if not isinstance(refusal, UNAUTHORIZED | TOKEN_EXPIRED):
            return None
        claims = refusal.claims if isinstance(refusal, TOKEN_EXPIRED) else None
        if claims is None:
            return self._recognise(context, cookies, None)
        return claims.sid if context.tokens.may_live(claims.sid) else None
