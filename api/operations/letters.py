"""Terminal output for dead letters and orphaned tasks."""

import sys
from collections.abc import Sequence
from uuid import UUID

from api.kernel import NOT_FOUND, Context, record
from api.kernel.process.terminal import show
from api.operations import bulk, queries
from api.operations.events import DeadLetterDiscarded
from api.operations.people import Refused
from api.operations.types import DeadLetter, DeadLetterFilter, Matching, Orphans

PROGRESS = 1000
"""Dead letters between two lines of progress."""
BATCH = 100


async def show_one(context: Context, id: UUID) -> None:
    """Print the fields that have a value. Raises Refused."""
    try:
        letter = await bulk.find_dead_letter(context.db, id)
    except NOT_FOUND:
        raise Refused("no dead letter has this id; it may have been retried or discarded.") from None
    fields = {name: getattr(letter, name) for name in letter.__struct_fields__}
    show("\n".join(f"{name:<11}{_plain(value)}" for name, value in fields.items() if value is not None))


async def show_many(context: Context, wanted: DeadLetterFilter, most: int, known: list[str]) -> None:
    """Print the counts, then the oldest dead letters, then the commands for orphaned tasks. Raises Problem."""
    counts, left = await count(context, wanted), most
    if counts and left > 0:
        show("")
        async for letters in bulk.matching(context.db, wanted, counts[0].until):
            show("\n".join(map(_line, letters[:left])))
            left -= len(letters)
            if left <= 0:
                break
    for each in await queries.count_orphans(context.db, known, None):
        show(f"{_orphans(each)}; python -m api.operations orphans discard --type {_plain(each.type)}")


async def count(context: Context, wanted: DeadLetterFilter) -> list[Matching]:
    """Print the number of matching dead letters. Raises Problem."""
    counts = await bulk.count_matching(context.db, wanted)
    for each in counts:
        show(f"{each.letters:>8}  {each.kind:<8}{_plain(each.type)}, the oldest of {each.oldest:%Y-%m-%d %H:%M} UTC")
    show(f"{total(counts)}." if counts else "no dead letters match.")
    return counts


def total(counts: Sequence[Matching]) -> str:
    return f"{sum(each.letters for each in counts)} dead letter(s)"


async def decide(
    context: Context, wanted: DeadLetterFilter, counts: Sequence[Matching], decision: bulk.Decision
) -> None:
    """Retry or discard the counted dead letters, with progress output. Raises Problem."""
    decided, reported = 0, 0
    async for decided in bulk.decide(context.db, wanted, counts[0].until, decision):
        if decided - reported >= PROGRESS:
            reported = decided
            show(f"operations: {decided} of {total(counts)} {decision.done} …", sys.stderr)
    show(f"{decided} {decision.done}.")


async def count_orphans(context: Context, known: list[str], task: str | None) -> int:
    """Print the number of pending tasks without a feature, by name. Raises Problem."""
    found = await queries.count_orphans(context.db, known, task)
    show("\n".join(map(_orphans, found)) or "no orphaned tasks.")
    return sum(each.tasks for each in found)


async def discard_orphans(context: Context, known: list[str], task: str) -> None:
    """Raises Problem."""
    discarded = 0
    while True:
        async with context.db.transaction() as db:
            gone = await queries.discard_orphans(db, known, task, BATCH)
            for each in gone:
                await record(db, DeadLetterDiscarded(dead_letter_id=each.id, kind=each.kind, what=each.type))
        if not gone:
            break
        discarded += len(gone)
    show(f"{discarded} discarded.")


def _orphans(each: Orphans) -> str:
    return (
        f"{each.tasks:>8}  {_plain(each.type)}: pending, no such task; the oldest of {each.oldest:%Y-%m-%d %H:%M} UTC"
    )


def _line(letter: DeadLetter) -> str:
    key = f" of {letter.event_key}" if letter.event_key else ""
    why = f"{letter.attempts} attempt(s), {_plain(letter.reason or 'no reason')}"
    return f"{letter.id}  {letter.dead_at:%Y-%m-%d %H:%M}  {letter.kind} {_plain(letter.type)}{key}: {why}"


def _plain(value: object) -> str:
    """Replace control characters: a reason may quote another system."""
    return "".join(each if each.isprintable() else "?" for each in str(value))
