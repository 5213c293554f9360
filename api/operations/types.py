"""Types of requests, responses and rows."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from api.kernel import Cursor, Limit
from api.kernel.outbox.events import Backlog

Kind = Literal["event", "task", "message"]
Type = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=200, description="An event's type, a task's name or a message's topic."),
]


class DeadLetterQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    kind: Kind | None = None
    type: Type | None = None
    key: Annotated[UUID, msgspec.Meta(description="An event's key.")] | None = None
    limit: Limit = 20
    cursor: Cursor | None = None


class DeadLetterFilter(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Selects dead letters that match all given fields, or `all`. `older_than` is the minimum age in seconds since they
    failed."""

    kind: Kind | None = None
    type: Type | None = None
    key: UUID | None = None
    older_than: Annotated[float, msgspec.Meta(ge=0, le=1_000_000_000)] | None = None
    ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=500)] | None = None
    all: bool = False


class DeadLetter(msgspec.Struct, frozen=True):
    """An `event` that Kafka rejected permanently, a `task` that failed too often, or a `message` of another service
    that cannot be processed. `type` is the event's type, the task's name or the message's topic, and `event_key` the
    key whose later events are held back. The audit log has the event's data; Kafka has the message at `place` (topic,
    partition and offset)."""

    id: UUID
    kind: str
    type: str
    event_key: UUID | None
    place: str | None
    reason: str | None
    attempts: int
    created_at: datetime
    dead_at: datetime


class DeadLetterRow(msgspec.Struct, frozen=True):
    """A dead letter; `content` is its data as JSON, null for a message."""

    id: UUID
    kind: str
    type: str
    event_key: UUID | None
    place: str | None
    reason: str | None
    attempts: int
    created_at: datetime
    dead_at: datetime
    content: str | None


class DeadLetterDetails(DeadLetter, frozen=True):
    """A dead letter with the data of its event or task. `data` of a message is null: only Kafka has it."""

    data: dict[str, Any] | None


class Decided(msgspec.Struct, frozen=True):
    """A dead letter that was retried or discarded."""

    id: UUID
    kind: str
    type: str


class BulkResult(msgspec.Struct, frozen=True):
    """`count` dead letters were retried or discarded. `left` matching ones were not reached in time; repeat the
    request."""

    count: int
    left: int


class Matching(msgspec.Struct, frozen=True):
    """Number of matching dead letters of one kind and type that failed no later than `until`."""

    kind: str
    type: str
    letters: int
    oldest: datetime
    until: datetime


class Orphans(msgspec.Struct, frozen=True):
    """Pending tasks of one name that no feature declares."""

    type: str
    tasks: int
    oldest: datetime


class OutboxReport(msgspec.Struct, frozen=True):
    """Backlog by topic, by task, and of dead messages by topic. Counts stop at 10,000."""

    items: list[Backlog]
