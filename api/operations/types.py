"""Types of requests, responses and rows."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from api.kernel import Cursor, Limit, Shown, shown_address
from api.kernel.outbox import sweeps
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


# The log level

Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], msgspec.Meta(title="Level")]
LONGEST_MINUTES = 240


class LogLevelChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`logger` is null for all loggers of the application; `level` is null to reset it."""

    level: Level | None
    minutes: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_MINUTES, description="Time until it is reset, 1 to 240.")] = (
        15
    )
    logger: Annotated[str, msgspec.Meta(max_length=100, examples=["api.users"])] | None = None


class LogLevel(msgspec.Struct, frozen=True):
    """A level that is set for a time; `logger` is null for all loggers of the application. `changed_by` is null after
    the account was deleted."""

    logger: str | None
    level: Level
    until: datetime
    changed_at: datetime
    changed_by: UUID | None
    changed_by_email: Annotated[str, Shown(shown_address)] | None


class LogLevels(msgspec.Struct, frozen=True):
    """`default` is LOG_LEVEL, which applies where no other level is set. `loggers` are those that can be changed."""

    default: str
    changes: list[LogLevel]
    loggers: list[str]


class EffectiveLevel(msgspec.Struct, frozen=True):
    """A level for a number of seconds from now; `logger` is empty for all."""

    logger: str
    level: str
    seconds: float


# Tasks

TaskState = Annotated[
    Literal["pending", "running", "retrying", "later"],
    msgspec.Meta(
        title="TaskState",
        description="`pending`: due. `running`: leased by a worker. `retrying`: waits for another attempt after a "
        "failure. `later`: was deferred to a later time.",
    ),
]


class TaskQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200, examples=["users.send_reset"])] | None = None
    state: TaskState | None = None
    limit: Limit = 20
    cursor: Cursor | None = None


class PendingTask(msgspec.Struct, frozen=True):
    """A task that runs or waits. `number` is its place in the order of creation, `leased_until` the end of the lease of
    the worker that runs it, `last_error` the kind of the last failure, and `trace_id` that of the request that caused
    it."""

    number: int
    id: UUID
    name: str
    state: TaskState
    attempts: int
    created_at: datetime
    due_at: datetime
    leased_until: datetime | None
    last_error: str | None
    trace_id: str | None


class LockedTask(msgspec.Struct, frozen=True):
    name: str
    state: TaskState


class TaskCount(msgspec.Struct, frozen=True):
    """Tasks of a name. `oldest_seconds` is the time since the oldest that is due became due, 0 if none is."""

    name: str
    pending: int
    running: int
    retrying: int
    later: int
    dead: int
    oldest_seconds: float


class TaskCounts(msgspec.Struct, frozen=True):
    items: list[TaskCount]


# Schedules and sweeps


class ScheduleRun(msgspec.Struct, frozen=True):
    """A schedule: `declared` is its time and zone. `last_at` is the time for which its task was last deferred."""

    task: str
    declared: str
    last_at: datetime | None
    next_at: datetime


class SweepRun(msgspec.Struct, frozen=True):
    """Work that workers repeat every `seconds`. `ended_at` is the end of the last success, `worked_at` and `rows` are
    those of the last one that found work, `failed_at` and `error` those of the last failure. `next_at` is null while it
    runs."""

    name: str
    seconds: float
    began_at: datetime
    ended_at: datetime | None
    worked_at: datetime | None
    rows: int
    failed_at: datetime | None
    error: str | None
    next_at: datetime | None

    @classmethod
    def of(cls, run: sweeps.Run) -> "SweepRun":
        """Return a worker's report."""
        latest = max(run.ended or 0, run.failed or 0)
        return cls(
            run.name,
            run.seconds,
            _time(run.began) or datetime.fromtimestamp(0, UTC),
            _time(run.ended),
            _time(run.worked),
            run.rows,
            _time(run.failed),
            run.error,
            _time(latest + run.seconds) if latest >= run.began else None,
        )


class Repetitions(msgspec.Struct, frozen=True):
    schedules: list[ScheduleRun]
    sweeps: list[SweepRun] | None


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
