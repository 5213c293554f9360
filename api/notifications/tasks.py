"""Work of the worker: distributing role-wide sends, and mails."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from api.kernel import Context, Task, Template, Transaction, record, task, uuid7
from api.notifications import queries, tokens
from api.notifications.events import NotificationCreated, NotificationsChanged
from api.notifications.security import Alarming, notify_owner
from api.notifications.sending import announce, content_of, notify
from api.notifications.settings import NotificationSettings, is_zone
from api.notifications.types import DigestItem, Mail, Notification
from api.notifications.windows import end_of_day, end_of_window
from api.users.events import UserClaimed

AT_ONCE = 1000
MOST_LISTED = 500
"""Maximum items of a digest; the mail counts the others."""

EMAILS = Path(__file__).parent / "emails"
NOTIFICATION, DIGEST = Template(EMAILS, "notification"), Template(EMAILS, "digest")


class Distribution(msgspec.Struct, frozen=True):
    send_id: UUID


class DigestDue(msgspec.Struct, frozen=True):
    digest_id: UUID


class DigestClosed(msgspec.Struct, frozen=True):
    digest_id: UUID


@task(on=Distribution, transactional=True)
async def distribute(context: Context, wanted: Distribution, id: UUID, db: Transaction) -> None:
    """Notify the next 1,000 accounts of a role-wide send, and defer the rest. The progress is stored in the same
    transaction, so that no account is notified twice."""
    made = await queries.insert_for_audience(db, wanted.send_id, AT_ONCE)
    await announce(db, made)
    if len(made) == AT_ONCE:
        await distribute.defer(db, wanted)


@task(on=NotificationCreated)
async def mail_notification(context: Context, event: NotificationCreated, id: UUID) -> None:
    """Send the mail, if the account wants one; or put the notification into its digest. The account's switches are
    those of this moment."""
    mail = await queries.find_mail(context.db, event.notification_id)
    if mail is None or mail.value == "off" or mail.digest_id is not None:
        return
    settings = context.settings.of(NotificationSettings)
    if not mail.is_counted:
        async with context.db.transaction() as db:
            await queries.lock_box(db, mail.user_id)
            if mail.value == "digest":
                return await _join_digest(db, event.notification_id, mail, settings)
            if await queries.count_mail(db, event.notification_id, mail.user_id, settings.mails_per_hour) is None:
                hourly = msgspec.structs.replace(mail, every="hour")
                return await _join_digest(db, event.notification_id, hourly, settings)
    application = context.settings.public_url
    token = await tokens.make(context, mail.user_id, mail.group)
    message = NOTIFICATION.render(
        id=str(id),
        to=mail.email,
        language=mail.language,
        account=mail.user_id,
        headers=_headers(application, token),
        subject=mail.subject,
        text=mail.text,
        link=application + mail.link if mail.link else None,
        application=application,
        unsubscribe=f"{application}/unsubscribe#token={token}",
    )
    await context.mail.send(message)


async def _join_digest(db: Transaction, id: UUID, mail: Mail, settings: NotificationSettings) -> None:
    """Join the digest of the window, or open it, with a task for its end. If it was closed meanwhile, join the next."""
    due_at = datetime.now(UTC)
    joined = None
    while joined is None:
        if mail.every == "hour":
            due_at = end_of_window(due_at, settings.digest_minutes)
        else:
            # A newer release of the database may lack a zone that was chosen.
            zone = mail.zone if mail.zone and is_zone(mail.zone) else settings.zone
            due_at = end_of_day(due_at, mail.hour, zone)
        joined = await queries.join_digest(db, uuid7(), mail.user_id, due_at)
    await queries.mark_in_digest(db, id, joined.id)
    if joined.items == 1:
        await close_digest.defer(db, DigestDue(joined.id), id=joined.id, at=due_at)


@task(on=DigestDue, transactional=True)
async def close_digest(context: Context, due: DigestDue, id: UUID, db: Transaction) -> None:
    """Close a digest at the end of its window. Its mail is deferred in the same transaction, so that there is one."""
    if await queries.mark_digest_closed(db, due.digest_id):
        await send_digest.defer(db, DigestClosed(due.digest_id), id=due.digest_id)


@task(on=DigestClosed)
async def send_digest(context: Context, closed: DigestClosed, id: UUID) -> None:
    """Send the mail of a digest, unless all of its groups were switched off meanwhile."""
    recipient = await queries.find_digest(context.db, closed.digest_id)
    items = await queries.list_digest(context.db, closed.digest_id, MOST_LISTED + 1) if recipient else []
    if recipient is None or not items:
        return
    application = context.settings.public_url
    token = await tokens.make(context, recipient.user_id, _group_of(items))
    mail = DIGEST.render(
        id=str(id),
        to=recipient.email,
        language=recipient.language,
        account=recipient.user_id,
        headers=_headers(application, token),
        items=items[:MOST_LISTED],
        has_more=len(items) > MOST_LISTED,
        application=application,
        unsubscribe=f"{application}/unsubscribe#token={token}",
    )
    await context.mail.send(mail)


def _group_of(items: list[DigestItem]) -> str:
    [first, *others] = {item.group for item in items}
    return tokens.ALL if others else first


def _headers(application: str, token: str) -> dict[str, str]:
    """The headers of one-click unsubscription (RFC 8058 §3.1)."""
    return {
        "List-Unsubscribe": f"<{application}/api/notifications/unsubscribe?token={token}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


@task(on=Alarming, transactional=True)
async def show_alarm(context: Context, event: Alarming, id: UUID, db: Transaction) -> None:
    """Notify an account about a change of its credentials, a new device or a copied token."""
    await notify_owner(db, id, event)


@task(on=UserClaimed, transactional=True)
async def forget(context: Context, event: UserClaimed, id: UUID, db: Transaction) -> None:
    """Delete the notifications of an account that the owner of its address took over from another person, except those
    about its security."""
    if await queries.lock_box(db, event.user_id):
        left = await queries.delete_mine(db, event.user_id)
        if left.changed:
            counts = NotificationsChanged(user_id=event.user_id, how="deleted", unseen=left.unseen, unread=left.unread)
            await record(db, counts)


@task(on=Notification, transactional=True)
async def send_notification(context: Context, wanted: Notification, id: UUID, db: Transaction) -> None:
    """Notify an account as an earlier release deferred it."""
    content = content_of(context, "product.message", wanted.subject, wanted.text, None)
    await notify(db, id, [wanted.user_id], content)


mails: list[Task[Any]] = [mail_notification, send_digest]
tasks: list[Task[Any]] = [
    distribute,
    mail_notification,
    close_digest,
    send_digest,
    show_alarm,
    forget,
    send_notification,
]
