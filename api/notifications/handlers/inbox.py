"""The caller's notifications and their counts. Each change locks the account's box, and changes the counts in the
statement that changes the rows."""

from uuid import UUID

from msgspec import UNSET

from api.kernel import (
    NOT_FOUND,
    VALIDATION_FAILED,
    Context,
    Cursors,
    FieldError,
    Page,
    Principal,
    Transaction,
    record,
)
from api.notifications import queries
from api.notifications.events import NotificationsChanged
from api.notifications.types import Marked, Notice, NoticeChange, NoticeCounts, NoticeSearch, NoticeSelection

MOST_COUNTED = 10_000


async def list_notifications(context: Context, principal: Principal, query: NoticeSearch) -> Page[Notice]:
    """List the caller's notifications, newest first. `total` counts up to 10,000."""
    cursors = Cursors(context.settings, "notifications", principal.id, query.unread, query.kind)
    [before] = cursors.read(query.cursor, int)
    found = await queries.list_mine(
        context.db, principal.id, query.unread, query.kind, before, query.limit + 1, MOST_COUNTED
    )
    return cursors.page(found.items, query.limit, found.total or 0, lambda notice: (notice.number,))


async def count_notifications(context: Context, principal: Principal) -> NoticeCounts:
    """Count the caller's notifications that were not seen, and those that were not read."""
    return await queries.find_counts(context.db, principal.id) or NoticeCounts(0, 0)


async def change_notification(context: Context, principal: Principal, id: UUID, body: NoticeChange) -> Notice:
    """Mark a notification as read, unread or seen."""
    async with context.db.transaction() as db:
        await queries.lock_box(db, principal.id)
        await queries.get(db, id, principal.id)
        if body.is_read is True:
            await _announce(db, principal, "read", await queries.mark_read(db, principal.id, None, [id]))
        if body.is_read is False:
            await _announce(db, principal, "unread", await queries.mark_unread(db, principal.id, id))
        if body.is_seen is True:
            await _announce(db, principal, "seen", await queries.mark_seen(db, principal.id, None, [id]))
        return await queries.get(db, id, principal.id)


async def read_notifications(context: Context, principal: Principal, body: NoticeSelection) -> Marked:
    """Mark notifications as read: some, or one and all that arrived before it. Later ones, which the caller cannot have
    seen, stay unread."""
    async with context.db.transaction() as db:
        up_to, ids = await _selected(db, principal, body)
        marked = await queries.mark_read(db, principal.id, up_to, ids)
        await _announce(db, principal, "read", marked)
    return marked


async def see_notifications(context: Context, principal: Principal, body: NoticeSelection) -> Marked:
    """Mark notifications as seen: some, or one and all that arrived before it."""
    async with context.db.transaction() as db:
        up_to, ids = await _selected(db, principal, body)
        marked = await queries.mark_seen(db, principal.id, up_to, ids)
        await _announce(db, principal, "seen", marked)
    return marked


async def delete_notification(context: Context, principal: Principal, id: UUID) -> None:
    """Delete a notification."""
    async with context.db.transaction() as db:
        await queries.lock_box(db, principal.id)
        await _announce(db, principal, "deleted", await queries.delete(db, principal.id, id))


async def _selected(db: Transaction, principal: Principal, body: NoticeSelection) -> tuple[int | None, list[UUID]]:
    """Lock the box and return the number and ids that are selected. Raises VALIDATION_FAILED, and NOT_FOUND for an
    unknown `up_to`."""
    if (body.up_to is UNSET) == (body.ids is UNSET):
        raise VALIDATION_FAILED(errors=[FieldError("", "Give either up_to or ids.", "selection")])
    if await queries.lock_box(db, principal.id) is None:
        raise NOT_FOUND
    if body.up_to is not UNSET:
        return await queries.get_number(db, body.up_to, principal.id), []
    return None, [] if body.ids is UNSET else body.ids


async def _announce(db: Transaction, principal: Principal, how: str, marked: Marked) -> None:
    if marked.changed:
        event = NotificationsChanged(user_id=principal.id, how=how, unseen=marked.unseen, unread=marked.unread)
        await record(db, event)
