"""Refreshing exchanges a token pair for the next one, in the body or in cookies. Renewing replaces the session after a
change of password."""

from datetime import timedelta
from uuid import UUID

from api.kernel import UNAUTHORIZED, Context, Principal, Transaction, origin, record, uuid7
from api.kernel.http.cookies import REFRESH, Cookies, refuse_forgery
from api.kernel.http.routing import ACCESS_HEADER, REFRESH_HEADER
from api.kernel.identity.auth import ACCESS_SECONDS
from api.sessions import delivery, queries, tokens
from api.sessions.errors import REFRESH_TOKEN_INVALID, REFRESH_TOKEN_REUSED
from api.sessions.events import SessionEnded, SessionStarted
from api.sessions.settings import SessionSettings
from api.sessions.types import BearerRenewal, CookieRenewal, RefreshToken, SessionTokens

GRACE = timedelta(seconds=10)
"""How long the previous refresh token still yields the same successor, for concurrent tabs and lost responses."""


async def refresh(context: Context, cookies: Cookies, body: RefreshToken | None) -> BearerRenewal | CookieRenewal:
    """Exchange a refresh token for a new token pair.

    The token is read from the body or else from the cookie. It works once: using it again later ends the session."""
    if body and body.refresh_token is not None:
        pair = delivery.pair(context, await _rotated(context, body.refresh_token))
        return BearerRenewal(
            access_token=pair.access_token, expires_in=pair.expires_in, refresh_token=pair.refresh_token
        )
    sid = delivery.session_of(context, cookies)
    if sid:
        refuse_forgery(context.settings, cookies.headers, sid)
    try:
        session = await _rotated(context, cookies.get(REFRESH) or "")
    except (REFRESH_TOKEN_INVALID, REFRESH_TOKEN_REUSED):
        if cookies.get(REFRESH):
            delivery.clear_cookies(cookies)
        raise
    delivery.set_cookies(context, cookies, session)
    return CookieRenewal(expires_in=ACCESS_SECONDS)


async def renew(
    context: Context, db: Transaction, principal: Principal, cookies: Cookies
) -> tuple[UUID, dict[str, str]]:
    """Replace the caller's session, whose tokens are invalid from the commit on (ASVS 7.2.4). Returns the new session's
    id, and its tokens as headers unless they are in cookies. Raises UNAUTHORIZED."""
    idle, client = timedelta(days=context.settings.of(SessionSettings).sign_in_idle_days), origin.get()
    new = await queries.renew(db, principal.sid, uuid7(), idle, client.address, client.user_agent)
    if new is None:
        raise UNAUTHORIZED
    await record(db, SessionEnded(session_id=principal.sid, user_id=new.user_id, reason="renewed"))
    started = SessionStarted(session_id=new.id, user_id=new.user_id, method=new.method, mode=new.mode, new_device=False)
    await record(db, started)
    session = SessionTokens(new.id, new.generation, new.user_id, new.email, new.name, new.roles)
    if new.mode == "cookie":
        delivery.set_cookies(context, cookies, session)
        return new.id, {}
    pair = delivery.pair(context, session)
    return new.id, {ACCESS_HEADER.lower(): pair.access_token, REFRESH_HEADER.lower(): pair.refresh_token}


async def _rotated(context: Context, token: str) -> SessionTokens:
    """Advance the session by one generation. Raises REFRESH_TOKEN_INVALID or REFRESH_TOKEN_REUSED."""
    named = tokens.read(delivery.refresh_keys(context), token)
    if named is None:
        raise REFRESH_TOKEN_INVALID
    idle, client = timedelta(days=context.settings.of(SessionSettings).sign_in_idle_days), origin.get()
    session = await queries.rotate(context.db, *named, GRACE, idle, client.address, client.user_agent)
    if session is None:
        await _end_reused(context, *named)
        raise REFRESH_TOKEN_INVALID
    return session


async def _end_reused(context: Context, sid: UUID, generation: int) -> None:
    """Raises REFRESH_TOKEN_REUSED if the session was active, after committing its end."""
    async with context.db.transaction() as db:
        owner = await queries.end_reused(db, sid, generation)
        if owner:
            await record(db, SessionEnded(session_id=sid, user_id=owner.user_id, reason="reuse"))
    if owner:
        raise REFRESH_TOKEN_REUSED
