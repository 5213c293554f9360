"""One typed signature for each file in sql/worker/."""

from uuid import UUID

from api.kernel.database import Database
from api.kernel.sql import query
from worker.types import LeasedTask, OutboxEvent


@query
async def claim_events(db: Database, most: int) -> list[OutboxEvent]: ...


@query
async def lease_tasks(db: Database, names: list[str], most: int, seconds: float) -> list[LeasedTask]: ...


@query
async def mark_failed(db: Database, ids: list[UUID], reasons: list[str], waits: list[float | None]) -> None: ...


@query
async def put_back(db: Database, ids: list[UUID]) -> None: ...


@query
async def sweep_inbox(db: Database, most: int) -> int: ...


@query
async def sweep_published(db: Database, most: int) -> int: ...


@query
async def try_lock(db: Database) -> bool: ...
