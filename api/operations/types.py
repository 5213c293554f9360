"""What comes in and what goes out, and the rows behind it."""

from datetime import datetime
from uuid import UUID

import msgspec

from api.kernel.events import Backlog
from api.kernel.paging import Cursor, Limit


class DeadLetterQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    limit: Limit = 20
    cursor: Cursor | None = None


class DeadLetter(msgspec.Struct, frozen=True):
    """An `event` that Kafka refused for good, or a `task` that failed too often: its type or the task's name, the key
    whose later events it holds back, why, and after how many attempts. What it says is in the audit."""

    id: UUID
    kind: str
    type: str
    event_key: UUID | None
    reason: str | None
    attempts: int
    created_at: datetime
    dead_at: datetime


class Decided(msgspec.Struct, frozen=True):
    """The dead letter that somebody retried or discarded."""

    id: UUID
    kind: str
    type: str


class OutboxReport(msgspec.Struct, frozen=True):
    """What waits for Kafka by topic, and what waits for the worker by task."""

    items: list[Backlog]
