"""Routes of the audit log: an account's own activity, and all entries for administrators."""

from uuid import UUID

import msgspec

from api.audit import queries
from api.audit.types import Activity, ActivityQuery, AuditEntry, AuditQuery, EntryRow
from api.kernel import Context, Cursors, Page, Principal, get, signed_in, superuser


async def list_my_activity(context: Context, principal: Principal, query: ActivityQuery) -> Page[Activity]:
    """List the activity of the caller's own account, newest first.

    It includes sign-ins, changes and failed sign-ins; `data.attempts` is the number of failures that an entry stands
    for. `total` is exact below 10,000; 10,000 means at least that many."""
    cursors = Cursors(context.settings, "activity", principal.id)
    (before,) = cursors.read(query.cursor, UUID)
    rows = await queries.list_activity(context.db, principal.id, before, query.limit + 1)
    entries = [
        Activity(**{**msgspec.structs.asdict(row), "data": msgspec.json.decode(row.data or "{}")}) for row in rows
    ]
    total = await queries.count_activity(context.db, principal.id)
    return cursors.page(entries, query.limit, total, lambda entry: (entry.id,))


async def list_audit_entries(context: Context, query: AuditQuery) -> Page[AuditEntry]:
    """List all audit entries, newest first, with their position in the hash chain.

    `total` is exact below 10,000; 10,000 means at least that many."""
    cursors = Cursors(context.settings, "audit", query.user_id, query.type)
    (before,) = cursors.read(query.cursor, UUID)
    rows = await queries.list_entries(context.db, query.user_id, query.type, before, query.limit + 1)
    total = await queries.count_entries(context.db, query.user_id, query.type)
    return cursors.page([*map(_shown, rows)], query.limit, total, lambda entry: (entry.id,))


def _shown(row: EntryRow) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        type=row.type,
        key=row.key,
        data=msgspec.json.decode(row.data) if row.data else None,
        principal_id=row.principal_id,
        address=row.address,
        user_agent=row.user_agent,
        traceparent=row.traceparent,
        created_at=row.created_at,
        position=row.position,
        hash=row.hash.hex() if row.hash else None,
    )


routes = [
    get("/users/me/activity", list_my_activity, guard=signed_in),
    get("/audit", list_audit_entries, guard=superuser),
]
