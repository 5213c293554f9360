"""Delivery of a session's tokens: in the response body, or in HttpOnly cookies."""

from uuid import UUID

from api.kernel import Context, uuid7
from api.kernel.http.cookies import ACCESS, DEVICE, REFRESH, XSRF, Cookies, xsrf_token
from api.kernel.identity.auth import ACCESS_SECONDS, verifying_keys
from api.sessions import tokens
from api.sessions.settings import SessionSettings
from api.sessions.types import RefreshToken, SessionTokens, TokenPair

DAY = 86_400
DEVICE_DAYS = 400
"""The maximum lifetime of a cookie in browsers (RFC 6265bis §5.5)."""


def pair(context: Context, session: SessionTokens) -> TokenPair:
    """Create an access token and the session's current refresh token."""
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


def set_cookies(context: Context, cookies: Cookies, session: SessionTokens) -> None:
    """Set the token pair as cookies, with the XSRF token that pages send in a header."""
    issued, seconds = pair(context, session), context.settings.of(SessionSettings).sign_in_idle_days * DAY
    cookies.set(ACCESS, issued.access_token, ACCESS_SECONDS)
    cookies.set(REFRESH, issued.refresh_token, seconds)
    cookies.set(XSRF, xsrf_token(context.settings, session.id), seconds)


def clear_cookies(cookies: Cookies) -> None:
    """Clear the session's cookies. The device cookie stays; it does not authenticate."""
    cookies.clear(ACCESS, REFRESH, XSRF)


def device_of(context: Context, cookies: Cookies) -> UUID | None:
    """The device id from the device cookie; None if its signature is invalid."""
    return tokens.read_device(_device_keys(context), cookies.get(DEVICE) or "")


def set_device(context: Context, cookies: Cookies, id: UUID) -> None:
    """Set the cookie that identifies the device."""
    cookies.set(DEVICE, tokens.make_device(_device_keys(context)[0], id), DEVICE_DAYS * DAY)


def session_of(context: Context, cookies: Cookies) -> UUID | None:
    """The session id from the refresh cookie; None if its signature is invalid. The session may have ended."""
    named = tokens.read(refresh_keys(context), cookies.get(REFRESH) or "")
    return named[0] if named else None


def by_refresh_token(context: Context, cookies: Cookies, body: RefreshToken | None) -> UUID | None:
    """The session of the refresh token in the body or else in the cookie; None if its signature is invalid or the
    session is too old to be active."""
    token = body.refresh_token if body and body.refresh_token is not None else cookies.get(REFRESH)
    named = tokens.read(refresh_keys(context), token or "")
    return named[0] if named and context.tokens.may_live(named[0]) else None


def by_device(context: Context, cookies: Cookies, body: None) -> UUID | None:
    """The device that signs in, so that other clients on its network do not use up its limit. It says nothing about
    accounts: the limits on guessing check whether the account knows the device."""
    return device_of(context, cookies)


def refresh_keys(context: Context) -> tuple[bytes, ...]:
    """Keys that verify refresh tokens. The first one signs."""
    return verifying_keys(context.settings, "refresh-token")


def _device_keys(context: Context) -> tuple[bytes, ...]:
    return verifying_keys(context.settings, "device")
