"""One typed signature for each file in sql/sessions/."""

from datetime import timedelta
from uuid import UUID

from api.kernel.database import Database
from api.kernel.sql import query
from api.sessions.types import Account, Owner, PrincipalRow, Session


@query
async def end(db: Database, id: UUID, reason: str) -> Owner | None: ...


@query
async def end_reused(db: Database, id: UUID, generation: int) -> Owner | None: ...


@query
async def find_account(db: Database, email: str) -> Account | None: ...


@query
async def find_principal(db: Database, id: UUID, user_id: UUID) -> PrincipalRow | None: ...


@query
async def insert(
    db: Database,
    id: UUID,
    user_id: UUID,
    idle: timedelta,
    lifetime: timedelta,
    address: str | None,
    user_agent: str | None,
) -> int: ...


@query
async def rotate(db: Database, id: UUID, generation: int, grace: timedelta, idle: timedelta) -> Session | None: ...
