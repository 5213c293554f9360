"""Registration, confirmation of addresses, and password resets. Requests that need no account take the same work and
give the same response whether or not the account exists."""

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
from api.users.trust import cancel_deletion, claim
from api.users.types import (
    EmailRequest,
    EmailToken,
    EmailTokenWithPassword,
    PasswordReset,
    Registration,
    RegistrationDetails,
    User,
)


async def register(context: Context, body: Registration) -> User | Reply:
    """Register an account and mail a link to confirm its address.

    With HIDE_ACCOUNTS the response is always 202 and null. If the address already has an account, its owner is notified
    by e-mail."""
    await refuse_weak(context, body.password, body.email, REGISTER_INVALID_PASSWORD)
    await charge_mail(context, body.email)
    password_hash = await context.passwords.hash(body.password)
    hidden = context.settings.of(UserSettings).hide_accounts
    try:
        async with context.db.transaction() as db:
            client = origin.get()
            id = await queries.insert(
                db, uuid7(), body.email, password_hash, client.language, client.address, client.user_agent
            )
            await record(db, UserRegistered(user_id=id, email=body.email, language=client.language))
            return ACCEPTED if hidden else await queries.get(db, id)
    except REGISTER_USER_ALREADY_EXISTS:
        if not hidden:
            raise
        await tasks.send_already_registered.defer_alone(
            context.db, tasks.AlreadyRegistered(email=body.email, network=_network())
        )
        return ACCEPTED


async def request_verify_token(context: Context, body: EmailRequest) -> None:
    """Mail the verification link again.

    The response does not reveal whether the account exists or is confirmed."""
    await tasks.send_verification_again.defer_alone(
        context.db, tasks.VerificationWanted(email=body.email, network=_network())
    )


async def verify(context: Context, principal: Principal | None, body: EmailTokenWithPassword) -> User:
    """Confirm an e-mail address with the mailed token; a token works once.

    All sessions end except the caller's own. With `password`, the old password is replaced and data stored before the
    confirmation is removed: use it if another person registered the account."""
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
            await cancel_deletion(db, owner.user_id)
            await record(db, UserVerified(user_id=owner.user_id, email=owner.email))
            user = await queries.get(db, owner.user_id)
    except VERIFY_USER_BAD_TOKEN:
        if await queries.find_proved(context.db, digest(body.token)):
            raise VERIFY_USER_ALREADY_VERIFIED from None
        raise
    return user


async def get_registration(context: Context, body: EmailToken) -> RegistrationDetails:
    """Get when and from where the account of a verification token was registered.

    The token is not used up."""
    opened = await queries.find_opening(context.db, digest(body.token))
    if opened is None:
        raise VERIFY_USER_BAD_TOKEN
    agent = opened.opened_user_agent
    return RegistrationDetails(opened.created_at, opened.opened_address, browser_of(agent), system_of(agent))


async def forgot_password(context: Context, body: EmailRequest) -> None:
    """Mail a password reset link.

    The response does not reveal whether the account exists."""
    await tasks.send_reset.defer_alone(context.db, tasks.ResetWanted(email=body.email, network=_network()))


async def reset_password(context: Context, body: PasswordReset) -> None:
    """Set a password with the token from a password reset or an invitation.

    The address becomes confirmed, because the link was mailed to it. All sessions end, a pending change of address and
    a requested deletion are cancelled, and all other mailed links become void. If the address was unconfirmed before,
    data stored in the account is removed."""
    purposes = ["reset", "invite"]
    password_hash = await choose_password(context, body, RESET_PASSWORD_BAD_TOKEN, *purposes)
    async with context.db.transaction() as db:
        owner = await spend(db, body.token, RESET_PASSWORD_BAD_TOKEN, *purposes)
        if owner.has_password and not owner.is_verified:
            await claim(db, owner.user_id, origin.get().language)
        id = await queries.change_password(db, owner.user_id, password_hash, None)
        if await queries.mark_verified(db, id):
            await record(db, UserVerified(user_id=id, email=owner.email))
        await cancel_deletion(db, id)
        await queries.void_tokens(db, id, None)
        how = "reset" if owner.purpose == "reset" else "invitation"
        await record(db, PasswordChanged(user_id=id, how=how))


def _network() -> str:
    """Network of the client, sized as one customer of a provider."""
    return network_of(origin.get().address, (24, 56))
