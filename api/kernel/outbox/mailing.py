"""The record of mails: a worker passes each attempt to send one to the feature that keeps them."""

import logging
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from api.kernel.context import Context
from api.kernel.errors import Problem
from api.kernel.mail import Mailer, MailRefused
from api.kernel.mime import Message
from api.kernel.outbox.tasks import MAX_ATTEMPTS, Running, running
from api.kernel.telemetry.outages import Outage, scrubbed

logger = logging.getLogger(__name__)


class MailAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to send a mail, with the server's reply. `delayed`: its task will send it again; `refused`: it will
    not. `task` is None outside of a task; `repeatable` is whether it may run again under another id."""

    message: Message
    state: Literal["sent", "delayed", "refused"]
    reply: str
    task: Running | None
    repeatable: bool


RecordMail = Callable[[Context, MailAttempt], Awaitable[None]]


class RecordedMailer:
    """A Mailer that records each attempt. The record is not part of the attempt: if it fails, the mail is sent all the
    same, because its repetition would be a second mail."""

    def __init__(self, context: Context, record: RecordMail, repeatable: frozenset[str]) -> None:
        self._context = context
        self._mailer: Mailer = context.mail
        self._record = record
        self._repeatable = repeatable
        self.outage: Outage = self._mailer.outage

    async def send(self, message: Message) -> str:
        try:
            reply = await self._mailer.send(message)
        except (MailRefused, OSError) as error:
            task = running.get()
            final = isinstance(error, MailRefused) or (task is not None and task.attempt >= MAX_ATTEMPTS)
            await self._note(message, "refused" if final else "delayed", scrubbed(str(error)) or type(error).__name__)
            raise
        await self._note(message, "sent", reply)
        return reply

    async def _note(self, message: Message, state: Literal["sent", "delayed", "refused"], reply: str) -> None:
        task = running.get()
        attempt = MailAttempt(
            message=message,
            state=state,
            reply=reply,
            task=task,
            repeatable=task is not None and task.name in self._repeatable,
        )
        try:
            await self._record(self._context, attempt)
        except Exception as error:  # the mail itself is not affected
            fields = {"id": message.id, "cause": type(error).__name__}
            foreseen = isinstance(error, Problem)
            logger.warning("a mail was not recorded", exc_info=None if foreseen else error, extra={"fields": fields})
