"""The topic `notifications.requested`: another service asks us to tell an account something."""

from api.kernel import NOT_FOUND, Context, Transaction, consume
from api.notifications import queries
from api.notifications.tasks import send_notification
from api.notifications.types import Notification, NotificationRequested


async def notify(context: Context, db: Transaction, message: NotificationRequested) -> None:
    """Leave the mail to a task: SMTP's pace is not Kafka's."""
    if await queries.find_recipient(db, message.user_id) is None:
        raise NOT_FOUND("There is no active account with this id and a confirmed address.")
    await send_notification.defer(db, Notification(message.user_id, message.subject, message.text))


consumers = [consume("notifications.requested", NotificationRequested, notify)]
