"""Erasure of personal data from the audit log."""

from typing import Any
from uuid import UUID

import msgspec

from api.audit import queries
from api.audit.chain import AT_ONCE, seal
from api.audit.events import EntriesErased
from api.audit.types import Batch
from api.kernel import Context, Task, Transaction, record, task, uuid7
from api.kernel.outbox.events import NOBODY, address, contact_fields, erase_events, erase_tasks
from api.operations.events import DeadLetterDiscarded
from api.users.events import UserDeleted

BATCHES_A_RUN = 20
"""Batches per run. The task then defers the rest, so that a run is short for any length of history."""


class Erasure(msgspec.Struct, frozen=True):
    """The rest of an erasure, after the entry with the id `after`."""

    user_id: UUID
    after: UUID


@task(on=UserDeleted)
async def erase(context: Context, event: UserDeleted, id: UUID) -> None:
    """Erase personal data from the entries of a deleted account. Ids, types, times and digests remain, so the chain
    stays intact."""
    await _erase(context, Erasure(event.user_id, NOBODY))


@task(on=Erasure)
async def erase_further(context: Context, step: Erasure, id: UUID) -> None:
    """Continue the erasure of a long history."""
    await _erase(context, step)


async def _erase(context: Context, step: Erasure) -> None:
    """Erase batches in the order of the entries' ids, each with its count in a transaction of its own."""
    after = step.after
    for number in range(1, BATCHES_A_RUN + 1):
        while await seal(context) == AT_ONCE:  # sealing computes the digests, so it comes before the erasure
            pass
        async with context.db.transaction() as db:
            await queries.lock_chain(db)
            batch = await queries.erase(db, step.user_id, after, AT_ONCE, contact_fields())
            done = batch.looked_at < AT_ONCE and not batch.waiting
            await _erase_outbox(db, batch, [*batch.contacts, *([str(step.user_id)] if done else [])])
            if batch.entries or batch.origins:
                counts = EntriesErased(
                    erasure_id=uuid7(), user_id=step.user_id, entries=batch.entries, origins=batch.origins
                )
                await record(db, counts)
            if not batch.waiting:  # otherwise the batch is repeated when they are sealed
                after = batch.last
            if number == BATCHES_A_RUN and not done:
                await erase_further.defer(db, Erasure(step.user_id, after))
        if done:
            return


async def _erase_outbox(db: Transaction, batch: Batch, words: list[str]) -> None:
    """Erase the same events from the outbox, and discard dead tasks that contain one of these words."""
    deletion, _, _ = address(UserDeleted)
    discarded = [(each.id, "event", each.type) for each in await erase_events(db, batch.about, batch.caused, deletion)]
    if words:
        discarded += [(each.id, "task", each.type) for each in await erase_tasks(db, words, deletion)]
    for letter, kind, what in discarded:
        await record(db, DeadLetterDiscarded(dead_letter_id=letter, kind=kind, what=what))


tasks: list[Task[Any]] = [erase, erase_further]
