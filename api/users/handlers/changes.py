"""PATCH /users/{id}: changes to accounts by superusers. Rights granted to an unconfirmed address go to the owner of the
address, not to the person who registered the account."""

from uuid import UUID

import msgspec
from msgspec import UNSET

from api.kernel import (
    NOT_FOUND,
    VALIDATION_FAILED,
    Context,
    FieldError,
    Principal,
    Transaction,
    origin,
    record,
    refuse_stale,
)
from api.users import queries
from api.users.errors import CURRENT_PASSWORD_REQUIRED, LAST_SUPERUSER, UPDATE_USER_INVALID_PASSWORD
from api.users.events import EmailChanged, PasswordChanged, UserDisabled, UserInvited, UserPromoted, UserUpdated
from api.users.passwords import refuse_weak
from api.users.trust import EVER, claim, refuse_absent
from api.users.types import Standing, User, UserUpdate

OWN = "Change your own password or address with PATCH /users/me, which requires the current password."


class Plan(msgspec.Struct, frozen=True):
    """The outcome of a change: the resulting account, and whether its previous data is removed first."""

    wanted: User
    claims: bool
    has_password: bool
    """After the change."""
    invites: bool


async def update_user(context: Context, principal: Principal, id: UUID, body: UserUpdate, if_match: str | None) -> User:
    """Update an account.

    Omitted fields and fields of null are unchanged, except for `name`, which null removes. A new e-mail address takes
    effect immediately and is unconfirmed unless `is_verified` is set. A new address or password, or disabling the
    account, ends all sessions. If an account with an unconfirmed address becomes verified or a superuser, or gets
    another role, its sessions end, its password becomes void, and a link to choose a password is mailed unless
    `password` is given. Use PATCH /users/me to change your own password or address."""
    if body.id not in (None, id):
        raise VALIDATION_FAILED(errors=[FieldError("/id", "Differs from the id in the path.", "differs")])
    if id == principal.id and body.password is not None:
        raise CURRENT_PASSWORD_REQUIRED(OWN)
    password_hash = await _hash(context, id, body)
    async with context.db.transaction() as db:
        verified = context.settings.require_verification
        superusers = await queries.lock_superusers(db, verified) if _may_weaken(body) else []
        user = await queries.lock(db, id)
        if user is None:
            raise NOT_FOUND
        refuse_stale(if_match, user)
        plan = _plan(user, await queries.find_standing(db, id), body)
        if id == principal.id and plan.wanted.email != user.email:
            raise CURRENT_PASSWORD_REQUIRED(OWN)
        if superusers == [id] and not _can_administer(plan, verified):
            raise LAST_SUPERUSER
        await _put(db, user, plan, password_hash)
        user = await queries.get(db, id)
    return user


async def put_account(db: Transaction, user: User, wanted: User) -> None:
    """Write changed name, flags and roles; `user` is the account before the change."""
    changed = [
        name for name in User.__struct_fields__ if name != "email" and getattr(wanted, name) != getattr(user, name)
    ]
    if not changed:
        return
    await queries.change_account(
        db, user.id, wanted.name, wanted.is_active, wanted.is_superuser, wanted.is_verified, wanted.roles
    )
    await record(db, UserUpdated(user_id=user.id, changed=changed))
    if wanted.is_superuser and not user.is_superuser:
        await record(db, UserPromoted(user_id=user.id, email=wanted.email))
    if user.is_active and not wanted.is_active:
        await queries.void_tokens(db, user.id, None)
        await record(db, UserDisabled(user_id=user.id))


async def _hash(context: Context, id: UUID, body: UserUpdate) -> str | None:
    """Hash the new password, if any, before rows are locked."""
    if body.password is None:
        return None
    user = await queries.get(context.db, id)
    await refuse_weak(context, body.password, body.email or user.email, UPDATE_USER_INVALID_PASSWORD, user.name)
    return await context.passwords.hash(body.password)


def _may_weaken(body: UserUpdate) -> bool:
    """Whether the change may remove a condition for a superuser to sign in."""
    return False in (body.is_active, body.is_superuser, body.is_verified) or body.email is not None


def _can_administer(plan: Plan, verified: bool) -> bool:
    wanted = plan.wanted
    return wanted.is_superuser and wanted.is_active and plan.has_password and (wanted.is_verified or not verified)


def _plan(user: User, standing: Standing, body: UserUpdate) -> Plan:
    """Raises USER_DISABLED or USER_LEAVING if the change grants rights to such an account."""
    email = body.email or user.email
    proved = user.is_verified and email == user.email
    wanted = msgspec.structs.replace(
        user,
        email=email,
        name=user.name if body.name is UNSET else body.name,
        is_active=user.is_active if body.is_active is None else body.is_active,
        is_superuser=user.is_superuser if body.is_superuser is None else body.is_superuser,
        is_verified=proved if body.is_verified is None else body.is_verified,
        roles=user.roles if body.roles is None else sorted(set(body.roles)),
    )
    trusts = (
        wanted.is_verified > proved or wanted.is_superuser > user.is_superuser or set(wanted.roles) - set(user.roles)
    )
    if trusts:
        refuse_absent(user, standing)
    claims = bool(trusts) and not proved and standing.has_password
    if claims and body.name is UNSET:
        wanted = msgspec.structs.replace(wanted, name=None)
    has_password = body.password is not None or (standing.has_password and not claims)
    return Plan(wanted, claims, has_password, not has_password and (claims or email != user.email))


async def _put(db: Transaction, user: User, plan: Plan, password_hash: str | None) -> None:
    """Write the planned change. A new address set by an administrator voids all links that revert earlier changes."""
    wanted, language = plan.wanted, origin.get().language
    if plan.claims:
        await claim(db, user.id, language)
    if password_hash:
        await queries.change_password(db, user.id, password_hash, None)
        await queries.void_tokens(db, user.id, None)
        await record(db, PasswordChanged(user_id=user.id, how="admin"))
    if wanted.email != user.email:
        await queries.change_email(db, user.id, wanted.email)
        await queries.void_tokens(db, user.id, EVER)
        moved = EmailChanged(
            user_id=user.id, old_email=user.email, email=wanted.email, how="admin", was_verified=user.is_verified
        )
        await record(db, moved)
    await put_account(db, user, wanted)
    if plan.invites:
        await record(db, UserInvited(user_id=user.id, email=wanted.email, language=language))
