"""What this feature announces."""

from uuid import UUID

from api.kernel.events import Event


class DeadLetterRetried(Event, frozen=True, tag="operations.dead_letter_retried"):
    """An administrator wants it tried again. `kind` is event, task or message, `what` the event's type, the task's
    name or the message's topic."""

    dead_letter_id: UUID
    kind: str
    what: str


class DeadLetterDiscarded(Event, frozen=True, tag="operations.dead_letter_discarded"):
    """An administrator gave it up: nobody will be sent it."""

    dead_letter_id: UUID
    kind: str
    what: str
