"""Consumer of the topic `notifications.requested`: other services request e-mails to accounts."""

from api.kernel import NOT_FOUND, Context, Transaction, consume
from api.notifications import queries
from api.notifications.tasks import send_notification
from api.notifications.types import Notification, NotificationRequested


async def notify(context: Context, db: Transaction, message: NotificationRequested) -> None:
    """Defer the e-mail to a task, so that SMTP does not slow down the consumer."""
    if await queries.find_recipient(db, message.user_id) is None:
        raise NOT_FOUND("No active account with a confirmed address has this id.")
    await send_notification.defer(db, Notification(message.user_id, message.subject, message.text))


consumers = [consume("notifications.requested", NotificationRequested, notify)]
