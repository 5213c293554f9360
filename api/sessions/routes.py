"""Routes of sessions, with their guards, limits and error codes."""

from api.kernel import NOT_FOUND, UNAUTHORIZED, anyone, delete, get, holder, post, signed_in, superuser
from api.kernel.http.cookies import ORIGIN_NOT_ALLOWED, XSRF_REFUSED
from api.kernel.identity.auth import TOKEN_INVALID
from api.sessions.delivery import by_device, by_refresh_token
from api.sessions.errors import (
    LOGIN_BAD_CREDENTIALS,
    LOGIN_USER_NOT_VERIFIED,
    REFRESH_TOKEN_INVALID,
    REFRESH_TOKEN_REUSED,
)
from api.sessions.handlers.devices import cookie_logout, list_sessions, logout, revoke_other_sessions, revoke_session
from api.sessions.handlers.keys import get_jwks
from api.sessions.handlers.login import cookie_login, login
from api.sessions.handlers.refresh import refresh
from api.sessions.handlers.unlocking import unlock_user
from api.sessions.throttles import GUESSES

routes = [
    post(
        "/auth/jwt/login",
        login,
        guard=anyone,
        limit="20/minute",
        by=by_device,
        policies=GUESSES,
        errors=(LOGIN_BAD_CREDENTIALS, LOGIN_USER_NOT_VERIFIED),
    ),
    post("/auth/jwt/logout", logout, guard=holder, status=204),
    post(
        "/auth/refresh",
        refresh,
        guard=anyone,
        limit="60/minute",
        by=by_refresh_token,
        errors=(REFRESH_TOKEN_INVALID, REFRESH_TOKEN_REUSED, XSRF_REFUSED, ORIGIN_NOT_ALLOWED),
    ),
    post(
        "/auth/cookie/login",
        cookie_login,
        guard=anyone,
        limit="20/minute",
        by=by_device,
        policies=GUESSES,
        status=204,
        errors=(LOGIN_BAD_CREDENTIALS, LOGIN_USER_NOT_VERIFIED, ORIGIN_NOT_ALLOWED),
    ),
    post(
        "/auth/cookie/logout",
        cookie_logout,
        guard=anyone,
        status=204,
        errors=(UNAUTHORIZED, TOKEN_INVALID, XSRF_REFUSED, ORIGIN_NOT_ALLOWED),
    ),
    get("/sessions", list_sessions, guard=signed_in),
    delete("/sessions", revoke_other_sessions, guard=signed_in, status=204),
    delete("/sessions/{id}", revoke_session, guard=signed_in, status=204, errors=(NOT_FOUND,)),
    post("/users/{id}/unlock", unlock_user, guard=superuser, status=204),
    get("/.well-known/jwks.json", get_jwks, guard=anyone),
]
