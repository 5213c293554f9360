"""The worker's part in schedules: checks each second for due ones, and deletes those that no code declares."""

from collections.abc import Sequence

from api.kernel.context import Context
from api.kernel.feature import Sweep
from api.kernel.live.feeds import SUPERUSERS
from api.kernel.outbox.schedules import Schedule, Schedules

LOOK_SECONDS = 1.0
FORGET_SECONDS = 300.0


def sweeps_of(schedules: Sequence[Schedule]) -> list[Sweep]:
    """Return the sweeps that a worker runs for these schedules."""
    served = Schedules(schedules)

    async def run_schedules(context: Context) -> int:
        due = await served.run_due(context.db)
        if due:
            context.hints.give("outbox.schedules", SUPERUSERS)
        return due

    async def sweep_schedules(context: Context) -> int:
        return await served.delete_undeclared(context.db)

    looks = [Sweep(run_schedules, LOOK_SECONDS)] if schedules else []
    return [*looks, Sweep(sweep_schedules, FORGET_SECONDS)]
