"""What the worker does for the audit."""

from datetime import timedelta
from uuid import UUID

from api.audit import queries
from api.audit.chain import AT_ONCE, SEAL_SECONDS, seal
from api.audit.events import EntriesErased
from api.kernel.context import Context
from api.kernel.database import uuid7
from api.kernel.events import record
from api.kernel.feature import Sweep
from api.kernel.tasks import task
from api.users.events import UserDeleted

STRANGERS_KEPT = timedelta(days=90)
"""From where somebody acted who is no account of ours."""


@task(on=UserDeleted)
async def erase(context: Context, event: UserDeleted, id: UUID) -> None:
    """Remove what is personal from the entries of an account that is gone, and count it in an entry of its own. What
    remains are ids, types, times and digests, and the chain holds."""
    while True:
        await seal(context)  # only what is sealed can be erased, for its digests are made from it
        async with context.db.transaction() as db:
            erased = await queries.erase(db, event.user_id, AT_ONCE)
            if erased.entries or erased.origins:
                gone = EntriesErased(
                    erasure_id=uuid7(), user_id=event.user_id, entries=erased.entries, origins=erased.origins
                )
                await record(db, gone)
        if not (erased.entries or erased.origins or erased.waiting):
            return


async def erase_strangers(context: Context) -> int:
    """Remove from where strangers acted, once nobody looks into it any more; how many entries. Raises Problem."""
    async with context.db.transaction() as db:
        origins = await queries.erase_strangers(db, STRANGERS_KEPT, AT_ONCE)
        if origins:
            await record(db, EntriesErased(erasure_id=uuid7(), user_id=None, entries=0, origins=origins))
    return origins


tasks = [erase]
sweeps = [Sweep(seal, SEAL_SECONDS), Sweep(erase_strangers, 3600.0)]
