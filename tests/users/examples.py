"""Test data for the tests that cover all features (tests/examples.py)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from api.kernel.context import Context
from api.users import events
from api.users.tasks import AlreadyRegistered, ResetWanted, VerificationWanted
from api.users.types import User
from tests.examples import EVERYBODY, SIGNED_IN, SUPERUSERS, VISITORS

ACCESS = {
    "POST /auth/register": EVERYBODY,
    "POST /auth/request-verify-token": EVERYBODY,
    "POST /auth/verify": VISITORS,
    "POST /auth/verify/opening": EVERYBODY,
    "POST /auth/forgot-password": EVERYBODY,
    "POST /auth/reset-password": EVERYBODY,
    "POST /auth/confirm-email": EVERYBODY,
    "POST /auth/revert-email": EVERYBODY,
    "GET /auth/session": VISITORS,
    "GET /users/me": SIGNED_IN,
    "PATCH /users/me": SIGNED_IN,
    "DELETE /users/me": SIGNED_IN,
    "POST /users/change-password": SIGNED_IN,
    "GET /users": SUPERUSERS,
    "POST /users": SUPERUSERS,
    "GET /users/{id}": SUPERUSERS,
    "PATCH /users/{id}": SUPERUSERS,
    "DELETE /users/{id}": SUPERUSERS,
    "POST /users/{id}/revoke-sessions": SUPERUSERS,
}
TWICE = {
    "is_verified = false": [events.UserRegistered, VerificationWanted, events.UserExpiring],
    "password_hash = null": [events.UserInvited],
    "pending_email = 'new@example.org'": [events.EmailChangeRequested],
    "delete_after = now(), deletion_requested_at = now()": [events.DeletionRequested],
    "": [
        ResetWanted,
        events.EmailChanged,
        events.EmailChangeReverted,
        events.PasswordChanged,
        events.DeletionCancelled,
        events.SessionsRevoked,
        events.UserDisabled,
        events.UserExpired,
        events.UserDeleted,
        events.UserClaimed,
        events.UserVerified,
    ],
    "name = 'registers again'": [AlreadyRegistered],
}
VALUES = {
    "old_email": "old@example.com",
    "how": "reset",
    "was_verified": True,
    "delete_after": datetime(2026, 12, 24, 17, 30, tzinfo=UTC),
    "expires_after": datetime(2026, 12, 24, 17, 30, tzinfo=UTC),
    "network": "",
}
EFFECTS = ["select md5(string_agg(users::text, '|' order by id)) from users"]


async def things(context: Context, user: User, sid: UUID) -> Mapping[str, Mapping[str, object]]:
    return {"/users/{id}": {"id": user.id}}
