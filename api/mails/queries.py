"""Typed signatures of the queries in sql/mails/."""

from collections.abc import AsyncIterator
from uuid import UUID

from api.kernel import Autocommit, Database, Transaction, query
from api.mails.types import Mail, MailRow, Repeatable


@query
async def count(
    db: Database, user_id: UUID | None, recipient: str | None, template: str | None, state: str | None
) -> int: ...


@query
async def delete_old(db: Autocommit, days: int, most: int) -> int: ...


@query
async def get(db: Database, id: UUID) -> MailRow: ...


@query
async def get_html(db: Database, id: UUID) -> str | None: ...


@query
async def insert_repetition(
    db: Transaction,
    id: UUID,
    repeats: UUID,
    task_id: UUID,
) -> None: ...


@query
async def list_mails(
    db: Database,
    user_id: UUID | None,
    recipient: str | None,
    template: str | None,
    state: str | None,
    before: UUID | None,
    most: int,
) -> list[Mail]: ...


@query
async def get_repeatable(db: Database, id: UUID) -> Repeatable: ...


@query
async def lock(db: Transaction, id: UUID) -> UUID: ...


@query
async def save_attempt(
    db: Autocommit,
    id: UUID,
    message_id: str,
    account: UUID | None,
    recipient: str,
    template: str,
    language: str,
    subject: str,
    body: str,
    html: str,
    state: str,
    attempt: int,
    reply: str,
    task: str | None,
    task_id: UUID | None,
    value: str | None,
) -> None: ...


@query
def export_mails(db: Database, user_id: UUID) -> AsyncIterator[str]: ...
