"""Types of responses and rows."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from api.kernel.outbox.consumers import ConsumerLag

HealthStatus = Annotated[Literal["ok", "degraded"], msgspec.Meta(title="HealthStatus")]


class Health(msgspec.Struct, frozen=True):
    """`status` is `ok`."""

    status: HealthStatus
    timestamp: datetime
    version: str
    environment: str


class Status(msgspec.Struct, frozen=True):
    status: HealthStatus


class Outbox(msgspec.Struct, frozen=True):
    """Pending events and tasks, the age of the oldest in seconds, and dead letters: events, tasks and messages of other
    services. `events_held` wait for their next attempt after an error of Kafka, or behind such an event or a dead
    letter of their key. Counts stop at 10,000 for each topic and task."""

    events_pending: int
    events_oldest_seconds: float
    events_held: int
    events_dead: int
    tasks_pending: int
    tasks_oldest_seconds: float
    tasks_dead: int
    messages_dead: int


class Unsealed(msgspec.Struct, frozen=True):
    """Number of unsealed audit entries, at most 10,000, and the age of the oldest in seconds."""

    entries: int
    oldest_seconds: float


class FullHealth(msgspec.Struct, frozen=True):
    """`status` is `degraded` if a check is not `up` or there are dead letters. The other fields are for superusers. A
    check is `up`, `down`, `unknown`, or `misconfigured` with a remedy; `postgresql` is `busy` if measuring the outbox
    takes too long, `consumers` are `unread` with their topics, and `schedules` `overdue` with their tasks. The web
    process connects to neither Kafka nor SMTP: `kafka` and `tasks` are derived from the age of pending events and
    tasks, and workers report misconfigurations. `consumers` has the lag of each topic as reported by workers; null if
    Redis is down."""

    status: HealthStatus
    timestamp: datetime
    version: str
    environment: str
    checks: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    outbox: Outbox | msgspec.UnsetType | None = msgspec.UNSET
    consumers: list[ConsumerLag] | msgspec.UnsetType | None = msgspec.UNSET
