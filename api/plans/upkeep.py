"""Repeated work of plans."""

from api.kernel import Context, Sweep
from api.plans import queries
from api.plans.counting import SETTLE_SECONDS
from api.plans.quotas import meter_of

AT_ONCE = 1000


async def settle_calls(context: Context) -> int:
    """Store the calls of this process, and give back those that others need. Returns 0."""
    meter = meter_of(context)
    await meter.settle(context.db)
    await meter.share(context.db)
    return 0


async def give_calls_back(context: Context) -> None:
    """Store the calls of this process, and give back the others."""
    await meter_of(context).settle(context.db, everything=True)


async def delete_old_counts(context: Context) -> int:
    """Delete a batch of counters of ended periods. Returns their number. Raises Problem."""
    return await queries.delete_old_counts(context.db, AT_ONCE)


everywhere = [Sweep(settle_calls, SETTLE_SECONDS)]
sweeps = [Sweep(delete_old_counts, 3600.0)]
