"""Periodic work of accounts."""

from api.kernel import Context, Sweep, record
from api.users import queries
from api.users.events import UserDeleted

TOKENS_AT_ONCE = 1000


async def delete_due(context: Context) -> int:
    """Delete one account that is due for deletion. One per transaction, so that consumers of the events are not
    flooded."""
    async with context.db.transaction() as db:
        id = await queries.delete_due(db)
        if id is None:
            return 0
        await record(db, UserDeleted(user_id=id))
    return 1


async def delete_old_tokens(context: Context) -> int:
    """Delete expired tokens of mailed links."""
    return await queries.delete_old_tokens(context.db, TOKENS_AT_ONCE)


sweeps = [Sweep(delete_due), Sweep(delete_old_tokens)]
