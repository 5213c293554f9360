"""The outbox and the audit as metrics, measured every few seconds. Of several workers one measures and reports, so that
a dashboard sees each value once."""

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
"""In Redis: which process reports."""
REPORTER_MILLISECONDS = 12_000
"""Two measurements may be missed before another process takes over."""
_ME = secrets.token_hex(8).encode()
_GAUGES = (outbox_dead, outbox_held, outbox_oldest, outbox_pending, unsealed_entries, unsealed_oldest)


async def measure(context: Context) -> int:
    """Tell the metrics what waits, where this process is the one that reports. Raises Problem."""
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
    """Whether this process is the one that reports. While Redis is down each process is: a value that comes twice is
    better than none."""
    try:
        if await context.cache.execute("SET", REPORTER_KEY, _ME, "NX", "PX", REPORTER_MILLISECONDS):
            return True
        if await context.cache.execute("GET", REPORTER_KEY) != _ME:
            return False
        await context.cache.execute("PEXPIRE", REPORTER_KEY, REPORTER_MILLISECONDS)
    except CacheUnavailable:
        return True
    return True
