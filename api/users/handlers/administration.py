"""Administration of accounts by superusers."""

from uuid import UUID

import msgspec

from api.kernel import NOT_FOUND, Context, Cursors, Page, Principal, origin, record, refuse_stale, uuid7
from api.users import queries
from api.users.errors import CURRENT_PASSWORD_REQUIRED
from api.users.events import SessionsRevoked, UserDeleted, UserInvited, UserPromoted
from api.users.search import search_of
from api.users.trust import refuse_last
from api.users.types import Invitation, Range, Reached, User, UserSearch

MOST_COUNTED = 10_000
"""Limit of exact totals: counting takes time proportional to the number of rows."""
FREQUENT = 2 * MOST_COUNTED
"""A word of a search with so many rows in user_words is frequent. Accounts are found by a word that is not."""
MOST_WORDS = 100
"""Different words of a term by which the next account with one of them is found."""
MOST_READ = 20_000
"""Accounts that are read for a page of a search of frequent words."""

# The start of each sort order. DEL sorts after every character of an address.
BEGINNINGS: dict[str, UUID | str] = {
    "created_at": UUID(int=0),
    "-created_at": UUID(int=2**128 - 1),
    "email": "",
    "-email": "\x7f",
}
REVERSED = {"created_at": "-created_at", "-created_at": "created_at", "email": "-email", "-email": "email"}


async def list_users(context: Context, principal: Principal, query: UserSearch) -> Page[User]:
    """List accounts, optionally filtered by a search.

    `total` is exact below 10,000. 10,000 means that there are as many or more, or that each of the search's eight
    longest words is too frequent to count its matches. A page of such a search may have fewer items than `limit` before
    the last one."""
    search, sort = await search_of(context, query), query.sort
    cursors = Cursors(context.settings, "users", principal.id, *search.scope, sort)
    [after] = cursors.read(query.cursor, type(BEGINNINGS[sort]))
    start, end = _place(BEGINNINGS[sort] if after is None else after), _place(BEGINNINGS[REVERSED[sort]])
    bounds = FREQUENT, MOST_COUNTED, query.limit + 1
    found = await queries.list_sorted(context.db, sort, *start, *end, search.tsquery, search.ranges, *bounds)
    reached = None
    if found.total is None:
        start = await _skip(context, sort, start, search.ranges)
        reached = await queries.find_reached(context.db, sort, *start, MOST_READ)
        end = (reached.id, reached.email) if reached else end
        found = await queries.list_sorted(context.db, sort, *start, *end, search.tsquery, [], *bounds)

    def position(user: User | Reached) -> tuple[object, ...]:
        return (user.email if sort.endswith("email") else user.id,)

    total = MOST_COUNTED if found.total is None else found.total
    page = cursors.page(found.items, query.limit, total, position)
    if reached and page.next_cursor is None:
        page = msgspec.structs.replace(page, next_cursor=cursors.make(*position(reached)))
    return page


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


def _place(after: UUID | str) -> tuple[UUID, str]:
    """Return a position as the id and the address of a query, one of which is not used."""
    return (after, "") if isinstance(after, UUID) else (UUID(int=0), after)


async def _skip(context: Context, sort: str, start: tuple[UUID, str], ranges: list[Range]) -> tuple[UUID, str]:
    """Return the position before the first account that can match a search, in the order of created_at."""
    id, email = start
    if sort.endswith("created_at"):
        descending = sort.startswith("-")
        for found in await queries.list_next(context.db, descending, id, ranges, MOST_WORDS):
            if descending:
                id = min(id, UUID(int=found.int + 1) if found else UUID(int=0))
            else:
                id = max(id, UUID(int=found.int - 1) if found else UUID(int=2**128 - 1))
    return id, email
