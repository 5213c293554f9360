"""`python -m api.system`: print faults with their remedies, the state of each service, and the backlog. Exits with 1 if
`status` is degraded."""

import asyncio
import sys

import msgspec

from api.features import FEATURES
from api.kernel import telemetry
from api.kernel.context import open_context
from api.kernel.errors import Problem
from api.kernel.feature import settings_of, tasks_of
from api.kernel.outbox.backlog import MOST_COUNTED, measure_waiting
from api.kernel.outbox.events import Backlog
from api.kernel.process.terminal import BOLD, GREEN, RED, coloured, painted, show
from api.kernel.settings import Settings, SettingsError, load
from api.system.faults import faults
from api.system.routes import measure_parts
from api.system.types import FullHealth

COLUMNS = ("", "pending", "oldest", "held", "dead")


async def look(settings: Settings) -> tuple[FullHealth, list[Backlog]]:
    """Measure the health, as in /health/full for superusers, and the outbox by topic and task. Raises Problem."""
    async with open_context(settings, {}, pool_size=1) as context:
        health = await measure_parts(context)
        return health, (await measure_waiting(context)).backlogs if health.outbox else []


def table(health: FullHealth, backlogs: list[Backlog], colours: bool = False) -> str:
    parts = [
        f"  {name:<12}{painted(state, GREEN if state == 'up' else RED, colours)}"
        for name, state in (health.checks or {}).items()
    ]
    rows: list[tuple[str, ...]] = [COLUMNS]
    for each in backlogs:
        oldest = f"{each.oldest_seconds:.0f} s" if each.pending else ""
        counts = (_count(number) if number else "" for number in (each.held, each.dead))
        rows.append((f"{each.destination} {each.name}", _count(each.pending), oldest, *counts))
    rows += [
        (f"consumer {lag.topic}", "unread" if lag.messages is None else str(lag.messages))
        for lag in health.consumers or ()
    ]
    width = max(len(name) for name, *_ in rows)
    cell_width = max(8, *(len(cell) for _, *cells in rows for cell in cells)) + 2
    waiting = [f"  {name:<{width}}" + "".join(f"{cell:>{cell_width}}" for cell in cells) for name, *cells in rows]
    shown = waiting if len(waiting) > 1 else ["  nothing is pending"]
    status = painted(health.status, GREEN if health.status == "ok" else RED, colours)
    wrong: list[str] = []
    for fault in faults(health, backlogs, [task.name for task in tasks_of(FEATURES)]):
        wrong += [f"  {painted(fault.what, RED, colours)}", f"      {painted(fault.mend, BOLD, colours)}"]
    head = [f"{status}, {health.version}, {health.environment}", "", *wrong]
    return "\n".join([*head, *[""] * bool(wrong), *parts, "", *shown])


def _count(number: int) -> str:
    return f"{MOST_COUNTED:,} or more" if number >= MOST_COUNTED else str(number)


def main() -> int:
    # The printed table shows the failures.
    settings = msgspec.structs.replace(load(kinds=settings_of(FEATURES)), log_level="CRITICAL")
    telemetry.set_up(settings, "status")
    health, backlogs = asyncio.run(look(settings))
    show(table(health, backlogs, coloured()))
    return int(health.status != "ok")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (SettingsError, Problem) as error:
        sys.exit(f"status: {error}")
