"""Typed signatures of the queries in sql/users/."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from api.kernel import Autocommit, Counted, Database, Transaction, query
from api.users.errors import REGISTER_USER_ALREADY_EXISTS, UPDATE_USER_EMAIL_ALREADY_EXISTS, USER_ALREADY_EXISTS
from api.users.types import (
    Credentials,
    Expiring,
    Holder,
    ImportedUser,
    MailCount,
    Range,
    Reached,
    Recipient,
    RegistrationRow,
    Standing,
    TokenOwner,
    User,
)


@query
async def cancel_deletion(db: Transaction, id: UUID) -> UUID | None: ...


@query
async def change_account(
    db: Transaction,
    id: UUID,
    name: str | None,
    is_active: bool,
    is_superuser: bool,
    is_verified: bool,
    roles: list[str],
) -> None: ...


@query(users_email_key=UPDATE_USER_EMAIL_ALREADY_EXISTS)
async def change_email(db: Transaction, id: UUID, email: str) -> UUID: ...


@query
async def change_password(db: Transaction, id: UUID, password_hash: str | None, kept_sid: UUID | None) -> UUID: ...


@query
async def change_pending_email(db: Transaction, id: UUID, email: str | None) -> UUID: ...


@query
async def change_profile(db: Transaction, id: UUID, has_name: bool, name: str | None, language: str | None) -> UUID: ...


@query
async def claim(db: Transaction, id: UUID, language: str) -> UUID: ...


@query
async def count_mails(db: Database, user_id: UUID, purpose: str, network: str, task_id: UUID) -> MailCount: ...


@query
async def delete(db: Transaction, id: UUID) -> UUID: ...


@query
async def delete_due(db: Transaction) -> UUID | None: ...


@query
async def delete_old_tokens(db: Autocommit, most: int) -> int: ...


@query
async def delete_unproved(db: Transaction, email: str) -> UUID | None: ...


@query
async def end_sessions(db: Transaction, id: UUID, kept_sid: UUID | None) -> UUID: ...


@query
async def find_credentials(db: Database, id: UUID, sid: UUID) -> Credentials | None: ...


@query
async def find_id(db: Database, email: str) -> UUID | None: ...


@query
async def find_opening(db: Database, token_hash: bytes) -> RegistrationRow | None: ...


@query
async def find_proved(db: Database, token_hash: bytes) -> UUID | None: ...


@query
async def find_reached(db: Database, sort: str, after_id: UUID, after_email: str, distance: int) -> Reached | None: ...


@query
async def find_recipient(db: Database, id: UUID) -> Recipient | None: ...


@query
async def find_standing(db: Database, id: UUID) -> Standing: ...


@query
async def find_token(db: Database, token_hash: bytes, purposes: list[str]) -> TokenOwner | None: ...


@query(together=True)
async def get(db: Database, id: UUID) -> User: ...


@query(users_email_key=REGISTER_USER_ALREADY_EXISTS)
async def insert(
    db: Transaction,
    id: UUID,
    email: str,
    password_hash: str,
    language: str,
    address: str | None,
    user_agent: str | None,
) -> UUID: ...


@query
async def insert_imported(
    db: Transaction,
    ids: list[UUID],
    emails: list[str],
    names: list[str | None],
    roles: list[str],
    password_hashes: list[str | None],
    are_active: list[bool],
    are_verified: list[bool],
    languages: list[str],
) -> list[ImportedUser]: ...


@query(users_email_key=USER_ALREADY_EXISTS)
async def insert_invited(
    db: Transaction,
    id: UUID,
    email: str,
    name: str | None,
    roles: list[str],
    is_superuser: bool,
    is_verified: bool,
    language: str,
) -> UUID: ...


@query
async def insert_revert_token(
    db: Autocommit, token_hash: bytes, user_id: UUID, email: str, lifetime: timedelta, task_id: UUID
) -> UUID | None: ...


@query
async def insert_token(
    db: Autocommit,
    token_hash: bytes,
    user_id: UUID,
    purpose: str,
    email: str,
    lifetime: timedelta,
    task_id: UUID | None,
    network: str | None,
) -> None: ...


@query
async def list_holders(db: Database, role: str | None, after: str, most: int) -> list[Holder]: ...


@query
async def list_next(
    db: Database, descending: bool, after_id: UUID, ranges: list[Range], most: int
) -> list[UUID | None]: ...


@query
async def list_password_kinds(db: Database) -> list[str]: ...


@query
async def list_sorted(
    db: Database,
    sort: str,
    after_id: UUID,
    after_email: str,
    until_id: UUID,
    until_email: str,
    search: str | None,
    ranges: list[Range],
    frequent: int,
    most_counted: int,
    most: int,
) -> Counted[User]: ...


@query
async def lock(db: Transaction, id: UUID) -> User | None: ...


@query
async def lock_recipient(db: Transaction, email: str) -> Recipient | None: ...


@query
async def lock_superusers(db: Transaction, verified: bool) -> list[UUID]: ...


@query
async def mark_for_deletion(db: Transaction, id: UUID, grace: timedelta) -> datetime: ...


@query
async def mark_superuser(db: Transaction, id: UUID) -> UUID: ...


@query
async def mark_verified(db: Transaction, id: UUID) -> UUID | None: ...


@query
async def spend_token(db: Transaction, token_hash: bytes, purposes: list[str]) -> TokenOwner | None: ...


@query
async def split_words(db: Database, typed: list[str]) -> list[list[str]]: ...


@query
async def void_tokens(db: Transaction, user_id: UUID, reverts_since: datetime | None) -> None: ...


@query
def export_account(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
def export_links(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
async def warn_unverified(db: Transaction, age: timedelta, notice: timedelta, most: int) -> list[Expiring]: ...


@query
async def delete_unverified(db: Transaction, age: timedelta, most: int) -> list[UUID]: ...
