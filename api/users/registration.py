"""Opening an account, proving that an address is one's own, and getting back in. What anybody can ask for without an
account does the same work whether or not there is one."""

from api.kernel.context import Context, origin
from api.kernel.database import uuid7
from api.kernel.events import record
from api.kernel.routing import ACCEPTED, Reply
from api.users import queries, tasks
from api.users.errors import (
    REGISTER_INVALID_PASSWORD,
    REGISTER_USER_ALREADY_EXISTS,
    RESET_PASSWORD_BAD_TOKEN,
    RESET_PASSWORD_INVALID_PASSWORD,
    VERIFY_USER_ALREADY_VERIFIED,
    VERIFY_USER_BAD_TOKEN,
)
from api.users.events import PasswordChanged, UserRegistered, UserVerified
from api.users.passwords import refuse_weak
from api.users.tokens import digest, spend
from api.users.types import Addressee, MailToken, NewPassword, Registration, User


async def register(context: Context, body: Registration) -> User | Reply:
    """Open an account and ask its owner to confirm the address.

    With HIDE_ACCOUNTS the answer is 202 and null, for a new address as for one that has an account already; its owner
    is told by mail."""
    await refuse_weak(context, body.password, body.email, REGISTER_INVALID_PASSWORD)
    password_hash = await context.passwords.hash(body.password)
    try:
        async with context.db.transaction() as db:
            user = await queries.insert(db, uuid7(), body.email, password_hash, origin.get().language)
            await record(db, UserRegistered(user_id=user.id, email=user.email, language=origin.get().language))
    except REGISTER_USER_ALREADY_EXISTS:
        if not context.settings.hide_accounts:
            raise
        await tasks.send_already_registered.defer(context.db, tasks.AlreadyRegistered(email=body.email))
        return ACCEPTED
    return ACCEPTED if context.settings.hide_accounts else user


async def request_verify_token(context: Context, body: Addressee) -> None:
    """Ask for the mail that confirms an address once more. The answer is the same whether or not there is something to
    confirm."""
    await tasks.send_verification_again.defer(context.db, tasks.VerificationWanted(email=body.email))


async def verify(context: Context, body: MailToken) -> User:
    """Confirm the address with the token that was mailed to it; a token is good once.

    Who is signed in stays so: it is, most likely, who registered. If it was somebody else, forgot-password ends their
    sessions and takes the account from them."""
    async with context.db.transaction() as db:
        owner = await spend(db, body.token, VERIFY_USER_BAD_TOKEN, "verify")
        user = await queries.mark_verified(db, owner.user_id)
        if user is None:
            raise VERIFY_USER_ALREADY_VERIFIED
        await record(db, UserVerified(user_id=user.id, email=user.email))
    context.principals.forget(user.id)
    return user


async def forgot_password(context: Context, body: Addressee) -> None:
    """Ask for a mail with a link to a new password. The answer is the same whether or not there is an account."""
    await tasks.send_reset.defer(context.db, tasks.ResetWanted(email=body.email))


async def reset_password(context: Context, body: NewPassword) -> None:
    """Choose a password with the token that was mailed after forgot-password, or with an invitation's.

    The link has proved whose the address is: it is confirmed by this, every session ends, a change of address that was
    asked for is off, and no link that was mailed before is good any more."""
    purposes = ["reset", "invite"]
    known = await queries.find_token(context.db, digest(body.token), purposes)
    if known is None:
        raise RESET_PASSWORD_BAD_TOKEN
    user = await queries.get(context.db, known.user_id)
    await refuse_weak(context, body.password, user.email, RESET_PASSWORD_INVALID_PASSWORD, user.name)
    password_hash = await context.passwords.hash(body.password)
    async with context.db.transaction() as db:
        owner = await spend(db, body.token, RESET_PASSWORD_BAD_TOKEN, *purposes)
        user = await queries.change_password(db, owner.user_id, password_hash, None)
        if await queries.mark_verified(db, user.id):
            await record(db, UserVerified(user_id=user.id, email=user.email))
        await queries.void_tokens(db, user.id, None)
        how = "reset" if owner.purpose == "reset" else "invitation"
        await record(db, PasswordChanged(user_id=user.id, how=how))
    context.principals.forget(user.id)
