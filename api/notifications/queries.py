"""One typed signature for each file in sql/notifications/."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from api.kernel import UNAUTHORIZED, Autocommit, Counted, Database, Transaction, query
from api.notifications.types import (
    Content,
    DigestItem,
    DigestRecipient,
    DigestTimes,
    Expired,
    Joined,
    Key,
    Made,
    Mail,
    Marked,
    Notice,
    NoticeCounts,
    NotificationJob,
    OwnSwitch,
    Recipient,
    RoleSwitch,
    Sent,
    Switch,
)

# Sending


@query
async def find_recipient(db: Database, user_id: UUID) -> Recipient | None: ...


@query
async def find_language(db: Database, user_id: UUID) -> str | None: ...


@query
async def insert_send(
    db: Transaction,
    id: UUID,
    source: str,
    key: str,
    digest: bytes,
    sender_id: UUID | None,
    content: Content,
    audience: str,
    role: str | None,
    total: int,
) -> UUID | None: ...


@query
async def find_sent(db: Database, source: str, key: str) -> Sent | None: ...


@query
async def get_job(db: Database, id: UUID, sender_id: UUID | None) -> NotificationJob: ...


@query
async def list_jobs(
    db: Database, sender_id: UUID | None, before: UUID, most: int, counted: int
) -> Counted[NotificationJob]: ...


@query
async def cancel_send(db: Transaction, id: UUID, sender_id: UUID | None) -> UUID | None: ...


@query
async def count_audience(db: Database, role: str | None) -> int: ...


@query
async def insert_for_accounts(
    db: Transaction, send_id: UUID, user_ids: list[UUID], content: Content, mails: bool
) -> list[Made]: ...


@query
async def insert_for_audience(db: Transaction, send_id: UUID, most: int) -> list[Made]: ...


# The list


@query
async def list_mine(
    db: Database, user_id: UUID, unread: bool, kind: str | None, before: int | None, most: int, counted: int
) -> Counted[Notice]: ...


@query
async def find_counts(db: Database, user_id: UUID) -> NoticeCounts | None: ...


@query
async def get(db: Database, id: UUID, user_id: UUID) -> Notice: ...


@query
async def get_number(db: Database, id: UUID, user_id: UUID) -> int: ...


@query
async def lock_box(db: Transaction, user_id: UUID) -> UUID | None: ...


@query
async def mark_read(db: Transaction, user_id: UUID, up_to: int | None, ids: list[UUID]) -> Marked: ...


@query
async def mark_seen(db: Transaction, user_id: UUID, up_to: int | None, ids: list[UUID]) -> Marked: ...


@query
async def mark_unread(db: Transaction, user_id: UUID, id: UUID) -> Marked: ...


@query
async def delete(db: Transaction, user_id: UUID, id: UUID) -> Marked: ...


@query
async def delete_mine(db: Transaction, user_id: UUID) -> Marked: ...


# Preferences


@query
async def open_box(db: Transaction, user_id: UUID) -> DigestTimes | None: ...


@query
async def find_digest_times(db: Database, user_id: UUID) -> DigestTimes | None: ...


@query
async def change_digest_times(db: Transaction, user_id: UUID, every: str, hour: int, zone: str | None) -> None: ...


@query
async def list_switches(db: Database, user_id: UUID, groups: list[str]) -> list[Switch]: ...


@query(notification_switches_user_id_fkey=UNAUTHORIZED)
async def replace_switches(db: Transaction, user_id: UUID, switches: list[OwnSwitch]) -> None: ...


@query
async def lock_role_switches(db: Transaction) -> None: ...


@query
async def list_role_switches(db: Database, role: str | None, most: int) -> list[RoleSwitch]: ...


@query
async def replace_role_switches(db: Transaction, role: str, switches: list[OwnSwitch]) -> None: ...


@query
async def switch_mails_off(db: Transaction, user_id: UUID, groups: list[str]) -> list[str]: ...


@query
async def list_keys(db: Database) -> list[Key]: ...


# Mails


@query
async def find_mail(db: Database, id: UUID) -> Mail | None: ...


@query
async def count_mail(db: Transaction, notification_id: UUID, user_id: UUID, most: int) -> UUID | None: ...


@query
async def join_digest(db: Transaction, id: UUID, user_id: UUID, due_at: datetime) -> Joined | None: ...


@query
async def mark_in_digest(db: Transaction, id: UUID, digest_id: UUID) -> None: ...


@query
async def mark_digest_closed(db: Transaction, id: UUID) -> UUID | None: ...


@query
async def find_digest(db: Database, id: UUID) -> DigestRecipient | None: ...


@query
async def list_digest(db: Database, digest_id: UUID, most: int) -> list[DigestItem]: ...


# Upkeep


@query
async def lock_old_boxes(db: Transaction, days: int, most: int) -> list[UUID]: ...


@query
async def delete_old(db: Transaction, user_ids: list[UUID], days: int, most: int) -> list[Expired]: ...


@query
async def delete_old_sends(db: Autocommit, most: int) -> int: ...


@query
async def delete_old_digests(db: Autocommit, most: int) -> int: ...


@query
async def delete_old_mail_times(db: Autocommit, most: int) -> int: ...


# Personal data


@query
def export_notifications(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
def export_switches(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
def export_box(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
def export_sends(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
async def erase_sends(db: Transaction, user_id: UUID, most: int) -> int: ...
