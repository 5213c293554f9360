"""Periodic work of the audit log."""

from datetime import timedelta

from api.audit import queries
from api.audit.chain import AT_ONCE, SEAL_SECONDS, seal
from api.audit.events import EntriesErased
from api.audit.retention import remove_old
from api.kernel import Context, Sweep, record, uuid7

STRANGERS_KEPT = timedelta(days=90)
"""How long the origin of entries that belong to no account is kept."""


async def erase_strangers(context: Context) -> int:
    """Erase the origin of old entries that belong to no account. Returns their number. Raises Problem."""
    async with context.db.transaction() as db:
        origins = await queries.erase_strangers(db, STRANGERS_KEPT, AT_ONCE)
        if origins:
            await record(db, EntriesErased(erasure_id=uuid7(), user_id=None, entries=0, origins=origins))
    return origins


sweeps = [Sweep(seal, SEAL_SECONDS), Sweep(erase_strangers, 3600.0), Sweep(remove_old, 21_600.0)]
