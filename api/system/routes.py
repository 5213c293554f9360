"""Health in four depths: what a person asks, what a supervisor asks, what a router asks, what an operator asks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from api.kernel.auth import anyone
from api.kernel.cache import CacheUnavailable
from api.kernel.consumers import ConsumerLag, read_lag
from api.kernel.context import Context
from api.kernel.errors import UNAVAILABLE, problem
from api.kernel.events import Backlog, measure_outbox
from api.kernel.routing import get
from api.kernel.tasks import HEARTBEAT_KEY
from api.system import queries
from api.system.types import FullHealth, Health, Live, Outbox

NOT_READY = problem(503, "NOT_READY", "This process is not ready for work.")
MIGRATIONS = frozenset(
    file.stem for file in (Path(__file__).parents[2] / "migrations").glob("*.sql") if ".rollback" not in file.name
)
LATE_SECONDS = 10.0
"""An event that has waited longer says that Kafka, or the relay, is down."""
TASK_LATE_SECONDS = 300.0
"""A task that has waited longer says that what it needs, such as the mail server, is down: it was tried eight times."""


async def show_health(context: Context) -> Health:
    """That the application answers, and which one it is."""
    return Health("ok", datetime.now(UTC), context.settings.release, context.settings.environment)


async def show_live(context: Context) -> Live:
    """Whether this process lives. Asks nothing of anybody: a database that is down is no reason to restart it."""
    return Live("ok")


async def show_ready(context: Context) -> Live:
    """Whether this process should be given work: PostgreSQL answers with the schema this code needs, and nobody told
    it to stop."""
    if context.draining.is_set():
        raise NOT_READY("This process was told to stop.")
    missing = MIGRATIONS - set(await queries.list_applied_migrations(context.db))
    if missing:
        raise NOT_READY(f"The release process has not applied {', '.join(sorted(missing))}.")
    return Live("ok")


async def show_full(context: Context) -> FullHealth:
    """Each part that this application needs."""
    checks = {"postgresql": "up", "migrations": "up", "redis": "up", "worker": "up", "kafka": "up", "tasks": "up"}
    outbox: Outbox | None = None
    consumers: list[ConsumerLag] | None = None
    try:
        outbox = summed(await measure_outbox(context.db))
        if not set(await queries.list_applied_migrations(context.db)) >= MIGRATIONS:
            checks["migrations"] = "down"
        if outbox.events_oldest_seconds > LATE_SECONDS:
            checks["kafka"] = "down"
        if outbox.tasks_oldest_seconds > TASK_LATE_SECONDS:
            checks["tasks"] = "down"
    except UNAVAILABLE as error:
        checks |= {"postgresql": state_of(error), "migrations": "unknown", "kafka": "unknown", "tasks": "unknown"}
    try:
        checks["worker"] = "up" if await context.cache.execute("EXISTS", HEARTBEAT_KEY) else "down"
        consumers = await read_lag(context.cache)
    except CacheUnavailable as error:
        checks |= {"redis": state_of(error), "worker": "unknown"}
    dead = outbox.events_dead + outbox.tasks_dead if outbox else 0
    status = "ok" if set(checks.values()) == {"up"} and not dead else "degraded"
    settings = context.settings
    return FullHealth(status, datetime.now(UTC), settings.release, settings.environment, checks, outbox, consumers)


def state_of(error: UNAVAILABLE | CacheUnavailable) -> str:
    """Down, or misconfigured and what to mend: nobody needs to wait for that."""
    return f"misconfigured: {error.remedy}" if error.remedy else "down"


def summed(backlogs: Sequence[Backlog]) -> Outbox:
    """All topics, and all tasks."""
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
    )


routes = [
    get("/health", show_health, guard=anyone, limit="off"),
    get("/health/live", show_live, guard=anyone, limit="off"),
    get("/health/ready", show_ready, guard=anyone, limit="off", errors=(NOT_READY,)),
    get("/health/full", show_full, guard=anyone, limit="off"),
]
