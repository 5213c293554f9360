"""The e-mail of a notification."""

from pathlib import Path
from typing import Any
from uuid import UUID

from api.kernel import Context, Task, Template, task
from api.notifications import queries
from api.notifications.types import Notification

NOTIFICATION = Template(Path(__file__).parent / "emails", "notification")


@task(on=Notification)
async def send_notification(context: Context, wanted: Notification, id: UUID) -> None:
    """Send the e-mail, if the account is still active and confirmed."""
    user = await queries.find_recipient(context.db, wanted.user_id)
    if user:
        application = context.settings.public_url
        mail = NOTIFICATION.render(
            id=str(id),
            to=user.email,
            language=user.language,
            subject=wanted.subject,
            text=wanted.text,
            application=application,
        )
        await context.mail.send(mail)


tasks: list[Task[Any]] = [send_notification]
