"""Signing in, refreshing, signing out; and who stands behind an access token."""

from datetime import timedelta

from api.kernel.auth import ACCESS_SECONDS, TOKEN_INVALID, Claims, Principal, anyone, derive_key, signed_in
from api.kernel.context import Context, origin
from api.kernel.database import uuid7
from api.kernel.events import record
from api.kernel.routing import get, post
from api.sessions import queries, tokens
from api.sessions.errors import LOGIN_BAD_CREDENTIALS, REFRESH_TOKEN_INVALID, REFRESH_TOKEN_REUSED
from api.sessions.events import SessionEnded, SessionStarted
from api.sessions.types import Credentials, JwkSet, RefreshToken, Session, TokenPair

IDLE = timedelta(days=14)
LIFETIME = timedelta(days=90)
GRACE = timedelta(seconds=10)
"""How long the previous refresh token still gets the same successor: two tabs, or an answer that was lost."""


async def login(context: Context, form: Credentials) -> TokenPair:
    """Sign in with an e-mail address and a password. Unknown, wrong and disabled get one answer, in one time."""
    account = await queries.find_account(context.db, form.username)
    right = await context.passwords.verify(account.password_hash if account else None, form.password)
    if account is None or not right or not account.is_active:
        raise LOGIN_BAD_CREDENTIALS
    who, sid = origin.get(), uuid7()
    async with context.db.transaction() as db:
        generation = await queries.insert(db, sid, account.user_id, IDLE, LIFETIME, who.address, who.user_agent)
        await record(db, SessionStarted(session_id=sid, user_id=account.user_id))
    return _pair(context, Session(sid, generation, account.user_id, account.email, account.name, account.roles))


async def refresh(context: Context, body: RefreshToken) -> TokenPair:
    """Exchange a refresh token for a new pair. It is good once: coming back later it ends the session, for whoever
    holds it."""
    named = tokens.read(_key(context), body.refresh_token)
    if named is None:
        raise REFRESH_TOKEN_INVALID
    session = await queries.rotate(context.db, *named, GRACE, IDLE)
    if session:
        return _pair(context, session)
    async with context.db.transaction() as db:
        owner = await queries.end_reused(db, *named)
        if owner:
            await record(db, SessionEnded(session_id=named[0], user_id=owner.user_id, reason="reuse"))
    if owner is None:
        raise REFRESH_TOKEN_INVALID
    context.principals.forget(named[0])  # only now: the end of the session is committed although the request fails
    raise REFRESH_TOKEN_REUSED


async def logout(context: Context, principal: Principal) -> None:
    """End this session, at once and in every process."""
    async with context.db.transaction() as db:
        if await queries.end(db, principal.sid, "logout"):
            await record(db, SessionEnded(session_id=principal.sid, user_id=principal.id, reason="logout"))
    context.principals.forget(principal.sid)


async def show_keys(context: Context) -> JwkSet:
    """The public keys that access tokens are signed with, where the algorithm has any."""
    return JwkSet(context.tokens.jwks)


async def authenticate(context: Context, claims: Claims) -> Principal:
    """The principal behind a verified access token, if the session still lives. One round trip; raises
    TOKEN_INVALID."""
    row = await queries.find_principal(context.db, claims.sid, claims.sub)
    if row is None:
        raise TOKEN_INVALID(headers={"www-authenticate": 'Bearer error="invalid_token"'})
    return Principal(
        id=claims.sub,
        sid=claims.sid,
        is_superuser=row.is_superuser,
        is_verified=row.is_verified,
        roles=tuple(row.roles),
    )


def _pair(context: Context, session: Session) -> TokenPair:
    access = context.tokens.issue(
        sub=session.user_id,
        sid=session.id,
        jti=uuid7(),
        email=session.email,
        name=session.name,
        roles=tuple(session.roles),
    )
    return TokenPair(access, "bearer", ACCESS_SECONDS, tokens.make(_key(context), session.id, session.generation))


def _key(context: Context) -> bytes:
    return derive_key(context.settings.secret_key, "refresh-token")


routes = [
    post("/auth/jwt/login", login, guard=anyone, limit="20/minute", errors=(LOGIN_BAD_CREDENTIALS,)),
    post(
        "/auth/refresh", refresh, guard=anyone, limit="60/minute", errors=(REFRESH_TOKEN_INVALID, REFRESH_TOKEN_REUSED)
    ),
    post("/auth/jwt/logout", logout, guard=signed_in, status=204),
    get("/.well-known/jwks.json", show_keys, guard=anyone),
]
