"""What was given up, and what waits."""

from datetime import datetime
from uuid import UUID

from api.kernel import Context, Cursors, Page, get, post, record, superuser
from api.kernel.outbox.backlog import measure_waiting
from api.operations import queries
from api.operations.bulk import DISCARD, RETRY, decide_in_time, find_dead_letter
from api.operations.errors import FILTER_INVALID
from api.operations.events import DeadLetterDiscarded, DeadLetterRetried
from api.operations.types import DeadLetter, DeadLetterFilter, DeadLetterQuery, InBulk, OutboxReport


async def list_dead_letters(context: Context, query: DeadLetterQuery) -> Page[DeadLetter]:
    """What was given up and waits for a decision, the latest first."""
    cursors = Cursors(context.settings, "dead letters")
    dead_at, id = cursors.read(query.cursor, datetime, UUID)
    found = await queries.list_dead_letters(context.db, dead_at, id, query.limit + 1)
    total = await queries.count_dead_letters(context.db)
    return cursors.page(found, query.limit, total, lambda letter: (letter.dead_at, letter.id))


async def show_dead_letter(context: Context, id: UUID) -> DeadLetter:
    """One dead letter."""
    return await find_dead_letter(context.db, id)


async def retry_dead_letters(context: Context, body: DeadLetterFilter) -> InBulk:
    """Retry the dead letters that the filter selects, the oldest first, each recorded by itself. Ask again while some
    are `left`."""
    return await decide_in_time(context.db, body, RETRY)


async def discard_dead_letters(context: Context, body: DeadLetterFilter) -> InBulk:
    """Discard the dead letters that the filter selects, the oldest first, each recorded by itself. Ask again while some
    are `left`."""
    return await decide_in_time(context.db, body, DISCARD)


async def retry_dead_letter(context: Context, id: UUID) -> None:
    """Try it again, under the same id: an event before the later ones of its key, a task with all its attempts, a
    message by publishing it to its topic once more."""
    async with context.db.transaction() as db:
        letter = await queries.retry(db, id)
        await record(db, DeadLetterRetried(dead_letter_id=letter.id, kind=letter.kind, what=letter.type))


async def discard_dead_letter(context: Context, id: UUID) -> None:
    """Give it up for good. What waited behind an event goes on without it."""
    async with context.db.transaction() as db:
        letter = await queries.discard(db, id)
        await record(db, DeadLetterDiscarded(dead_letter_id=letter.id, kind=letter.kind, what=letter.type))


async def show_outbox(context: Context) -> OutboxReport:
    """What waits for Kafka, by topic, and for the worker, by task: how many, for how long, how many are held back
    behind a dead letter of their key, and how many dead letters there are, of messages too. Counts stop at 10,000."""
    return OutboxReport((await measure_waiting(context)).backlogs)


routes = [
    get("/operations/dead-letters", list_dead_letters, guard=superuser),
    post("/operations/dead-letters/retry", retry_dead_letters, guard=superuser, errors=(FILTER_INVALID,)),
    post("/operations/dead-letters/discard", discard_dead_letters, guard=superuser, errors=(FILTER_INVALID,)),
    get("/operations/dead-letters/{id}", show_dead_letter, guard=superuser),
    post("/operations/dead-letters/{id}/retry", retry_dead_letter, guard=superuser, status=204),
    post("/operations/dead-letters/{id}/discard", discard_dead_letter, guard=superuser, status=204),
    get("/operations/outbox", show_outbox, guard=superuser),
]
