"""The record of the workers' attempts to send mails: one statement for each."""

from api.kernel import SUPERUSERS, Context, MailAttempt, uuid7
from api.mails import queries
from api.mails.redaction import has_secret, redact, redact_html

LONGEST = 100_000
"""Characters of a text that is stored; a longer one is cut off."""
LONGEST_VALUE = 20_000


async def record_mail(context: Context, attempt: MailAttempt) -> None:
    """Store the attempt. Raises Problem."""
    message, task = attempt.message, attempt.task
    keeps = attempt.repeatable and task and len(task.value) <= LONGEST_VALUE and not has_secret(task.value)
    await queries.save_attempt(
        context.db,
        uuid7(),
        message.id,
        message.account,
        ", ".join(message.recipients)[:1000],
        message.template or "other",
        message.language,
        redact(message.subject),
        redact(message.text)[:LONGEST],
        redact_html(message.html)[:LONGEST],
        attempt.state,
        task.attempt if task else 1,
        attempt.reply,
        task.name if task else None,
        task.id if task else None,
        task.value if task and keeps else None,
    )
    context.hints.give("mails.attempts", SUPERUSERS)
