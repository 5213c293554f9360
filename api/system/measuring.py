"""Metrics of the outbox and the audit log, measured every few seconds. One of several workers measures and reports, so
that a dashboard sees each value once."""

import secrets

from api.kernel import CacheUnavailable, Context
from api.kernel.outbox.backlog import measure_now
from api.kernel.telemetry import (
    outbox_dead,
    outbox_held,
    outbox_oldest,
    outbox_pending,
    unsealed_entries,
    unsealed_oldest,
)
from api.system.queries import measure_unsealed
from api.system.routes import summed

SECONDS = 5.0
REPORTER_KEY = "system:reporter"
"""Redis key of the process that reports."""
REPORTER_MILLISECONDS = 12_000
"""Another process takes over after two missed measurements."""
_ME = secrets.token_hex(8).encode()
_GAUGES = (outbox_dead, outbox_held, outbox_oldest, outbox_pending, unsealed_entries, unsealed_oldest)


async def measure(context: Context) -> int:
    """Update the metrics if this process is the reporter. Raises Problem."""
    if not await _reports(context):
        for gauge in _GAUGES:
            gauge.clear()
        return 0
    outbox, unsealed = summed((await measure_now(context)).backlogs), await measure_unsealed(context.db)
    kafka, tasks, messages = ({"destination": name} for name in ("kafka", "tasks", "messages"))
    outbox_pending.set(outbox.events_pending, kafka)
    outbox_pending.set(outbox.tasks_pending, tasks)
    outbox_oldest.set(outbox.events_oldest_seconds, kafka)
    outbox_oldest.set(outbox.tasks_oldest_seconds, tasks)
    outbox_dead.set(outbox.events_dead, kafka)
    outbox_dead.set(outbox.tasks_dead, tasks)
    outbox_dead.set(outbox.messages_dead, messages)
    outbox_held.set(outbox.events_held, kafka)
    unsealed_entries.set(unsealed.entries)
    unsealed_oldest.set(unsealed.oldest_seconds)
    return 0


async def _reports(context: Context) -> bool:
    """Whether this process is the reporter. Without Redis every process is: duplicate values are better than none."""
    try:
        if await context.cache.execute("SET", REPORTER_KEY, _ME, "NX", "PX", REPORTER_MILLISECONDS):
            return True
        if await context.cache.execute("GET", REPORTER_KEY) != _ME:
            return False
        await context.cache.execute("PEXPIRE", REPORTER_KEY, REPORTER_MILLISECONDS)
    except CacheUnavailable:
        return True
    return True
