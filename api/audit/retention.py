"""Removal of entries older than AUDIT_DAYS, in batches from the start of the chain, each verified first. A removal is
recorded as an entry `audit.removed`, which has the new start of the chain."""

import logging
from datetime import timedelta

import msgspec

from api.audit import queries
from api.audit.chain import BEGINNING, Broken, start_of, step
from api.audit.events import EntriesErased, EntriesRemoved
from api.audit.settings import AuditSettings
from api.audit.types import Checkpoint, EntryRow
from api.kernel import Context, Transaction, record, uuid7

logger = logging.getLogger(__name__)

REMOVED_AT_ONCE = 2000


async def remove_old(context: Context) -> int:
    """Remove one batch of old entries. Returns their number. A batch that fails verification is kept, and an error is
    logged. Raises Problem."""
    days = context.settings.of(AuditSettings).days
    if not days:
        return 0
    try:
        async with context.db.transaction() as db:
            await queries.lock_chain(db)
            return await _remove(db, timedelta(days=days))
    except Broken as fault:
        logger.error("old audit entries are kept, because the chain is broken", extra={"fields": {"cause": str(fault)}})
    return 0


async def _remove(db: Transaction, age: timedelta) -> int:
    before = await queries.find_checkpoint(db) or BEGINNING
    entries = await queries.list_removable(db, before.last, age, REMOVED_AT_ONCE)
    if not entries:
        return 0
    after = checkpoint_after(before, entries)
    await queries.delete_removable(db, before.last, after.last)
    event = EntriesRemoved(
        removal_id=uuid7(),
        position=after.last,
        hash=after.link.hex(),
        removed=len(entries),
        until=entries[-1].created_at,
        erased_data=after.erased_data,
        erased_origins=after.erased_origins,
        announced_data=after.announced_data,
        announced_origins=after.announced_origins,
    )
    await record(db, event)
    # The log is outside of the database, as for `audit sealed`: a removal that is not in it was not made here.
    fields = {"position": after.last, "head": after.link.hex(), "entries": len(entries)}
    logger.info("audit removed", extra={"fields": fields})
    return len(entries)


def checkpoint_after(before: Checkpoint, entries: list[EntryRow]) -> Checkpoint:
    """Start of the chain after removing these entries. Raises Broken if they do not follow `before`."""
    walked, data, origins = start_of(before), before.announced_data, before.announced_origins
    for entry in entries:
        walked = step(walked, entry)
        more_data, more_origins = announced_by(entry)
        data, origins = data + more_data, origins + more_origins
    return Checkpoint(walked.head.last, walked.head.link, walked.data, walked.origins, data, origins)


def announced_by(entry: EntryRow) -> tuple[int, int]:
    """Number of entries whose data and origin this entry announces as erased."""
    if entry.type != "audit.erased" or entry.data is None:
        return 0, 0
    event = msgspec.json.decode(entry.data, type=EntriesErased)
    return event.entries, event.origins
