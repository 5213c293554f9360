"""Events of this feature."""

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

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


class LogLevelChanged(Event, frozen=True, tag="operations.log_level_changed"):
    """A superuser set the log level of all processes until a time, or reset it: `level` and `until` are then null.
    `logger` is null for all loggers of the application."""

    live: ClassVar[bool] = True
    change_id: Thing
    logger: Annotated[str, Label] | None
    level: Annotated[str, Label] | None
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None


class TaskRetried(Event, frozen=True, tag="operations.task_retried"):
    """A superuser had a task that waits for another attempt run now."""

    live: ClassVar[bool] = True
    task_id: Thing
    name: Annotated[str, Label]


class TaskCancelled(Event, frozen=True, tag="operations.task_cancelled"):
    """A superuser made a pending task a dead letter, which can be retried or discarded."""

    live: ClassVar[bool] = True
    task_id: Thing
    name: Annotated[str, Label]
