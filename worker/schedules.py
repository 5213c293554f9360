"""The worker's part in schedules: it looks each second whether one is due, and forgets those that no code declares."""

from collections.abc import Sequence

from api.kernel.context import Context
from api.kernel.feature import Sweep
from api.kernel.outbox.schedules import Schedule, Schedules

LOOK_SECONDS = 1.0
FORGET_SECONDS = 300.0


def sweeps_of(schedules: Sequence[Schedule]) -> list[Sweep]:
    """What a worker repeats for these schedules."""
    served = Schedules(schedules)

    async def run_schedules(context: Context) -> int:
        return await served.run_due(context.db)

    async def sweep_schedules(context: Context) -> int:
        return await served.delete_undeclared(context.db)

    looks = [Sweep(run_schedules, LOOK_SECONDS)] if schedules else []
    return [*looks, Sweep(sweep_schedules, FORGET_SECONDS)]
