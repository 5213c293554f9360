"""Other people's accounts: what superusers may do with them."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
from msgspec import UNSET

from api.kernel.addresses import normal_address
from api.kernel.auth import Principal
from api.kernel.context import Context, origin
from api.kernel.database import Database, uuid7
from api.kernel.errors import NOT_FOUND
from api.kernel.events import record
from api.kernel.paging import Cursors, Page
from api.kernel.routing import refuse_stale
from api.users import queries
from api.users.errors import LAST_SUPERUSER, UPDATE_USER_INVALID_PASSWORD
from api.users.events import (
    EmailChanged,
    PasswordChanged,
    SessionsRevoked,
    UserDeleted,
    UserDisabled,
    UserInvited,
    UserPromoted,
    UserUpdated,
)
from api.users.passwords import refuse_weak
from api.users.types import Invitation, User, UserChange, UserSearch

MOST_COUNTED = 10_000
"""To count further would take the longer the more accounts there are."""

# Where each order begins, and the query that reads along it. No address holds a byte as high as DEL.
ORDERS: dict[str, tuple[UUID | str, Callable[..., Awaitable[list[User]]]]] = {
    "created_at": (UUID(int=0), queries.list_oldest),
    "-created_at": (UUID(int=2**128 - 1), queries.list_newest),
    "email": ("", queries.list_by_email),
    "-email": ("\x7f", queries.list_by_email_backwards),
}


async def list_users(context: Context, principal: Principal, query: UserSearch) -> Page[User]:
    """All accounts, or those that a search finds.

    `total` is exact up to 10,000, which itself means: at least so many."""
    search, rest = await _search_of(context, query)
    beginning, walk = ORDERS[query.sort]
    cursors = Cursors(context.settings, "users", principal.id, search, rest, query.sort)
    [after] = cursors.read(query.cursor, type(beginning))
    after = beginning if after is None else after
    if search is None:
        total = await queries.count(context.db, MOST_COUNTED)
    else:
        total = await queries.count_matching(context.db, search, rest, MOST_COUNTED)
    if search is None or total == MOST_COUNTED:
        every = " & ".join(filter(None, (search, rest))) or None
        found = await walk(context.db, after, every, query.limit + 1)
    else:
        id, email = (after, "") if isinstance(after, UUID) else (UUID(int=0), after)
        found = await queries.list_matching(context.db, id, email, search, rest, query.sort, query.limit + 1)
    return cursors.page(found, query.limit, total, lambda user: (user.id if isinstance(after, UUID) else user.email,))


async def invite_user(context: Context, body: Invitation) -> User:
    """Open an account for somebody, who is mailed a link to choose the password."""
    language = body.language or origin.get().language
    roles = sorted(set(body.roles))
    async with context.db.transaction() as db:
        user = await queries.insert_invited(
            db, uuid7(), body.email, body.name, roles, body.is_superuser, body.is_verified, language
        )
        await record(db, UserInvited(user_id=user.id, email=user.email, language=language))
        if user.is_superuser:
            await record(db, UserPromoted(user_id=user.id, email=user.email))
    return user


async def show_user(context: Context, id: UUID) -> User:
    """One account."""
    return await queries.get(context.db, id)


async def change_user(context: Context, id: UUID, body: UserChange, if_match: str | None) -> User:
    """Change an account; what is not given stays, and so does what is null, save the name.

    A new address is the account's at once, and not verified unless that is given too. A new address or password ends
    every session, and so does disabling the account."""
    password_hash = await _hash(context, id, body)
    async with context.db.transaction() as db:
        if body.is_active is False or body.is_superuser is False:
            await refuse_last(db, id)
        user = await queries.lock(db, id)
        if user is None:
            raise NOT_FOUND
        refuse_stale(if_match, user)
        if password_hash:
            await queries.change_password(db, id, password_hash, None)
            await queries.void_tokens(db, id, None)
            await record(db, PasswordChanged(user_id=id, how="admin"))
        if body.email and body.email != user.email:
            changed = await queries.change_email(db, id, body.email)
            await queries.void_tokens(db, id, None)
            await record(db, EmailChanged(user_id=id, old_email=user.email, email=changed.email))
        await put_account(db, user, body)
        user = await queries.get(db, id)
    context.principals.forget(id)
    return user


async def delete_user(context: Context, id: UUID, if_match: str | None) -> None:
    """Delete an account at once, with everything that is its alone."""
    async with context.db.transaction() as db:
        await refuse_last(db, id)
        user = await queries.lock(db, id)
        if user is None:
            raise NOT_FOUND
        refuse_stale(if_match, user)
        await queries.delete(db, id)
        await record(db, UserDeleted(user_id=id))
    context.principals.forget(id)


async def revoke_sessions(context: Context, id: UUID) -> None:
    """End every session of an account."""
    async with context.db.transaction() as db:
        await queries.end_sessions(db, id)
        await record(db, SessionsRevoked(user_id=id))
    context.principals.forget(id)


async def _search_of(context: Context, query: UserSearch) -> tuple[str | None, str | None]:
    """Two tsqueries over users.search, None where nothing is asked: one for their index, the other for what it finds.
    A whole address is found by what stands before its @; the rest of it begins a word of half the accounts, and the
    index would have to list them all."""
    name, _, domain = normal_address(query.q).partition("@")
    words, rest = await _prefixes(context, name), await _prefixes(context, domain)
    if not words:
        words, rest = rest, []
    if query.role is not None:
        words.append(f"'{query.role}'")
    if query.is_active is not None:
        words.append("'+active'" if query.is_active else "'-active'")
    return " & ".join(words) or None, " & ".join(rest) or None


async def _prefixes(context: Context, typed: str) -> list[str]:
    """No sign that a tsquery would take for an operator or a quote is part of a word."""
    words = await queries.split_words(context.db, typed) if typed else []
    return [f"'.{word}':*" for word in dict.fromkeys(words)]


async def _hash(context: Context, id: UUID, body: UserChange) -> str | None:
    """The new password's, if there is one: made before anything is locked."""
    if body.password is None:
        return None
    user = await queries.get(context.db, id)
    await refuse_weak(context, body.password, body.email or user.email, UPDATE_USER_INVALID_PASSWORD, user.name)
    return await context.passwords.hash(body.password)


async def refuse_last(db: Database, id: UUID) -> None:
    """Raises LAST_SUPERUSER where nobody else would be left; two who ask at the same time do so one after the
    other."""
    if await queries.lock_superusers(db) == [id]:
        raise LAST_SUPERUSER


async def put_account(db: Database, user: User, body: UserChange) -> None:
    """What is new of name, flags and roles. `user` is the account as it was."""
    moved = body.email is not None and body.email != user.email
    wanted = msgspec.structs.replace(
        user,
        name=user.name if body.name is UNSET else body.name,
        is_active=user.is_active if body.is_active is None else body.is_active,
        is_superuser=user.is_superuser if body.is_superuser is None else body.is_superuser,
        is_verified=user.is_verified and not moved if body.is_verified is None else body.is_verified,
        roles=user.roles if body.roles is None else sorted(set(body.roles)),
    )
    changed = [name for name in User.__struct_fields__ if getattr(wanted, name) != getattr(user, name)]
    if not changed:
        return
    await queries.change_account(
        db, user.id, wanted.name, wanted.is_active, wanted.is_superuser, wanted.is_verified, wanted.roles
    )
    await record(db, UserUpdated(user_id=user.id, changed=changed))
    if wanted.is_superuser and not user.is_superuser:
        await record(db, UserPromoted(user_id=user.id, email=body.email or user.email))
    if user.is_active and not wanted.is_active:
        await queries.void_tokens(db, user.id, None)
        await record(db, UserDisabled(user_id=user.id))
