"""Routes of the audit log: an account's own activity, and all entries for administrators."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from api.audit import queries
from api.audit.chain import verify_end
from api.audit.types import Activity, ActivityQuery, AuditEntry, AuditQuery, EntryRow, Verification
from api.kernel import Context, Cursors, Page, Principal, get, outside_activity, signed_in, superuser

EPOCH, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
CLOCKS = 3_600_000
"""Milliseconds by which the clocks of processes and of PostgreSQL, or a transaction's start and end, may differ."""


async def list_my_activity(context: Context, principal: Principal, query: ActivityQuery) -> Page[Activity]:
    """List the activity of the caller's own account, newest first.

    It includes sign-ins, changes and failed sign-ins; `data.attempts` is the number of failures that an entry stands
    for. `total` is exact below 10,000; 10,000 means at least that many."""
    cursors = Cursors(context.settings, "activity", principal.id)
    (before,) = cursors.read(query.cursor, UUID)
    rows = await queries.list_activity(context.db, principal.id, before, query.limit + 1, outside_activity())
    entries = [
        Activity(**{**msgspec.structs.asdict(row), "data": msgspec.json.decode(row.data or "{}")}) for row in rows
    ]
    total = await queries.count_activity(context.db, principal.id, outside_activity())
    return cursors.page(entries, query.limit, total, lambda entry: (entry.id,))


async def list_audit_entries(context: Context, query: AuditQuery) -> Page[AuditEntry]:
    """List all audit entries, newest first, with their position in the hash chain.

    `from` (inclusive) and `until` (exclusive) limit `created_at`. `total` is exact below 10,000; 10,000 means at
    least that many."""
    since, until = _within(query.since), _within(query.until)
    filters = (query.user_id, query.type, since, until)
    cursors = Cursors(context.settings, "audit", *filters)
    (before,) = cursors.read(query.cursor, UUID)
    ids = ids_between(since, until)
    rows = await queries.list_entries(context.db, *filters, *ids, before, query.limit + 1)
    total = await queries.count_entries(context.db, *filters, *ids)
    return cursors.page([*map(_shown, rows)], query.limit, total, lambda entry: (entry.id,))


def ids_between(since: datetime | None, until: datetime | None) -> tuple[UUID | None, UUID | None]:
    """Return bounds of the ids (UUIDv7) of entries of this time, with which an index finds them. The time of an id is
    that of a process and `created_at` that of a transaction's start in PostgreSQL, so the bounds are CLOCKS wider."""
    least = None if since is None else UUID(int=max(_milliseconds(since) - CLOCKS, 0) << 80)
    most = None if until is None else UUID(int=_milliseconds(until) + CLOCKS << 80)
    return least, most


def _milliseconds(time: datetime) -> int:
    return (time - EPOCH) // timedelta(milliseconds=1)


def _within(time: datetime | None) -> datetime | None:
    """Limit a time to the years that UTC and UUIDv7 have in every time zone."""
    return time and min(max(time, EPOCH), LATEST)


async def verify_audit(context: Context) -> Verification:
    """Verify the last 500 sealed entries of the hash chain, each against its predecessor.

    `python -m api.audit` verifies all of them."""
    walked, first, broken = await verify_end(context.db)
    return Verification(
        checked=walked.head.last + 1 - first,
        first=first,
        last=walked.head.last,
        hash=walked.head.link.hex(),
        whole=first == walked.removed + 1,
        broken=broken,
        checked_at=datetime.now(UTC),
    )


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
    get("/audit/verification", verify_audit, guard=superuser),
]
