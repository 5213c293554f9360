"""Retrying and discarding many dead letters: in batches, the oldest first, each recorded by itself."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from api.kernel import NOT_FOUND, Database, Transaction, record
from api.operations import queries
from api.operations.errors import FILTER_INVALID
from api.operations.events import DeadLetterDiscarded, DeadLetterRetried
from api.operations.types import DeadLetter, DeadLetterFilter, Decided, InBulk, Matching

BATCH = 100
"""Dead letters in one transaction."""
REQUEST_SECONDS = 5.0
"""After so long a request begins no further batch. A handler may take 15."""


class Decision(msgspec.Struct, frozen=True):
    """What becomes of dead letters, and how that is recorded."""

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
    """How many the filter selects, by kind and type."""
    age = timedelta(seconds=wanted.older_than or 0)
    return await queries.count_matching(db, wanted.kind, wanted.type, wanted.key, wanted.ids, age)


async def matching(
    db: Database, wanted: DeadLetterFilter, until: datetime, size: int = BATCH
) -> AsyncIterator[list[DeadLetter]]:
    """What the filter selects, in pages, of those given up `until` then."""
    dead_at, id = None, None
    while found := await queries.match_dead_letters(
        db, wanted.kind, wanted.type, wanted.key, wanted.ids, until, dead_at, id, size
    ):
        yield found
        dead_at, id = found[-1].dead_at, found[-1].id


async def decide(db: Database, wanted: DeadLetterFilter, until: datetime, decision: Decision) -> AsyncIterator[int]:
    """Retry or discard what the filter selects; yields the number decided after each batch. What somebody else decides
    meanwhile is not counted."""
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


async def decide_in_time(db: Database, wanted: DeadLetterFilter, decision: Decision) -> InBulk:
    """As many batches as fit into a request. Raises FILTER_INVALID where the filter selects nothing in
    particular."""
    refuse_vague(wanted)
    counts = await count_matching(db, wanted)
    if not counts:
        return InBulk(0, 0)
    decided, stop = 0, time.monotonic() + REQUEST_SECONDS
    async for decided in decide(db, wanted, counts[0].until, decision):
        if time.monotonic() >= stop:
            return InBulk(decided, max(0, sum(each.letters for each in counts) - decided))
    return InBulk(decided, 0)


def refuse_vague(wanted: DeadLetterFilter) -> None:
    """Raises FILTER_INVALID unless the filter has `all` or another field, and not both."""
    if wanted.all == (wanted != DeadLetterFilter(all=wanted.all)):
        raise FILTER_INVALID
