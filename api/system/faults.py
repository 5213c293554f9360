"""What is wrong, each with the command that mends it or where to look."""

from collections.abc import Collection

import msgspec

from api.kernel.outbox.events import Backlog
from api.system.types import FullHealth

_TOPICS = "python -m worker topics --create"
MENDS = {
    "postgresql": "start PostgreSQL, or mend DATABASE_URL; it may be restarting",
    "migrations": "python -m migrations",
    "redis": "start Redis, or mend REDIS_URL; limits are counted in each process meanwhile",
    "worker": "python -m worker",
    "kafka": f"start Kafka, or make the topics that are missing: {_TOPICS}",
    "consumers": f"read the worker's log, or make the topics that are missing: {_TOPICS}",
    "schedules": "start a worker, or read its log: python -m worker",
    "tasks": "the worker's log says why tasks fail: python -m worker",
}
"""By the name of the part."""
LETTERS = "python -m api.operations dead-letters list"
ORPHANS = "python -m api.operations orphans list"


class Fault(msgspec.Struct, frozen=True):
    what: str
    mend: str


def faults(health: FullHealth, backlogs: list[Backlog], known: Collection[str]) -> list[Fault]:
    """Parts that are not up, dead letters, and pending tasks that are in no feature, `known` being those that are. A
    part that is unknown is so because another one is down."""
    found = []
    for part, told in (health.checks or {}).items():
        state, _, remedy = told.partition(": ")
        if state in ("unread", "overdue"):  # of which topics, or tasks
            found.append(Fault(f"{part} {state}: {remedy}", MENDS[part]))
        elif state not in ("up", "unknown"):
            found.append(Fault(f"{part} is {state}", remedy or MENDS.get(part, "read the worker's log")))
    for each in backlogs:
        if each.dead:
            found.append(Fault(f"{each.dead} dead letter(s) of {each.destination} {each.name}", LETTERS))
        if each.destination == "tasks" and each.pending and each.name not in known:
            found.append(Fault(f"{each.pending} task(s) {each.name}: pending, no such task", ORPHANS))
    return found
