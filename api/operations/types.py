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
    """An `event` that Kafka refused for good, a `task` that failed too often, or a `message` of another service that
    cannot be acted on: its type, the task's name or the message's topic, the key whose later events it holds back, why,
    and after how many attempts. What an event says is in the audit; what a message says is in Kafka at `place`, which
    is topic, partition and offset."""

    id: UUID
    kind: str
    type: str
    event_key: UUID | None
    place: str | None
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
    """What waits for Kafka by topic, what waits for the worker by task, and dead letters of messages by topic. A count
    stops at 10,000."""

    items: list[Backlog]
