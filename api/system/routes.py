"""Health checks for people, process supervisors, routers and operators."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from api.kernel import UNAVAILABLE, CacheUnavailable, Context, Principal, anyone, get, problem, shared
from api.kernel.outbox.backlog import measure_waiting
from api.kernel.outbox.consumers import ConsumerLag, read_lag
from api.kernel.outbox.events import Backlog
from api.kernel.outbox.remedies import read_remedies
from api.kernel.outbox.tasks import HEARTBEAT_KEY
from api.system import queries
from api.system.types import FullHealth, Health, HealthStatus, Outbox, Status

NOT_READY = problem(503, "NOT_READY", "This process is not ready; send requests to another one.")
MIGRATIONS = frozenset(
    file.stem for file in (Path(__file__).parents[2] / "migrations").glob("*.sql") if ".rollback" not in file.name
)
PARTS = ("postgresql", "migrations", "redis", "worker", "kafka", "tasks", "schedules", "consumers", "smtp")
SHARED_SECONDS = 1.0
"""Concurrent requests share one query for this long, because these routes have no limit."""
LATE_SECONDS = 10.0
"""An event that is pending longer means that Kafka or the relay is down."""
TASK_LATE_SECONDS = 300.0
"""A task that is pending longer, after eight attempts, means that a service it needs is down, such as the mail
server."""


async def get_health(context: Context) -> Health:
    """Get the version and environment of the application."""
    return Health("ok", datetime.now(UTC), context.settings.release, context.settings.environment)


async def get_liveness(context: Context) -> Status:
    """Check whether this process is alive.

    It runs no query: a database outage is no reason to restart the process."""
    return Status("ok")


async def get_readiness(context: Context) -> Status:
    """Check whether this process is ready for requests.

    It is ready if PostgreSQL has all migrations of this release and the process is not shutting down."""
    if context.draining.is_set():
        raise NOT_READY("This process is shutting down; send requests to another one.")
    missing = MIGRATIONS - await shared(context, SHARED_SECONDS, applied_migrations)
    if missing:
        raise NOT_READY(f"These migrations are not applied: {', '.join(sorted(missing))}.")
    return Status("ok")


async def get_full_health(context: Context, principal: Principal | None) -> FullHealth:
    """Check all services that the application depends on.

    Superusers also get the state of each service."""
    health = await shared(context, SHARED_SECONDS, measure_parts)
    if principal and principal.is_superuser:
        return health
    return FullHealth(health.status, health.timestamp, health.version, health.environment)


async def measure_parts(context: Context) -> FullHealth:
    """Check each service. Raises nothing: a service that does not answer is down."""
    checks = dict.fromkeys(PARTS, "up")
    outbox: Outbox | None = None
    consumers: list[ConsumerLag] | None = None
    try:
        if await applied_migrations(context) >= MIGRATIONS:
            overdue = await queries.list_overdue_schedules(context.db)
            checks["schedules"] = f"overdue: {', '.join(overdue)}" if overdue else "up"
        else:
            checks |= {"migrations": "down", "schedules": "unknown"}
        outbox = await _judge_outbox(context, checks)
    except UNAVAILABLE as error:
        checks |= dict.fromkeys(("migrations", "kafka", "tasks", "schedules"), "unknown")
        checks["postgresql"] = state_of(error)
    try:
        running = await context.cache.execute("PTTL", HEARTBEAT_KEY) > 0
        consumers = await read_lag(context.cache)
        unread = ", ".join(lag.topic for lag in consumers if lag.messages is None)
        checks["consumers"] = f"unread: {unread}" if unread else "up"
        if not running:
            checks |= {"worker": "down", "consumers": "unknown"}
            # Events and tasks wait for the worker, so their age says nothing about Kafka and mail servers.
            checks |= {part: "unknown" for part in ("kafka", "tasks") if checks[part] in ("up", "down")}
        for part, remedy in (await read_remedies(context.cache)).items():
            if part in checks and not checks[part].startswith("misconfigured"):
                checks[part] = f"misconfigured: {remedy}"
    except CacheUnavailable as error:
        error.remedy = error.remedy or await context.cache.explain()
        checks |= {"redis": state_of(error), "worker": "unknown", "consumers": "unknown", "smtp": "unknown"}
    dead = outbox.events_dead + outbox.tasks_dead + outbox.messages_dead if outbox else 0
    status: HealthStatus = "ok" if set(checks.values()) == {"up"} and not dead else "degraded"
    settings = context.settings
    return FullHealth(status, datetime.now(UTC), settings.release, settings.environment, checks, outbox, consumers)


async def applied_migrations(context: Context) -> set[str]:
    return set(await queries.list_applied_migrations(context.db))


def state_of(error: UNAVAILABLE | CacheUnavailable) -> str:
    """`down`, or `misconfigured` with the setting to fix."""
    return f"misconfigured: {error.remedy}" if error.remedy else "down"


async def _judge_outbox(context: Context, checks: dict[str, str]) -> Outbox | None:
    """Measure the outbox and derive the state of Kafka and of tasks. Returns None if it takes too long; that is no
    outage, because PostgreSQL has just answered a smaller query."""
    try:
        waiting = await measure_waiting(context)
    except UNAVAILABLE:
        checks |= {"postgresql": "busy", "kafka": "unknown", "tasks": "unknown"}
        return None
    outbox = summed(waiting.backlogs)
    if waiting.closed:
        topics = ", ".join(f"topic {each.topic} ({each.reason})" for each in waiting.closed)
        checks["kafka"] = f"misconfigured: {topics}; see `python -m worker topics`"
    elif outbox.events_oldest_seconds > LATE_SECONDS:
        checks["kafka"] = "down"
    if outbox.tasks_oldest_seconds > TASK_LATE_SECONDS:
        checks["tasks"] = "down"
    return outbox


def summed(backlogs: Sequence[Backlog]) -> Outbox:
    """Sum the backlogs of all topics and of all tasks."""
    events = [each for each in backlogs if each.destination == "kafka"]
    tasks = [each for each in backlogs if each.destination == "tasks"]
    return Outbox(
        events_pending=sum(each.pending for each in events),
        events_oldest_seconds=max((each.oldest_seconds for each in events), default=0.0),
        events_held=sum(each.held for each in events),
        events_dead=sum(each.dead for each in events),
        tasks_pending=sum(each.pending for each in tasks),
        tasks_oldest_seconds=max((each.oldest_seconds for each in tasks), default=0.0),
        tasks_dead=sum(each.dead for each in tasks),
        messages_dead=sum(each.dead for each in backlogs if each.destination == "messages"),
    )


routes = [
    get("/health", get_health, guard=anyone, limit="off"),
    get("/health/live", get_liveness, guard=anyone, limit="off"),
    get("/health/ready", get_readiness, guard=anyone, limit="off", errors=(NOT_READY,)),
    get("/health/full", get_full_health, guard=anyone, limit="off", degrades=True),
]
