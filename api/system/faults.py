"""Faults, each with the command that fixes it or the place to look."""

from collections.abc import Collection

import msgspec

from api.kernel.outbox.events import Backlog
from api.system.types import FullHealth

_TOPICS = "python -m worker topics --create"
MENDS = {
    "postgresql": "start PostgreSQL, or correct DATABASE_URL; it may be restarting",
    "migrations": "python -m migrations",
    "redis": "start Redis, or correct REDIS_URL; limits are counted in each process meanwhile",
    "worker": "python -m worker",
    "kafka": f"start Kafka, or make the topics that are missing: {_TOPICS}",
    "consumers": f"read the worker's log, or make the topics that are missing: {_TOPICS}",
    "schedules": "start a worker, or read its log: python -m worker",
    "tasks": "the worker's log says why tasks fail: python -m worker",
}
"""Remedies by the name of the check."""
LETTERS = "python -m api.operations dead-letters list"
ORPHANS = "python -m api.operations orphans list"


class Fault(msgspec.Struct, frozen=True):
    what: str
    mend: str


def faults(health: FullHealth, backlogs: list[Backlog], known: Collection[str]) -> list[Fault]:
    """Return the checks that are not up, dead letters, and pending tasks whose name is not in `known`. Unknown checks
    are omitted, because another check is down."""
    found = []
    for part, check in (health.checks or {}).items():
        state, _, remedy = check.partition(": ")
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
