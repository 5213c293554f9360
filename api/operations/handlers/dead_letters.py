"""Dead letters and the outbox."""

from datetime import datetime
from uuid import UUID

import msgspec

from api.kernel import Context, Cursors, Page, record
from api.kernel.outbox.backlog import measure_waiting
from api.operations import queries
from api.operations.bulk import DISCARD, RETRY, decide_in_time
from api.operations.events import DeadLetterDiscarded, DeadLetterRetried
from api.operations.types import (
    BulkResult,
    DeadLetter,
    DeadLetterDetails,
    DeadLetterFilter,
    DeadLetterQuery,
    OutboxReport,
)


async def list_dead_letters(context: Context, query: DeadLetterQuery) -> Page[DeadLetter]:
    """List dead letters, newest first.

    `total` is the number of those that match the filter."""
    cursors = Cursors(context.settings, "dead letters", query.kind, query.type, query.key)
    dead_at, id = cursors.read(query.cursor, datetime, UUID)
    found = await queries.list_dead_letters(context.db, query.kind, query.type, query.key, dead_at, id, query.limit + 1)
    total = await queries.count_dead_letters(context.db, query.kind, query.type, query.key)
    return cursors.page(found, query.limit, total, lambda letter: (letter.dead_at, letter.id))


async def get_dead_letter(context: Context, id: UUID) -> DeadLetterDetails:
    """Get a dead letter with its data."""
    fields = msgspec.structs.asdict(await queries.read_dead_letter(context.db, id))
    content = fields.pop("content")
    return DeadLetterDetails(**fields, data=None if content is None else msgspec.json.decode(content))


async def retry_dead_letters(context: Context, body: DeadLetterFilter) -> BulkResult:
    """Retry the matching dead letters, oldest first.

    Each is recorded as an event. Repeat the request while `left` is not 0."""
    return await decide_in_time(context.db, body, RETRY)


async def discard_dead_letters(context: Context, body: DeadLetterFilter) -> BulkResult:
    """Discard the matching dead letters, oldest first.

    Each is recorded as an event. Repeat the request while `left` is not 0."""
    return await decide_in_time(context.db, body, DISCARD)


async def retry_dead_letter(context: Context, id: UUID) -> None:
    """Retry a dead letter under the same id.

    An event is sent before later events of its key, a task gets all of its attempts again, and a message is published
    to its topic again."""
    async with context.db.transaction() as db:
        letter = await queries.retry(db, id)
        await record(db, DeadLetterRetried(dead_letter_id=letter.id, kind=letter.kind, what=letter.type))


async def discard_dead_letter(context: Context, id: UUID) -> None:
    """Discard a dead letter permanently.

    Events that were held back behind it continue without it."""
    async with context.db.transaction() as db:
        letter = await queries.discard(db, id)
        await record(db, DeadLetterDiscarded(dead_letter_id=letter.id, kind=letter.kind, what=letter.type))


async def get_outbox(context: Context) -> OutboxReport:
    """Get the backlog of the outbox.

    Pending events by topic and pending tasks by name, each with the age of the oldest, the number held back behind a
    dead letter of their key, and the number of dead letters, including those of messages. Counts stop at 10,000."""
    return OutboxReport((await measure_waiting(context)).backlogs)
