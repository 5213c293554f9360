"""What this feature announces."""

from typing import Annotated

from api.kernel import Event, Label, Thing


class DeadLetterRetried(Event, frozen=True, tag="operations.dead_letter_retried"):
    """An administrator wants it tried again. `kind` is event, task or message, `what` the event's type, the task's
    name or the message's topic."""

    dead_letter_id: Thing
    kind: Annotated[str, Label]
    what: Annotated[str, Label]


class DeadLetterDiscarded(Event, frozen=True, tag="operations.dead_letter_discarded"):
    """An administrator gave it up, or the account that it is about was deleted: it will not be sent."""

    dead_letter_id: Thing
    kind: Annotated[str, Label]
    what: Annotated[str, Label]
