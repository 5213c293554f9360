"""What comes in and what goes out, and the rows behind it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from api.kernel import Cursor, Limit
from api.kernel.outbox.events import Backlog


class DeadLetterQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    limit: Limit = 20
    cursor: Cursor | None = None


class DeadLetterFilter(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which dead letters: those that match every field that is given, or `all`. `older_than` is in seconds since they
    were given up."""

    kind: Literal["event", "task", "message"] | None = None
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    key: UUID | None = None
    older_than: Annotated[float, msgspec.Meta(ge=0, le=1_000_000_000)] | None = None
    ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=500)] | None = None
    all: bool = False


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


class InBulk(msgspec.Struct, frozen=True):
    """`count` dead letters were retried or discarded; `left` of those selected were not reached in time: ask again."""

    count: int
    left: int


class Matching(msgspec.Struct, frozen=True):
    """How many dead letters of one kind and type a filter selects: those given up `until` then."""

    kind: str
    type: str
    letters: int
    oldest: datetime
    until: datetime


class Orphans(msgspec.Struct, frozen=True):
    """Tasks of one name that wait, and that no feature has."""

    type: str
    tasks: int
    oldest: datetime


class OutboxReport(msgspec.Struct, frozen=True):
    """What waits for Kafka by topic, what waits for the worker by task, and dead letters of messages by topic. A count
    stops at 10,000."""

    items: list[Backlog]
