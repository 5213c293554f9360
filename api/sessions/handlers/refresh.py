"""Refreshing: the pair is exchanged for the next one, by token and by cookie. And renewing: the session is exchanged
for a new one where the password was changed."""

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
from api.sessions.types import RefreshToken, Renewal, Session

GRACE = timedelta(seconds=10)
"""How long the previous refresh token still gets the same successor: two tabs, or an answer that was lost."""


async def refresh(context: Context, cookies: Cookies, body: RefreshToken | None) -> Renewal:
    """Exchange a refresh token for a new pair, in the body or else in the cookie. It is good once: coming back later it
    ends the session, for whoever holds it."""
    if body and body.refresh_token is not None:
        pair = delivery.pair(context, await _rotated(context, body.refresh_token))
        return Renewal(
            access_token=pair.access_token,
            token_type=pair.token_type,
            expires_in=pair.expires_in,
            refresh_token=pair.refresh_token,
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
    return Renewal(token_type="cookie", expires_in=ACCESS_SECONDS)  # noqa: S106  # its kind


async def renew(
    context: Context, db: Transaction, principal: Principal, cookies: Cookies
) -> tuple[UUID, dict[str, str]]:
    """Replace the caller's session, whose tokens are dead from the commit on (ASVS 7.2.4). The new session's id, and
    its tokens as headers where its client does not keep them in cookies. Raises UNAUTHORIZED."""
    idle, who = timedelta(days=context.settings.of(SessionSettings).sign_in_idle_days), origin.get()
    new = await queries.renew(db, principal.sid, uuid7(), idle, who.address, who.user_agent)
    if new is None:
        raise UNAUTHORIZED
    await record(db, SessionEnded(session_id=principal.sid, user_id=new.user_id, reason="renewed"))
    started = SessionStarted(session_id=new.id, user_id=new.user_id, method=new.method, mode=new.mode, new_device=False)
    await record(db, started)
    session = Session(new.id, new.generation, new.user_id, new.email, new.name, new.roles)
    if new.mode == "cookie":
        delivery.set_cookies(context, cookies, session)
        return new.id, {}
    pair = delivery.pair(context, session)
    return new.id, {ACCESS_HEADER.lower(): pair.access_token, REFRESH_HEADER.lower(): pair.refresh_token}


async def _rotated(context: Context, token: str) -> Session:
    """The session, one generation on. Raises REFRESH_TOKEN_INVALID or REFRESH_TOKEN_REUSED."""
    named = tokens.read(delivery.refresh_keys(context), token)
    if named is None:
        raise REFRESH_TOKEN_INVALID
    idle, who = timedelta(days=context.settings.of(SessionSettings).sign_in_idle_days), origin.get()
    session = await queries.rotate(context.db, *named, GRACE, idle, who.address, who.user_agent)
    if session is None:
        await _end_reused(context, *named)
        raise REFRESH_TOKEN_INVALID
    return session


async def _end_reused(context: Context, sid: UUID, generation: int) -> None:
    """Raises REFRESH_TOKEN_REUSED where the session still lived: by then its end is committed, although the request
    fails."""
    async with context.db.transaction() as db:
        owner = await queries.end_reused(db, sid, generation)
        if owner:
            await record(db, SessionEnded(session_id=sid, user_id=owner.user_id, reason="reuse"))
    if owner:
        context.principals.forget(sid)
        raise REFRESH_TOKEN_REUSED
