"""Periodic work of personal data."""

from api.kernel import Context, Sweep
from api.personal import queries

AT_ONCE = 1000


async def delete_old_exports(context: Context) -> int:
    """Delete a batch of expired exports. Returns their number. Raises Problem."""
    return await queries.delete_old_exports(context.db, AT_ONCE)


sweeps = [Sweep(delete_old_exports, 3600.0)]
