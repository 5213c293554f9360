"""One typed signature for each file in sql/users/."""

from datetime import timedelta
from uuid import UUID

from api.kernel.database import Database
from api.kernel.sql import query
from api.users.errors import REGISTER_USER_ALREADY_EXISTS
from api.users.types import TokenOwner, User


@query
async def find(db: Database, id: UUID) -> User | None: ...


@query
async def get(db: Database, id: UUID) -> User: ...
@query(users_email_key=REGISTER_USER_ALREADY_EXISTS)
async def insert(db: Database, id: UUID, email: str, password_hash: str) -> User: ...
@query
async def insert_token(
    db: Database, token_hash: bytes, user_id: UUID, purpose: str, email: str, lifetime: timedelta
) -> None: ...
@query
async def mark_superuser(db: Database, email: str) -> User | None: ...
@query
async def mark_verified(db: Database, id: UUID) -> User | None: ...
@query
async def spend_token(db: Database, token_hash: bytes, purpose: str) -> TokenOwner | None: ...
