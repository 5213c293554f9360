"""Unlocking an account after refused sign-ins."""

from uuid import UUID

from api.kernel import NOT_FOUND, UNAVAILABLE, CacheUnavailable, Context
from api.sessions import queries
from api.sessions.throttles import unlock


async def unlock_account(context: Context, id: UUID) -> None:
    """Drop the counts of refused sign-ins to an account: those from anywhere, and those of its devices and places. The
    counts of networks stay, which hold for other accounts as well."""
    try:
        if await unlock(context, await queries.get_email(context.db, id), None) is None:
            raise NOT_FOUND
    except CacheUnavailable:
        raise UNAVAILABLE("The counts are in Redis, which does not answer.") from None
