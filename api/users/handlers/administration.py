"""Administration of accounts by superusers."""

import re
from uuid import UUID

from api.kernel import NOT_FOUND, Context, Cursors, Page, Principal, origin, punycode, record, refuse_stale, uuid7
from api.users import queries
from api.users.errors import CURRENT_PASSWORD_REQUIRED
from api.users.events import SessionsRevoked, UserDeleted, UserInvited, UserPromoted
from api.users.trust import refuse_last
from api.users.types import Invitation, User, UserSearch

MOST_COUNTED = 10_000
"""Limit of exact totals: counting takes time proportional to the number of rows."""

# The start of each sort order. DEL sorts after every character of an address.
BEGINNINGS: dict[str, UUID | str] = {
    "created_at": UUID(int=0),
    "-created_at": UUID(int=2**128 - 1),
    "email": "",
    "-email": "\x7f",
}


async def list_users(context: Context, principal: Principal, query: UserSearch) -> Page[User]:
    """List accounts, optionally filtered by a search.

    `total` is exact below 10,000; 10,000 means at least that many."""
    search, rest = await _search_of(context, query)
    beginning = BEGINNINGS[query.sort]
    cursors = Cursors(context.settings, "users", principal.id, search, rest, query.sort)
    [after] = cursors.read(query.cursor, type(beginning))
    after = beginning if after is None else after
    if search is None:
        total = await queries.count(context.db, MOST_COUNTED)
    else:
        total = await queries.count_matching(context.db, search, rest, MOST_COUNTED)
    few = search is not None and total < MOST_COUNTED
    id, email = (after, "") if isinstance(after, UUID) else (UUID(int=0), after)
    found = await queries.list_sorted(context.db, query.sort, id, email, search, rest, few, query.limit + 1)
    return cursors.page(found, query.limit, total, lambda user: (user.id if isinstance(after, UUID) else user.email,))


async def invite_user(context: Context, body: Invitation) -> User:
    """Create an account for another person, who is mailed a link to choose a password."""
    language = body.language or origin.get().language
    roles = sorted(set(body.roles))
    async with context.db.transaction() as db:
        id = await queries.insert_invited(
            db, uuid7(), body.email, body.name, roles, body.is_superuser, body.is_verified, language
        )
        user = await queries.get(db, id)
        await record(db, UserInvited(user_id=user.id, email=user.email, language=language))
        if user.is_superuser:
            await record(db, UserPromoted(user_id=user.id, email=user.email))
    return user


async def get_user(context: Context, id: UUID) -> User:
    """Get an account."""
    return await queries.get(context.db, id)


async def delete_user(context: Context, principal: Principal, id: UUID, if_match: str | None) -> None:
    """Delete an account immediately, with all of its data.

    Use DELETE /users/me for your own account."""
    if id == principal.id:
        raise CURRENT_PASSWORD_REQUIRED("Delete your own account with DELETE /users/me, which requires the password.")
    async with context.db.transaction() as db:
        await refuse_last(db, id, context.settings.require_verification)
        user = await queries.lock(db, id)
        if user is None:
            raise NOT_FOUND
        refuse_stale(if_match, user)
        await queries.delete(db, id)
        await record(db, UserDeleted(user_id=id))


async def revoke_user_sessions(context: Context, id: UUID) -> None:
    """End all sessions of an account."""
    async with context.db.transaction() as db:
        await queries.end_sessions(db, id, None)
        await record(db, SessionsRevoked(user_id=id))


async def _search_of(context: Context, query: UserSearch) -> tuple[str | None, str | None]:
    """Build two tsqueries over users.search, each None if empty: one for the index, and one that filters its result. A
    whole address is looked up by its local part; words of common domains would match a large part of the index."""
    name, _, domain = query.q.partition("@")
    words, rest = await _prefixes(context, name), await _prefixes(context, domain)
    if not words:
        words, rest = rest, []
    if query.role is not None:
        words.append(f"'{query.role}'")
    if query.is_active is not None:
        words.append("'+active'" if query.is_active else "'-active'")
    return " & ".join(words) or None, " & ".join(rest) or None


async def _prefixes(context: Context, typed: str) -> list[str]:
    """Build tsqueries that must all match. Domains are stored in punycode, so a non-ASCII word may match a word of the
    name or a label of a domain. `split_words` returns no character that is an operator or a quote in a tsquery."""
    parts = typed.split()
    found = []
    for part, words in zip(parts, await queries.split_words(context.db, parts) if parts else [], strict=True):
        prefixes = [f"'.{word}':*" for word in words]
        domain = part if part.isascii() else punycode(part)
        if prefixes and domain != part:
            labels = [f"'.{word}':*" for word in re.findall(r"[a-z0-9]+", domain)]
            prefixes = [f"({' & '.join(prefixes)} | {' & '.join(labels)})"]
        found += prefixes
    return [*dict.fromkeys(found)]
