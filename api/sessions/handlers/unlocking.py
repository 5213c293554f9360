"""Unlocking an account after failed sign-ins."""

from uuid import UUID

from api.kernel import NOT_FOUND, UNAVAILABLE, CacheUnavailable, Context
from api.sessions import queries
from api.sessions.throttles import unlock


async def unlock_user(context: Context, id: UUID) -> None:
    """Reset the counts of failed sign-ins of an account.

    This covers unknown clients and the account's known devices and places. Counts of networks stay, because they also
    protect other accounts."""
    try:
        if await unlock(context, await queries.get_email(context.db, id), None) is None:
            raise NOT_FOUND
    except CacheUnavailable:
        raise UNAVAILABLE("Redis, which has the counts, is not available; try again shortly.") from None
