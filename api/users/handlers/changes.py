"""PATCH /users/{id}: what superusers change of an account. Trust that is given to an address which nobody has proved
goes to its reader, and not to whoever opened the account."""

from uuid import UUID

import msgspec
from msgspec import UNSET

from api.kernel import NOT_FOUND, Context, Principal, Transaction, origin, record, refuse_stale
from api.users import queries
from api.users.errors import CURRENT_PASSWORD_REQUIRED, LAST_SUPERUSER, UPDATE_USER_INVALID_PASSWORD
from api.users.events import EmailChanged, PasswordChanged, UserDisabled, UserInvited, UserPromoted, UserUpdated
from api.users.passwords import refuse_weak
from api.users.trust import EVER, claim, refuse_absent
from api.users.types import Standing, User, UserChange

OWN = "Change your own password or address with PATCH /users/me, which asks for the current password."


class Plan(msgspec.Struct, frozen=True):
    """What a change comes to: the account as it is to be, and whether what it has so far goes first."""

    wanted: User
    claims: bool
    has_password: bool
    """Afterwards."""
    invites: bool


async def change_user(context: Context, principal: Principal, id: UUID, body: UserChange, if_match: str | None) -> User:
    """Change an account; what is not given stays, and so does what is null, save the name.

    A new address is the account's at once, and not verified unless that is given too. A new address or password ends
    every session, and so does disabling the account. An account whose address is not proved and that is to be verified,
    a superuser, or to have another role, starts anew: its sessions end, its password is void, and a link to choose one
    is mailed, unless a password is given too. One's own password and address are changed with PATCH /users/me."""
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
    context.principals.forget(id)
    return user


async def put_account(db: Transaction, user: User, wanted: User) -> None:
    """What is new of name, flags and roles. `user` is the account as it was."""
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


async def _hash(context: Context, id: UUID, body: UserChange) -> str | None:
    """The new password's, if there is one: made before anything is locked."""
    if body.password is None:
        return None
    user = await queries.get(context.db, id)
    await refuse_weak(context, body.password, body.email or user.email, UPDATE_USER_INVALID_PASSWORD, user.name)
    return await context.passwords.hash(body.password)


def _may_weaken(body: UserChange) -> bool:
    """Whether it may take away what makes a superuser one that can sign in."""
    return False in (body.is_active, body.is_superuser, body.is_verified) or body.email is not None


def _can_administer(plan: Plan, verified: bool) -> bool:
    wanted = plan.wanted
    return wanted.is_superuser and wanted.is_active and plan.has_password and (wanted.is_verified or not verified)


def _plan(user: User, standing: Standing, body: UserChange) -> Plan:
    """Raises USER_DISABLED or USER_LEAVING where trust would be given to such an account."""
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
    """An administrator's word on the address voids every way back to an earlier one."""
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
