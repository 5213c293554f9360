"""Creating notifications: each with its event, in the caller's transaction. The event's task sends the mail."""

from collections.abc import Sequence
from uuid import UUID

from api.kernel import VALIDATION_FAILED, Context, FieldError, Transaction, record_many
from api.notifications import queries
from api.notifications.events import NotificationCreated
from api.notifications.settings import NotificationSettings
from api.notifications.types import Content, Made


async def notify(
    db: Transaction, send_id: UUID, user_ids: Sequence[UUID], content: Content, *, mails: bool = True
) -> list[Made]:
    """Notify accounts. Those that do not exist, are disabled or about to be deleted are missing in the result."""
    made = await queries.insert_for_accounts(db, send_id, [*user_ids], content, mails)
    await announce(db, made)
    return made


async def announce(db: Transaction, made: Sequence[Made]) -> None:
    """Record the events of new notifications."""
    events = [
        NotificationCreated(
            user_id=each.user_id,
            notification_id=each.notification_id,
            kind=each.kind,
            push=each.push,
            unseen=each.unseen,
            unread=each.unread,
        )
        for each in made
    ]
    await record_many(db, events)


def content_of(
    context: Context, kind: str, subject: str, text: str, link: str | None, data: dict[str, str] | None = None
) -> Content:
    """Return what a sender says. Raises VALIDATION_FAILED for a kind of a group that it may not use."""
    group, groups = kind.partition(".")[0], context.settings.of(NotificationSettings).groups
    if group not in groups:
        choices = ", ".join(groups)
        error = FieldError("/kind", f"Must begin with one of: {choices}.", "beginning", {"choices": choices})
        raise VALIDATION_FAILED(errors=[error])
    return Content(kind, group, subject, text, link, data or {})
