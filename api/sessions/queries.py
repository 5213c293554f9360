"""Typed signatures of the queries in sql/sessions/."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from api.kernel import Autocommit, Database, Transaction, query
from api.sessions.types import Account, Known, Notice, Owner, PrincipalRow, Refusal, Renewed, Session, SessionTokens


@query
async def count_refusal(
    db: Autocommit,
    user_id: UUID,
    reason: str,
    network: str,
    address: str | None,
    user_agent: str | None,
    traceparent: str,
) -> None: ...
@query
async def delete_old(db: Autocommit, age: timedelta, most: int) -> list[UUID]: ...
@query
async def end(db: Transaction, id: UUID, user_id: UUID, reason: str) -> Owner | None: ...
@query
async def end_dead(db: Transaction, user_id: UUID, reason: str) -> list[UUID]: ...
@query
async def end_named(db: Transaction, id: UUID, reason: str) -> Owner | None: ...
@query
async def end_oldest(db: Transaction, user_id: UUID, kept: int) -> list[UUID]: ...
@query
async def end_others(db: Transaction, user_id: UUID, id: UUID) -> list[UUID]: ...
@query
async def end_reused(db: Transaction, id: UUID, generation: int) -> Owner | None: ...
@query
async def find_account(db: Database, email: str, device_id: UUID | None, user_agent: str | None) -> Account | None: ...
@query
async def find_notice(db: Database, id: UUID) -> Notice | None: ...
@query(together=True)
async def find_principal(db: Database, id: UUID, user_id: UUID) -> PrincipalRow | None: ...
@query
async def forget(db: Transaction, user_id: UUID) -> None: ...
@query
async def get_email(db: Database, id: UUID) -> str: ...
@query
async def insert(
    db: Transaction,
    id: UUID,
    user_id: UUID,
    credentials_changed_at: datetime,
    idle: timedelta,
    lifetime: timedelta,
    address: str | None,
    user_agent: str | None,
    device_id: UUID,
    method: str,
    mode: str,
) -> int | None: ...
@query
async def list_known(db: Database, user_id: UUID) -> list[Known]: ...
@query
async def list_live(db: Database, user_id: UUID, id: UUID) -> list[Session]: ...
@query
async def list_password_kinds(db: Database) -> list[str]: ...
@query
async def renew(
    db: Transaction, id: UUID, new_id: UUID, idle: timedelta, address: str | None, user_agent: str | None
) -> Renewed | None: ...
@query
async def rotate(
    db: Autocommit,
    id: UUID,
    generation: int,
    grace: timedelta,
    idle: timedelta,
    address: str | None,
    user_agent: str | None,
) -> SessionTokens | None: ...
@query
async def take_refusals(db: Transaction, window: timedelta, most: int) -> list[Refusal]: ...
@query
async def update_account_on_sign_in(
    db: Transaction, user_id: UUID, password_hash: str | None, credentials_changed_at: datetime
) -> bool | None: ...


@query
def export_sessions(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
async def erase_refusals(db: Transaction, user_id: UUID, most: int) -> int: ...
