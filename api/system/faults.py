"""What is wrong, each with the command that mends it or where to look."""

from collections.abc import Collection

import msgspec

from api.kernel.outbox.events import Backlog
from api.system.types import FullHealth

_TOPICS = "python -m worker topics"
MENDS = {
    "postgresql": "start PostgreSQL, or mend DATABASE_URL; it may be restarting",
    "migrations": "python -m migrations",
    "redis": "start Redis, or mend REDIS_URL; limits are counted in each process meanwhile",
    "worker": "python -m worker",
    "kafka": f"{_TOPICS}: whether Kafka is away, is misconfigured, or lacks a topic (--create makes it)",
    "consumers": f"{_TOPICS}, and the worker's log: Kafka is away, misconfigured, or lacks a topic",
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
        state, _, more = told.partition(": ")
        if state == "misconfigured":
            found.append(Fault(f"{part} is misconfigured", more))
        elif state not in ("up", "unknown"):
            what = f"{part} is {state}{f': {more}' if more else ''}"
            found.append(Fault(what, MENDS.get(part, "read the worker's log")))
    for each in backlogs:
        if each.dead:
            found.append(Fault(f"{each.dead} dead letter(s) of {each.destination} {each.name}", LETTERS))
        if each.destination == "tasks" and each.pending and each.name not in known:
            found.append(Fault(f"{each.pending} task(s) {each.name}: pending, no such task", ORPHANS))
    return found
