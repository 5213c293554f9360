"""The outbox as metrics: the worker looks every few seconds, so that an alarm needs nobody to ask."""

from api.kernel.backlog import measure_waiting
from api.kernel.context import Context
from api.kernel.telemetry import outbox_dead, outbox_held, outbox_oldest, outbox_pending
from api.system.routes import summed

SECONDS = 5.0


async def measure(context: Context) -> int:
    """Tell the metrics what waits. Raises Problem."""
    outbox = summed((await measure_waiting(context)).backlogs)
    kafka, tasks, messages = ({"destination": name} for name in ("kafka", "tasks", "messages"))
    outbox_pending.set(outbox.events_pending, kafka)
    outbox_pending.set(outbox.tasks_pending, tasks)
    outbox_oldest.set(outbox.events_oldest_seconds, kafka)
    outbox_oldest.set(outbox.tasks_oldest_seconds, tasks)
    outbox_dead.set(outbox.events_dead, kafka)
    outbox_dead.set(outbox.tasks_dead, tasks)
    outbox_dead.set(outbox.messages_dead, messages)
    outbox_held.set(outbox.events_held, kafka)
    return 0
