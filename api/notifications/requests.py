"""Consumer of the topic `notifications.requested`: other services notify accounts. The inbox ignores a message that was
handled before."""

from api.kernel import NOT_FOUND, Context, Transaction, consume, uuid7
from api.notifications import queries
from api.notifications.sending import content_of, notify
from api.notifications.types import NotificationRequested


async def request(context: Context, db: Transaction, message: NotificationRequested) -> None:
    """Notify the account; the event's task sends the mail, so that SMTP does not slow down the consumer."""
    content = content_of(context, message.kind, message.subject, message.text, message.link)
    reached = await queries.find_recipient(db, message.user_id) and await notify(
        db, uuid7(), [message.user_id], content
    )
    if not reached:
        raise NOT_FOUND("No active account with a confirmed address has this id.")


consumers = [consume("notifications.requested", NotificationRequested, request)]
