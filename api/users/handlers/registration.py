"""Opening an account, proving that an address is one's own, and getting back in. What anybody can ask for without an
account does the same work whether or not there is one."""

from api.kernel import ACCEPTED, Context, Principal, Reply, browser_of, network_of, origin, record, system_of, uuid7
from api.users import queries, tasks
from api.users.errors import (
    REGISTER_INVALID_PASSWORD,
    REGISTER_USER_ALREADY_EXISTS,
    RESET_PASSWORD_BAD_TOKEN,
    VERIFY_USER_ALREADY_VERIFIED,
    VERIFY_USER_BAD_TOKEN,
)
from api.users.events import PasswordChanged, UserRegistered, UserVerified
from api.users.passwords import refuse_weak
from api.users.settings import UserSettings
from api.users.tokens import charge_mail, choose_password, digest, spend
from api.users.trust import claim, keep
from api.users.types import Addressee, MailToken, MailTokenWithPassword, NewPassword, Opening, Registration, User


async def register(context: Context, body: Registration) -> User | Reply:
    """Open an account and ask its owner to confirm the address.

    With HIDE_ACCOUNTS the answer is 202 and null, for a new address as for one that has an account already; its owner
    is told by mail."""
    await refuse_weak(context, body.password, body.email, REGISTER_INVALID_PASSWORD)
    await charge_mail(context, body.email)
    password_hash = await context.passwords.hash(body.password)
    hidden = context.settings.of(UserSettings).hide_accounts
    try:
        async with context.db.transaction() as db:
            who = origin.get()
            id = await queries.insert(db, uuid7(), body.email, password_hash, who.language, who.address, who.user_agent)
            await record(db, UserRegistered(user_id=id, email=body.email, language=who.language))
            return ACCEPTED if hidden else await queries.get(db, id)
    except REGISTER_USER_ALREADY_EXISTS:
        if not hidden:
            raise
        await tasks.send_already_registered.defer_alone(
            context.db, tasks.AlreadyRegistered(email=body.email, network=_network())
        )
        return ACCEPTED


async def request_verify_token(context: Context, body: Addressee) -> None:
    """Ask for the mail that confirms an address once more. The answer is the same whether or not there is something to
    confirm."""
    await tasks.send_verification_again.defer_alone(
        context.db, tasks.VerificationWanted(email=body.email, network=_network())
    )


async def verify(context: Context, principal: Principal | None, body: MailTokenWithPassword) -> User:
    """Confirm the address with the token that was mailed to it; a token is good once.

    Every session ends but the caller's own. Whoever did not open the account gives a password too: it replaces the old
    one, and all that was stored before is gone."""
    try:
        password_hash = await choose_password(context, body, VERIFY_USER_BAD_TOKEN, "verify")
        async with context.db.transaction() as db:
            owner = await spend(db, body.token, VERIFY_USER_BAD_TOKEN, "verify")
            if owner.is_verified:
                raise VERIFY_USER_ALREADY_VERIFIED
            if password_hash:
                if owner.has_password:
                    await claim(db, owner.user_id, origin.get().language)
                await queries.change_password(db, owner.user_id, password_hash, None)
                await queries.void_tokens(db, owner.user_id, None)
                await record(db, PasswordChanged(user_id=owner.user_id, how="reset"))
            else:
                own = principal.sid if principal and principal.id == owner.user_id else None
                await queries.end_sessions(db, owner.user_id, own)
            await queries.mark_verified(db, owner.user_id)
            await keep(db, owner.user_id)
            await record(db, UserVerified(user_id=owner.user_id, email=owner.email))
            user = await queries.get(db, owner.user_id)
    except VERIFY_USER_BAD_TOKEN:
        if await queries.find_proved(context.db, digest(body.token)):
            raise VERIFY_USER_ALREADY_VERIFIED from None
        raise
    context.principals.forget(user.id)
    return user


async def show_opening(context: Context, body: MailToken) -> Opening:
    """When and from where the account was opened that the link from a mail is to confirm. The token is not spent."""
    opened = await queries.find_opening(context.db, digest(body.token))
    if opened is None:
        raise VERIFY_USER_BAD_TOKEN
    agent = opened.opened_user_agent
    return Opening(opened.created_at, opened.opened_address, browser_of(agent), system_of(agent))


async def forgot_password(context: Context, body: Addressee) -> None:
    """Ask for a mail with a link to a new password. The answer is the same whether or not there is an account."""
    await tasks.send_reset.defer_alone(context.db, tasks.ResetWanted(email=body.email, network=_network()))


async def reset_password(context: Context, body: NewPassword) -> None:
    """Choose a password with the token that was mailed after forgot-password, or with an invitation's.

    The link has proved whose the address is: it is confirmed by this, every session ends, a change of address or a
    deletion that was asked for is off, and no other link that was mailed to it is good any more. Where the address was
    not confirmed before, what was stored in the account is gone."""
    purposes = ["reset", "invite"]
    password_hash = await choose_password(context, body, RESET_PASSWORD_BAD_TOKEN, *purposes)
    async with context.db.transaction() as db:
        owner = await spend(db, body.token, RESET_PASSWORD_BAD_TOKEN, *purposes)
        if owner.has_password and not owner.is_verified:
            await claim(db, owner.user_id, origin.get().language)
        id = await queries.change_password(db, owner.user_id, password_hash, None)
        if await queries.mark_verified(db, id):
            await record(db, UserVerified(user_id=id, email=owner.email))
        await keep(db, id)
        await queries.void_tokens(db, id, None)
        how = "reset" if owner.purpose == "reset" else "invitation"
        await record(db, PasswordChanged(user_id=id, how=how))
    context.principals.forget(id)


def _network() -> str:
    """From where a mail is asked for: what one customer of a provider may have."""
    return network_of(origin.get().address, (24, 56))
