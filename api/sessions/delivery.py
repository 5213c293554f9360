"""How a session's tokens reach its client: in the answer, or in cookies that no script can read."""

from uuid import UUID

from api.kernel import Context, uuid7
from api.kernel.http.cookies import ACCESS, DEVICE, REFRESH, XSRF, Cookies, xsrf_token
from api.kernel.identity.auth import ACCESS_SECONDS, verifying_keys
from api.sessions import tokens
from api.sessions.settings import SessionSettings
from api.sessions.types import RefreshToken, Session, TokenPair

DAY = 86_400
DEVICE_DAYS = 400
"""The most that browsers keep a cookie (RFC 6265bis §5.5)."""


def pair(context: Context, session: Session) -> TokenPair:
    """An access token, and the refresh token of the session's generation."""
    access = context.tokens.issue(
        sub=session.user_id,
        sid=session.id,
        jti=uuid7(),
        email=session.email,
        name=session.name,
        roles=tuple(session.roles),
    )
    refresh = tokens.make(refresh_keys(context)[0], session.id, session.generation)
    return TokenPair(access, "bearer", ACCESS_SECONDS, refresh)


def set_cookies(context: Context, cookies: Cookies, session: Session) -> None:
    """The same pair as cookies, and the token that a page must send along with them."""
    made, kept = pair(context, session), context.settings.of(SessionSettings).sign_in_idle_days * DAY
    cookies.set(ACCESS, made.access_token, ACCESS_SECONDS)
    cookies.set(REFRESH, made.refresh_token, kept)
    cookies.set(XSRF, xsrf_token(context.settings, session.id), kept)


def clear_cookies(cookies: Cookies) -> None:
    """All but the device's, which is no sign-in."""
    cookies.clear(ACCESS, REFRESH, XSRF)


def device_of(context: Context, cookies: Cookies) -> UUID | None:
    """The device that the request's cookie names, where we made it."""
    return tokens.read_device(_device_keys(context), cookies.get(DEVICE) or "")


def set_device(context: Context, cookies: Cookies, id: UUID) -> None:
    """Know this device again."""
    cookies.set(DEVICE, tokens.make_device(_device_keys(context)[0], id), DEVICE_DAYS * DAY)


def session_of(context: Context, cookies: Cookies) -> UUID | None:
    """The session that the browser's refresh cookie names, where we made it; it may be over."""
    named = tokens.read(refresh_keys(context), cookies.get(REFRESH) or "")
    return named[0] if named else None


def by_refresh_token(context: Context, cookies: Cookies, body: RefreshToken | None) -> UUID | None:
    """The session of the refresh token in the body or else in the cookie, where we made it and the session may still
    live."""
    token = body.refresh_token if body and body.refresh_token is not None else cookies.get(REFRESH)
    named = tokens.read(refresh_keys(context), token or "")
    return named[0] if named and context.tokens.may_live(named[0]) else None


def by_device(context: Context, cookies: Cookies, body: None) -> UUID | None:
    """The device that signs in, so that others on its network do not use up its count. It says nothing about
    accounts: the limits on guessing ask whether the account knows the device."""
    return device_of(context, cookies)


def refresh_keys(context: Context) -> tuple[bytes, ...]:
    """The keys that verify refresh tokens; the first one also signs."""
    return verifying_keys(context.settings, "refresh-token")


def _device_keys(context: Context) -> tuple[bytes, ...]:
    return verifying_keys(context.settings, "device")
