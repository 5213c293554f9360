"""Records of mails in tests."""

from uuid import UUID

from api.kernel import MailAttempt
from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mime import Message
from api.kernel.outbox.tasks import Running
from api.mails.record import record_mail

LINK = "https://app.example.com/verify#token=3Cu3uDTAvpM1CLQQkkaTLhVsWWGh3GBWJ3iLKpa1w0g"


async def add_mail(context: Context, account: UUID, **changes: object) -> UUID:
    """Record a mail with a link to an account, as a worker does. Returns its id."""
    task = Running("users.send_verification", uuid7(), f'{{"type":"users.registered","user_id":"{account}"}}', 1)
    fields: dict[str, object] = {
        "id": str(task.id),
        "to": "ada@example.com",
        "subject": "Please confirm your e-mail address",
        "text": f"Confirm that the address is yours:\n\n{LINK}\n",
        "html": f'<p>Confirm that the address is yours:</p><p><a href="{LINK}">Confirm the address</a></p>',
        "template": "verify",
        "language": "en",
        "account": account,
    }
    attempt = MailAttempt(
        message=Message(**fields | changes),  # type: ignore[arg-type]
        state="sent",
        reply="OK",
        task=task,
        repeatable=True,
    )
    await record_mail(context, attempt)
    [row] = await context.db.fetch("select id from mails where task_id = $1", task.id)
    id: UUID = row["id"]
    return id
