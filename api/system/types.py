"""What goes out."""

from datetime import datetime

import msgspec

from api.kernel.outbox.consumers import ConsumerLag


class Health(msgspec.Struct, frozen=True):
    """`status` is ok, or degraded where a part that can be missed is missing."""

    status: str
    timestamp: datetime
    version: str
    environment: str


class Live(msgspec.Struct, frozen=True):
    status: str


class Outbox(msgspec.Struct, frozen=True):
    """What waits for Kafka and for tasks, the age of the oldest in seconds, and what was given up: events, tasks, and
    messages of other services. `events_held` were refused by Kafka and wait for their next attempt, or wait behind such
    an event or a dead letter of their key. For each topic and task, a count stops at 10,000."""

    events_pending: int
    events_oldest_seconds: float
    events_held: int
    events_dead: int
    tasks_pending: int
    tasks_oldest_seconds: float
    tasks_dead: int
    messages_dead: int


class Unsealed(msgspec.Struct, frozen=True):
    """Audit entries that are not sealed yet, 10,000 at most, and the age of the oldest."""

    entries: int
    oldest_seconds: float


class FullHealth(msgspec.Struct, frozen=True):
    """`status` is degraded while a part is down or there are dead letters. The rest is for superusers: each part is up,
    down, unknown, or misconfigured with what to mend; postgresql is `busy` where measuring the outbox takes too long,
    consumers are `unread` with their topics, schedules `overdue` with their tasks. Kafka is judged by whether events
    get through, and tasks by whether they get done, because the web process talks to neither. Workers tell what is
    misconfigured of Kafka, the consumers and SMTP, whose check is up otherwise. `consumers` is what the workers said of
    the topics that others write to; null while Redis, which they tell, is down."""

    status: str
    timestamp: datetime
    version: str
    environment: str
    checks: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    outbox: Outbox | msgspec.UnsetType | None = msgspec.UNSET
    consumers: list[ConsumerLag] | msgspec.UnsetType | None = msgspec.UNSET
