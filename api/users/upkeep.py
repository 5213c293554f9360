"""Periodic work of accounts."""

from datetime import timedelta

from api.kernel import Context, Sweep, record
from api.users import queries
from api.users.events import UserDeleted, UserExpired, UserExpiring
from api.users.settings import UserSettings
from api.users.tasks import EXPIRY_NOTICE

TOKENS_AT_ONCE = 1000
UNVERIFIED_AT_ONCE = 50


async def delete_due(context: Context) -> int:
    """Delete one account that is due for deletion. One per transaction, so that consumers of the events are not
    flooded."""
    async with context.db.transaction() as db:
        id = await queries.delete_due(db)
        if id is None:
            return 0
        await record(db, UserDeleted(user_id=id))
    return 1


async def warn_unverified(context: Context) -> int:
    """Announce the deletion of a batch of accounts that were never verified. Returns their number. Raises Problem."""
    days = context.settings.of(UserSettings).unverified_days
    if not days:
        return 0
    async with context.db.transaction() as db:
        found = await queries.warn_unverified(db, timedelta(days=days), EXPIRY_NOTICE, UNVERIFIED_AT_ONCE)
        for account in found:
            await record(db, UserExpiring(user_id=account.id, expires_after=account.until))
    return len(found)


async def delete_unverified(context: Context) -> int:
    """Delete a batch of accounts that were announced and never verified. Returns their number. Raises Problem."""
    days = context.settings.of(UserSettings).unverified_days
    if not days:
        return 0
    async with context.db.transaction() as db:
        gone = await queries.delete_unverified(db, timedelta(days=days), UNVERIFIED_AT_ONCE)
        for id in gone:
            await record(db, UserExpired(user_id=id))
            await record(db, UserDeleted(user_id=id))
    return len(gone)


async def delete_old_tokens(context: Context) -> int:
    """Delete expired tokens of mailed links."""
    return await queries.delete_old_tokens(context.db, TOKENS_AT_ONCE)


sweeps = [Sweep(delete_due), Sweep(warn_unverified), Sweep(delete_unverified), Sweep(delete_old_tokens)]
