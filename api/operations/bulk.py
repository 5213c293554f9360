"""Bulk retry and discard of dead letters: in batches, oldest first, each recorded as an event."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from api.kernel import NOT_FOUND, Database, Transaction, record
from api.operations import queries
from api.operations.errors import FILTER_INVALID
from api.operations.events import DeadLetterDiscarded, DeadLetterRetried
from api.operations.types import BulkResult, DeadLetter, DeadLetterFilter, Decided, Matching

BATCH = 100
"""Dead letters per transaction."""
REQUEST_SECONDS = 5.0
"""No further batch starts after this time of a request. A handler may take 15 seconds."""


class Decision(msgspec.Struct, frozen=True):
    """An action on dead letters and the event that records it."""

    verb: str
    done: str
    apply: Callable[[Transaction, UUID], Awaitable[Decided]]
    event: type[DeadLetterRetried | DeadLetterDiscarded]


RETRY = Decision("retry", "retried", queries.retry, DeadLetterRetried)
DISCARD = Decision("discard", "discarded", queries.discard, DeadLetterDiscarded)


async def find_dead_letter(db: Database, id: UUID) -> DeadLetter:
    """Raises NOT_FOUND."""
    found = await queries.match_dead_letters(db, None, None, None, [id], None, None, None, 1)
    if not found:
        raise NOT_FOUND
    return found[0]


async def count_matching(db: Database, wanted: DeadLetterFilter) -> list[Matching]:
    """Count the matching dead letters by kind and type."""
    age = timedelta(seconds=wanted.older_than or 0)
    return await queries.count_matching(db, wanted.kind, wanted.type, wanted.key, wanted.ids, age)


async def matching(
    db: Database, wanted: DeadLetterFilter, until: datetime, size: int = BATCH
) -> AsyncIterator[list[DeadLetter]]:
    """Yield the matching dead letters that failed no later than `until`, in pages."""
    dead_at, id = None, None
    while found := await queries.match_dead_letters(
        db, wanted.kind, wanted.type, wanted.key, wanted.ids, until, dead_at, id, size
    ):
        yield found
        dead_at, id = found[-1].dead_at, found[-1].id


async def decide(db: Database, wanted: DeadLetterFilter, until: datetime, decision: Decision) -> AsyncIterator[int]:
    """Retry or discard the matching dead letters; yields the number so far after each batch. Those that are decided
    concurrently by others are not counted."""
    decided = 0
    async for letters in matching(db, wanted, until):
        async with db.transaction() as tx:
            decided += sum([await _decide_one(tx, letter.id, decision) for letter in letters])
        yield decided


async def _decide_one(db: Transaction, id: UUID, decision: Decision) -> bool:
    try:
        letter = await decision.apply(db, id)
    except NOT_FOUND:
        return False
    await record(db, decision.event(dead_letter_id=letter.id, kind=letter.kind, what=letter.type))
    return True


async def decide_in_time(db: Database, wanted: DeadLetterFilter, decision: Decision) -> BulkResult:
    """Process as many batches as fit into a request. Raises FILTER_INVALID for a filter without a condition."""
    refuse_vague(wanted)
    counts = await count_matching(db, wanted)
    if not counts:
        return BulkResult(0, 0)
    decided, stop = 0, time.monotonic() + REQUEST_SECONDS
    async for decided in decide(db, wanted, counts[0].until, decision):
        if time.monotonic() >= stop:
            return BulkResult(decided, max(0, sum(each.letters for each in counts) - decided))
    return BulkResult(decided, 0)


def refuse_vague(wanted: DeadLetterFilter) -> None:
    """Raises FILTER_INVALID unless the filter has either `all` or another field."""
    if wanted.all == (wanted != DeadLetterFilter(all=wanted.all)):
        raise FILTER_INVALID
