"""One typed signature for each file in sql/webhooks/."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from api.kernel import UNAUTHORIZED, Autocommit, Database, Transaction, query
from api.webhooks.types import Attempt, Delivery, Endpoint, Health, Job, Made, Payload, Recipient, Result, SealedSecret

# Endpoints


@query
async def lock_account(db: Transaction, user_id: UUID) -> None: ...


@query
async def count_mine(db: Database, user_id: UUID) -> int: ...


@query(webhook_endpoints_user_id_fkey=UNAUTHORIZED)
async def insert(
    db: Transaction, id: UUID, user_id: UUID, scope: str, url: str, description: str, events: list[str]
) -> None: ...


@query
async def get(db: Database, id: UUID, user_id: UUID) -> Endpoint: ...


@query
async def list_mine(db: Database, user_id: UUID) -> list[Endpoint]: ...


@query
async def lock(db: Transaction, id: UUID, user_id: UUID) -> Endpoint: ...


@query
async def change(db: Transaction, id: UUID, url: str, description: str, events: list[str]) -> None: ...


@query
async def mark_enabled(db: Transaction, id: UUID) -> None: ...


@query
async def mark_disabled(db: Transaction, id: UUID, reason: str) -> None: ...


@query
async def delete(db: Transaction, id: UUID, user_id: UUID) -> UUID: ...


@query
async def find_recipient(db: Database, endpoint_id: UUID) -> Recipient | None: ...


# Secrets


@query
async def insert_secret(db: Transaction, id: UUID, endpoint_id: UUID, sealed: str) -> None: ...


@query
async def expire_secret(db: Transaction, endpoint_id: UUID, hours: int) -> None: ...


@query
async def delete_previous_secrets(db: Transaction, endpoint_id: UUID) -> None: ...


@query
async def delete_old_secrets(db: Autocommit, most: int) -> int: ...


@query
async def list_foreign_secrets(db: Database, mark: str, after: UUID, most: int) -> list[SealedSecret]: ...


@query
async def reseal(db: Autocommit, id: UUID, before: str, sealed: str) -> None: ...


# Deliveries


@query
async def insert_test(db: Transaction, id: UUID, endpoint_id: UUID, event_id: UUID) -> None: ...


@query
async def list_deliveries(
    db: Database, endpoint_id: UUID, user_id: UUID, state: str | None, type: str | None, before: UUID, most: int
) -> list[Delivery]: ...


@query
async def count_deliveries(
    db: Database, endpoint_id: UUID, user_id: UUID, state: str | None, type: str | None, most: int
) -> int: ...


@query
async def get_delivery(db: Database, endpoint_id: UUID, id: UUID, user_id: UUID) -> Delivery: ...


@query
async def get_payload(db: Database, id: UUID) -> Payload: ...


@query
async def list_attempts(db: Database, delivery_id: UUID) -> list[Attempt]: ...


@query
async def redeliver(db: Transaction, id: UUID) -> UUID: ...


@query
async def redeliver_failed(db: Transaction, endpoint_id: UUID, since: datetime, most: int) -> int: ...


@query
async def insert_missing(db: Transaction, endpoint_id: UUID, first: UUID, most: int) -> int: ...


@query
async def delete_old_deliveries(db: Autocommit, days: int, most: int) -> int: ...


@query
async def delete_orphans(db: Autocommit, most: int) -> int: ...


# Attempts


@query
async def claim(db: Autocommit, healthy: int, failing: int, seconds: float, lanes: int) -> list[Job]: ...


@query
async def mark_delivered(db: Autocommit, results: list[Result]) -> None: ...


@query
async def mark_failed(db: Transaction, id: UUID, lease: int, wait: float | None, attempt: Made) -> UUID | None: ...


@query
async def lock_health(db: Transaction, id: UUID) -> Health | None: ...


@query
async def mark_failing(
    db: Transaction, id: UUID, failures: int, seconds: float, pause: float | None, notices: list[str]
) -> None: ...


@query
async def release(db: Autocommit, id: UUID, lease: int) -> None: ...


@query
def export_endpoints(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
def export_deliveries(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
def export_attempts(db: Database, user_id: UUID) -> AsyncIterator[str]: ...
