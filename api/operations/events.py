"""Events of this feature."""

from typing import Annotated, ClassVar

from api.kernel import Event, Label, Thing


class DeadLetterRetried(Event, frozen=True, tag="operations.dead_letter_retried"):
    """An operator or administrator retried a dead letter. `kind` is `event`, `task` or `message`; `what` is the event's
    type, the task's name or the message's topic."""

    live: ClassVar[bool] = True
    dead_letter_id: Thing
    kind: Annotated[str, Label]
    what: Annotated[str, Label]


class DeadLetterDiscarded(Event, frozen=True, tag="operations.dead_letter_discarded"):
    """A dead letter was discarded by an operator or administrator, or with the deletion of its account. It will not be
    processed."""

    live: ClassVar[bool] = True
    dead_letter_id: Thing
    kind: Annotated[str, Label]
    what: Annotated[str, Label]
