"""Typed signatures of the queries in sql/personal/."""

from collections.abc import AsyncIterator
from uuid import UUID

from api.kernel import UNAUTHORIZED, Autocommit, Database, Transaction, query
from api.personal.types import Export, Request


@query
async def delete_old_exports(db: Autocommit, most: int) -> int: ...


@query
def export_exports(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
async def find_request(db: Database, id: UUID) -> Request | None: ...


@query
async def get_ready(db: Database, id: UUID, user_id: UUID) -> UUID: ...


@query(personal_exports_user_id_fkey=UNAUTHORIZED)
async def insert_export(db: Transaction, id: UUID, user_id: UUID) -> Export: ...


@query
async def list_exports(db: Database, user_id: UUID, most: int) -> list[Export]: ...


@query
async def mark_ready(db: Autocommit, id: UUID, size: int | None) -> None: ...


@query
async def try_lock_download(db: Transaction, user_id: UUID) -> bool: ...
