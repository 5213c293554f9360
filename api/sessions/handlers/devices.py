"""Listing and ending sessions."""

from uuid import UUID

import msgspec

from api.kernel import NOT_FOUND, UNAUTHORIZED, Context, Principal, origin, record
from api.kernel.http.cookies import ACCESS, Cookies, refuse_forgery
from api.kernel.identity.auth import Claims
from api.sessions import delivery, queries
from api.sessions.events import SessionEnded
from api.sessions.types import Session


async def logout(context: Context, claims: Claims) -> None:
    """End this session, immediately and in all processes. An expired token, or one of an ended session, is accepted."""
    origin.set(msgspec.structs.replace(origin.get(), principal_id=claims.sub))
    await _end(context, claims.sid, claims.sub, "logout")


async def cookie_logout(context: Context, cookies: Cookies) -> None:
    """End this browser's session and clear its cookies; the device stays known."""
    sid = delivery.session_of(context, cookies)
    if sid is None:
        access = cookies.get(ACCESS)
        if access is None:
            raise UNAUTHORIZED
        sid = context.tokens.verify(access, expired=True).sid
    refuse_forgery(context.settings, cookies.headers, sid)
    delivery.clear_cookies(cookies)
    async with context.db.transaction() as db:
        owner = await queries.end_named(db, sid, "logout")
        if owner:
            origin.set(msgspec.structs.replace(origin.get(), principal_id=owner.user_id))
            await record(db, SessionEnded(session_id=sid, user_id=owner.user_id, reason="logout"))


async def list_sessions(context: Context, principal: Principal) -> list[Session]:
    """List the caller's active sessions, most recently used first."""
    return await queries.list_live(context.db, principal.id, principal.sid)


async def revoke_session(context: Context, principal: Principal, id: UUID) -> None:
    """End one of the caller's sessions."""
    if not await _end(context, id, principal.id, "revoked"):
        raise NOT_FOUND


async def revoke_other_sessions(context: Context, principal: Principal) -> None:
    """End all of the caller's sessions except this one."""
    async with context.db.transaction() as db:
        for sid in await queries.end_others(db, principal.id, principal.sid):
            await record(db, SessionEnded(session_id=sid, user_id=principal.id, reason="revoked"))


async def _end(context: Context, sid: UUID, user_id: UUID, reason: str) -> bool:
    """End a session. Returns False if it was not active."""
    async with context.db.transaction() as db:
        ended = await queries.end(db, sid, user_id, reason) is not None
        if ended:
            await record(db, SessionEnded(session_id=sid, user_id=user_id, reason=reason))
    return ended
