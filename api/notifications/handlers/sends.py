"""Sending notifications, and the progress of role-wide sends."""

import hashlib
from uuid import UUID

import msgspec
from msgspec import UNSET

from api.kernel import (
    VALIDATION_FAILED,
    Context,
    Cursors,
    FieldError,
    Page,
    Principal,
    Transaction,
    record,
    uuid7,
)
from api.notifications import queries
from api.notifications.errors import NOTIFICATION_KEY_REUSED, NOTIFICATION_SEND_DONE
from api.notifications.events import NotificationsSent, SendCancelled
from api.notifications.sending import content_of, notify
from api.notifications.tasks import Distribution, distribute
from api.notifications.types import Audience, AudienceQuery, Content, JobSearch, NewNotification, NotificationJob

MOST_REPORTED = 20
MOST_COUNTED = 10_000
NEWEST = UUID(int=2**128 - 1)


async def send_notification(
    context: Context, principal: Principal, body: NewNotification, idempotency_key: str | None
) -> NotificationJob:
    """Notify accounts: up to 1,000 at once, or those with a role, or everyone, by a job of the worker. Repeated with
    the same Idempotency-Key within 30 days, it sends nothing and answers with the first one's job."""
    id, content = uuid7(), content_of(context, body.kind, body.subject, body.text, body.link, body.data)
    audience, role = _audience(body)
    # The kernel has validated the key, and answers its repetitions for a day; the row does for 30.
    source, key = f"account:{principal.id}", idempotency_key or str(id)
    digest = hashlib.sha256(msgspec.json.encode(body)).digest()
    accounts = None if body.user_ids is UNSET else list(dict.fromkeys(body.user_ids))
    async with context.db.transaction() as db:
        total = await queries.count_audience(db, role) if accounts is None else len(accounts)
        sent = await queries.insert_send(db, id, source, key, digest, principal.id, content, audience, role, total)
        if sent is None:
            return await _earlier(db, source, key, digest)
        if accounts is None:
            await distribute.defer(db, Distribution(id))
        else:
            await _notify_all(db, id, accounts, content)
        await record(db, NotificationsSent(send_id=id, kind=content.kind, audience=audience, role=role, total=total))
        return await queries.get_job(db, id, None)


async def count_audience(context: Context, query: AudienceQuery) -> Audience:
    """Count the accounts that a send to a role would notify, or without a role one to everyone."""
    return Audience(await queries.count_audience(context.db, query.role))


async def list_jobs(context: Context, principal: Principal, query: JobSearch) -> Page[NotificationJob]:
    """List the sends of the last 30 days, newest first. Superusers see those of all senders. `total` counts up to
    10,000."""
    cursors = Cursors(context.settings, "sends", principal.id)
    [before] = cursors.read(query.cursor, UUID)
    found = await queries.list_jobs(context.db, _sender(principal), before or NEWEST, query.limit + 1, MOST_COUNTED)
    return cursors.page(found.items, query.limit, found.total or 0, lambda job: (job.id,))


async def show_job(context: Context, principal: Principal, id: UUID) -> NotificationJob:
    """Show the progress of a send. Superusers see those of all senders."""
    return await queries.get_job(context.db, id, _sender(principal))


async def cancel_job(context: Context, principal: Principal, id: UUID) -> NotificationJob:
    """Cancel a send to a role or to everyone. Accounts that are already notified stay so; the others are not."""
    async with context.db.transaction() as db:
        cancelled = await queries.cancel_send(db, id, _sender(principal))
        job = await queries.get_job(db, id, _sender(principal))
        if job.state == "done":
            raise NOTIFICATION_SEND_DONE
        if cancelled:
            await record(db, SendCancelled(send_id=id, kind=job.kind, notified=job.notified, total=job.total))
    return job


def _sender(principal: Principal) -> UUID | None:
    """Return whose sends the caller sees; None: those of all."""
    return None if principal.is_superuser else principal.id


def _audience(body: NewNotification) -> tuple[str, str | None]:
    """Return the audience and its role. Raises VALIDATION_FAILED unless there is one audience."""
    given = [name for name in ("user_ids", "role", "everyone") if getattr(body, name) is not UNSET]
    if len(given) != 1:
        raise VALIDATION_FAILED(errors=[FieldError("", "Give one of user_ids, role and everyone.", "audience")])
    if body.role is not UNSET:
        return "role", body.role
    return ("accounts" if given == ["user_ids"] else "everyone"), None


async def _earlier(db: Transaction, source: str, key: str, digest: bytes) -> NotificationJob:
    """Return the earlier send with this key. Raises NOTIFICATION_KEY_REUSED if it was another one."""
    earlier = await queries.find_sent(db, source, key)
    if earlier is None or earlier.digest != digest:
        raise NOTIFICATION_KEY_REUSED
    return await queries.get_job(db, earlier.id, None)


async def _notify_all(db: Transaction, id: UUID, accounts: list[UUID], content: Content) -> None:
    """Raises VALIDATION_FAILED, which names the accounts that cannot be notified."""
    reached = {made.user_id for made in await notify(db, id, accounts, content)}
    missing = [place for place, account in enumerate(accounts) if account not in reached]
    if missing:
        words = "No active account has this id."
        errors = [FieldError(f"/user_ids/{place}", words, "inactive") for place in missing[:MOST_REPORTED]]
        raise VALIDATION_FAILED(errors=errors)
