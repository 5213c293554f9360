"""Typed signatures of the queries in sql/system/."""

from api.kernel import Database, query
from api.system.types import Unsealed


@query
async def list_applied_migrations(db: Database) -> list[str]: ...
@query
async def list_overdue_schedules(db: Database) -> list[str]: ...
@query
async def measure_unsealed(db: Database) -> Unsealed: ...
