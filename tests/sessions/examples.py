"""Test data for the tests that cover all features (tests/examples.py)."""

from collections.abc import Mapping
from uuid import UUID

from api.kernel.context import Context
from api.sessions.events import SessionEnded, SessionStarted
from api.users.types import User
from tests.examples import BROWSERS, EVERYBODY, HOLDERS, OWNERS, SIGNED_IN, SUPERUSERS

ACCESS = {
    "POST /auth/jwt/login": EVERYBODY,
    "POST /auth/jwt/logout": HOLDERS,
    "POST /auth/refresh": EVERYBODY,
    "POST /auth/cookie/login": EVERYBODY,
    "POST /auth/cookie/logout": BROWSERS,
    "GET /.well-known/jwks.json": EVERYBODY,
    "GET /sessions": SIGNED_IN,
    "DELETE /sessions": SIGNED_IN,
    "DELETE /sessions/{id}": OWNERS,
    "POST /users/{id}/unlock": SUPERUSERS,
}
TWICE = {"": [SessionStarted, SessionEnded]}
VALUES = {"method": "password", "mode": "bearer", "new_device": True, "reason": "reuse"}
EFFECTS = ["select md5(string_agg(sessions::text, '|' order by id)) from sessions"]


async def things(context: Context, user: User, sid: UUID) -> Mapping[str, Mapping[str, object]]:
    return {"/sessions/{id}": {"id": sid}}
