"""Typed signatures of the queries in sql/notifications/."""

from uuid import UUID

from api.kernel import Database, query
from api.notifications.types import Recipient


@query
async def find_recipient(db: Database, user_id: UUID) -> Recipient | None: ...
