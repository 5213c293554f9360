"""Repeated work of the worker."""

from api.kernel import Context, Sweep, record_many
from api.notifications import queries
from api.notifications.events import NotificationsChanged
from api.notifications.settings import NotificationSettings

AT_ONCE = 1000


async def delete_old_notifications(context: Context) -> int:
    """Delete a batch of notifications of NOTIFICATIONS_DAYS ago. Returns their number. Raises Problem."""
    days = context.settings.of(NotificationSettings).days
    async with context.db.transaction() as db:
        accounts = await queries.lock_old_boxes(db, days, AT_ONCE)
        expired = await queries.delete_old(db, accounts, days, AT_ONCE) if accounts else []
        events = [
            NotificationsChanged(user_id=each.user_id, how="expired", unseen=each.unseen, unread=each.unread)
            for each in expired
            if each.changed
        ]
        await record_many(db, events)
    return sum(each.deleted for each in expired)


async def delete_old_sends(context: Context) -> int:
    """Delete a batch of sends of 30 days ago. Returns their number. Raises Problem."""
    return await queries.delete_old_sends(context.db, AT_ONCE)


async def delete_old_digests(context: Context) -> int:
    """Delete a batch of digests of 30 days ago. Returns their number. Raises Problem."""
    return await queries.delete_old_digests(context.db, AT_ONCE)


async def delete_old_mail_times(context: Context) -> int:
    """Delete a batch of counted mails of a day ago. Returns their number. Raises Problem."""
    return await queries.delete_old_mail_times(context.db, AT_ONCE)


sweeps = [
    Sweep(delete_old_notifications),
    Sweep(delete_old_sends, seconds=3600.0),
    Sweep(delete_old_digests, seconds=3600.0),
    Sweep(delete_old_mail_times, seconds=600.0),
]
