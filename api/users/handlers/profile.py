"""The caller's own account: get, update, delete. Operations that a stolen session could abuse require the current
password."""

from datetime import timedelta
from uuid import UUID

from msgspec import UNSET

from api.kernel import (
    NOT_FOUND,
    UNAUTHORIZED,
    Context,
    Database,
    Policy,
    Principal,
    Problem,
    Rate,
    Renew,
    Transaction,
    record,
    refuse_stale,
)
from api.users import queries
from api.users.errors import (
    CHANGE_PASSWORD_BAD_CREDENTIALS,
    CHANGE_PASSWORD_INVALID_PASSWORD,
    CONFIRM_EMAIL_BAD_TOKEN,
    CURRENT_PASSWORD_REQUIRED,
    REVERT_EMAIL_BAD_TOKEN,
    UPDATE_USER_EMAIL_ALREADY_EXISTS,
    UPDATE_USER_INVALID_PASSWORD,
)
from api.users.events import (
    DeletionRequested,
    EmailChanged,
    EmailChangeRequested,
    EmailChangeReverted,
    PasswordChanged,
    UserDeleted,
    UserUpdated,
    UserVerified,
)
from api.users.passwords import refuse_weak
from api.users.settings import UserSettings
from api.users.tokens import charge_mail, choose_password, spend
from api.users.trust import allow_return, cancel_deletion, refuse_last
from api.users.types import (
    Credentials,
    Deletion,
    EmailToken,
    EmailTokenWithPassword,
    PasswordChange,
    PasswordConfirmation,
    ProfileUpdate,
    User,
)

GUESSES = Policy("current-password", Rate(5, 15 * 60))
"""Attempts at the current password, per session."""
ADDRESSES = Policy("new-address", Rate(5, 60 * 60))
"""New addresses that an account may request; each is sent an e-mail."""


async def get_me(context: Context, principal: Principal) -> User:
    """Get the caller's own account."""
    try:
        return await queries.get(context.db, principal.id)
    except NOT_FOUND:  # deleted since the principal was loaded
        raise UNAUTHORIZED from None


async def get_current_user(context: Context, principal: Principal | None) -> User | None:
    """Get the caller's own account, or null for a guest.

    Never 401, so that the first request of an application causes no error. A browser whose access cookie has expired
    gets null: if the cookie `XSRF-TOKEN` is there, refresh and ask again."""
    if principal is None:
        return None
    try:
        return await queries.get(context.db, principal.id)
    except NOT_FOUND:
        return None


async def update_me(
    context: Context, principal: Principal, body: ProfileUpdate, if_match: str | None, renew: Renew
) -> User:
    """Update the caller's own account; omitted fields are unchanged.

    A new password or e-mail address requires the current password. A new address takes effect when it is confirmed by
    the link mailed to it; the old address is notified and can stop the change. A new password ends all other sessions
    and replaces this session's tokens."""
    proof, password_hash = await _prove_change(context, principal, body)
    async with context.db.transaction() as db:
        user = await _lock(db, principal)
        refuse_stale(if_match, user)
        if proof:
            await _refuse_outdated(db, principal, proof, CURRENT_PASSWORD_REQUIRED)
        elif (
            body.email and body.email != user.email
        ):  # it was the account's address before a concurrent change, and needed no confirmation
            raise CURRENT_PASSWORD_REQUIRED
        if password_hash:
            await _put_password(db, user, password_hash, renew)
        if body.name is not UNSET or body.language is not UNSET:
            await _put_profile(db, principal, body)
        if body.email:
            await _put_pending_email(db, user, body.email)
        user = await queries.get(db, principal.id)
    return user


async def confirm_email(context: Context, body: EmailToken) -> User:
    """Confirm a change of e-mail address with the token mailed to the new address. All sessions end."""
    async with context.db.transaction() as db:
        owner = await spend(db, body.token, CONFIRM_EMAIL_BAD_TOKEN, "confirm_email")
        await _put_email(db, owner.user_id, owner.sent_to)
        user = await queries.get(db, owner.user_id)
        await queries.void_tokens(db, user.id, None)
        if owner.is_verified:
            await allow_return(db, user.id, owner.email)
        moved = EmailChanged(
            user_id=user.id, old_email=owner.email, email=user.email, how="confirmed", was_verified=owner.is_verified
        )
        await record(db, moved)
    return user


async def revert_email(context: Context, body: EmailTokenWithPassword) -> User:
    """Stop or revert a change of e-mail address with the token mailed to the old address.

    All sessions end, a requested deletion is cancelled, and addresses set later cannot undo this. The account's
    password becomes void, because it was known to the person who requested the change; `password` replaces it. Without
    `password`, a link to choose one is mailed."""
    password_hash = await choose_password(context, body, REVERT_EMAIL_BAD_TOKEN, "revert_email")
    async with context.db.transaction() as db:
        owner = await spend(db, body.token, REVERT_EMAIL_BAD_TOKEN, "revert_email")
        moved = owner.email != owner.sent_to
        squatter = await queries.delete_unproved(db, owner.sent_to) if moved else None
        if squatter:
            await record(db, UserDeleted(user_id=squatter))
        await _put_email(db, owner.user_id, owner.sent_to)
        await queries.change_password(db, owner.user_id, password_hash, None)
        user = await queries.get(db, owner.user_id)
        await cancel_deletion(db, user.id)
        await queries.void_tokens(db, user.id, owner.created_at)
        lost = owner.email if moved and owner.is_verified else None
        await record(db, EmailChangeReverted(user_id=user.id, email=user.email, old_email=lost))
        if password_hash:
            await record(db, PasswordChanged(user_id=user.id, how="reset"))
    return user


async def change_password(context: Context, principal: Principal, body: PasswordChange, renew: Renew) -> None:
    """Change the caller's own password.

    All other sessions end, and this session's tokens are replaced."""
    proof = await _prove(context, principal, body.current_password, CHANGE_PASSWORD_BAD_CREDENTIALS)
    await refuse_weak(context, body.new_password, proof.email, CHANGE_PASSWORD_INVALID_PASSWORD, proof.name)
    password_hash = await context.passwords.hash(body.new_password)
    async with context.db.transaction() as db:
        user = await _lock(db, principal)
        await _refuse_outdated(db, principal, proof, CHANGE_PASSWORD_BAD_CREDENTIALS)
        await _put_password(db, user, password_hash, renew)


async def delete_me(
    context: Context, principal: Principal, body: PasswordConfirmation, if_match: str | None
) -> Deletion:
    """Schedule the caller's own account for deletion.

    All sessions end now. Signing in within DELETION_DAYS cancels the deletion."""
    proof = await _prove(context, principal, body.current_password, CURRENT_PASSWORD_REQUIRED)
    async with context.db.transaction() as db:
        await refuse_last(db, principal.id, context.settings.require_verification)
        user = await _lock(db, principal)
        refuse_stale(if_match, user)
        await _refuse_outdated(db, principal, proof, CURRENT_PASSWORD_REQUIRED)
        days = context.settings.of(UserSettings).deletion_days
        delete_after = await queries.mark_for_deletion(db, principal.id, timedelta(days=days))
        await _void_tokens(db, user)
        await record(db, DeletionRequested(user_id=principal.id, delete_after=delete_after))
    return Deletion(delete_after)


async def _prove(context: Context, principal: Principal, password: str, refusal: type[Problem]) -> Credentials:
    """Verify the current password. Raises `refusal`, or RATE_LIMITED after too many attempts."""
    charged = await context.limiter.charge(context.limiter.credentials(GUESSES, str(principal.sid)))
    known = await queries.find_credentials(context.db, principal.id, principal.sid)
    if known is None:  # ended since the principal was loaded
        raise UNAUTHORIZED
    kinds = await queries.list_password_kinds(context.db)
    if not await context.passwords.verify(known.password_hash, password, kinds):
        raise refusal("The current password is wrong.")
    await context.limiter.refund(charged)
    return known


async def _prove_change(
    context: Context, principal: Principal, body: ProfileUpdate
) -> tuple[Credentials | None, str | None]:
    """Verify the current password if the change requires it, and hash the new password, before rows are locked."""
    user = await get_me(context, principal) if body.email else None
    moves = user is not None and body.email is not None and body.email != user.email
    if not moves and body.password is None:
        return None, None
    if body.current_password is None:
        raise CURRENT_PASSWORD_REQUIRED
    proof = await _prove(context, principal, body.current_password, CURRENT_PASSWORD_REQUIRED)
    if body.email and moves:
        await context.limiter.charge(context.limiter.credentials(ADDRESSES, str(principal.id)))
        await charge_mail(context, body.email)
        # With HIDE_ACCOUNTS, only the owner of the new address may learn that it is taken.
        if not context.settings.of(UserSettings).hide_accounts and await queries.find_id(context.db, body.email):
            raise UPDATE_USER_EMAIL_ALREADY_EXISTS
    if body.password is None:
        return proof, None
    await refuse_weak(context, body.password, proof.email, UPDATE_USER_INVALID_PASSWORD, proof.name)
    return proof, await context.passwords.hash(body.password)


async def _lock(db: Transaction, principal: Principal) -> User:
    user = await queries.lock(db, principal.id)
    if user is None:
        raise UNAUTHORIZED
    return user


async def _refuse_outdated(db: Database, principal: Principal, proof: Credentials, refusal: type[Problem]) -> None:
    """Check with the account locked that the credentials have not changed since they were verified. Raises `refusal`,
    or UNAUTHORIZED if the session has ended."""
    known = await queries.find_credentials(db, principal.id, principal.sid)
    if known is None:
        raise UNAUTHORIZED
    if known.credentials_changed_at != proof.credentials_changed_at:
        raise refusal


async def _put_password(db: Transaction, user: User, password_hash: str, renew: Renew) -> None:
    await queries.change_password(db, user.id, password_hash, await renew(db))
    await _void_tokens(db, user)
    await record(db, PasswordChanged(user_id=user.id, how="change"))


async def _void_tokens(db: Transaction, user: User) -> None:
    """Void mailed links, unless the address is unconfirmed: otherwise a person who registered another person's address
    could keep the owner from claiming it by changing the password repeatedly."""
    if user.is_verified:
        await queries.void_tokens(db, user.id, None)


async def _put_profile(db: Transaction, principal: Principal, body: ProfileUpdate) -> None:
    name = body.name if body.name is not UNSET else None
    language = body.language if body.language is not UNSET else None
    await queries.change_profile(db, principal.id, body.name is not UNSET, name, language)
    changed = [field for field in ("name", "language") if getattr(body, field) is not UNSET]
    await record(db, UserUpdated(user_id=principal.id, changed=changed))


async def _put_pending_email(db: Transaction, user: User, email: str) -> None:
    """Set the pending address. The account's current address cancels a pending change."""
    await queries.change_pending_email(db, user.id, None if email == user.email else email)
    if email == user.email:
        return
    if user.is_verified:
        await allow_return(db, user.id, user.email)
    await record(db, EmailChangeRequested(user_id=user.id))


async def _put_email(db: Transaction, id: UUID, email: str) -> None:
    """Set an address whose owner has just confirmed it."""
    await queries.change_email(db, id, email)
    if await queries.mark_verified(db, id):
        await record(db, UserVerified(user_id=id, email=email))
