"""Registering, confirming the address, and one's own account."""

import hashlib

from api.kernel.auth import Principal, anyone, signed_in
from api.kernel.context import Context
from api.kernel.database import uuid7
from api.kernel.errors import UNAUTHORIZED
from api.kernel.events import record
from api.kernel.routing import get, post
from api.users import queries
from api.users.errors import (
    REGISTER_INVALID_PASSWORD,
    REGISTER_USER_ALREADY_EXISTS,
    VERIFY_USER_ALREADY_VERIFIED,
    VERIFY_USER_BAD_TOKEN,
)
from api.users.events import UserRegistered, UserVerified
from api.users.passwords import refuse_weak
from api.users.types import Registration, User, VerificationToken


async def register(context: Context, body: Registration) -> User:
    """Open an account and ask its owner to confirm the address."""
    refuse_weak(body.password, body.email, REGISTER_INVALID_PASSWORD)
    password_hash = await context.passwords.hash(body.password)
    async with context.db.transaction() as db:
        user = await queries.insert(db, uuid7(), body.email, password_hash)
        await record(db, UserRegistered(user_id=user.id, email=user.email))
    return user


async def verify(context: Context, body: VerificationToken) -> User:
    """Confirm the address with the token that was mailed to it; a token is good once."""
    async with context.db.transaction() as db:
        owner = await queries.spend_token(db, hashlib.sha256(body.token.encode()).digest(), "verify")
        if owner is None:
            raise VERIFY_USER_BAD_TOKEN
        user = await queries.mark_verified(db, owner.user_id)
        if user is None:
            raise VERIFY_USER_ALREADY_VERIFIED
        await record(db, UserVerified(user_id=user.id, email=user.email))
    return user


async def show_me(context: Context, principal: Principal) -> User:
    """One's own account."""
    user = await queries.find(context.db, principal.id)
    if user is None:  # deleted, and remembered as a principal for the rest of a second
        raise UNAUTHORIZED
    return user


routes = [
    post(
        "/auth/register",
        register,
        guard=anyone,
        limit="20/minute",
        status=201,
        errors=(REGISTER_USER_ALREADY_EXISTS, REGISTER_INVALID_PASSWORD),
    ),
    post(
        "/auth/verify",
        verify,
        guard=anyone,
        limit="30/minute",
        errors=(VERIFY_USER_BAD_TOKEN, VERIFY_USER_ALREADY_VERIFIED),
    ),
    get("/users/me", show_me, guard=signed_in),
]
