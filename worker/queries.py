"""One typed signature for each file in sql/worker/."""

from uuid import UUID

from api.kernel.data.database import Autocommit, Transaction
from api.kernel.data.sql import query
from worker.types import DeadMessage, LeasedTask, OutboxEvent


@query
async def claim_events(db: Transaction, most: int) -> list[OutboxEvent]: ...


@query
async def close_topics(db: Transaction, topics: list[str], reasons: list[str], seconds: float) -> None: ...


@query
async def delete_dead_message(db: Transaction, id: UUID) -> None: ...


@query
async def insert_dead_message(
    db: Transaction,
    topic: str,
    group_id: str,
    partition: int,
    offset: int,
    dead_topic: str,
    dead_partition: int,
    dead_offset: int,
    reason: str,
    attempts: int,
    sent_at: int,
) -> None: ...


@query
async def lease_tasks(db: Autocommit, names: list[str], most: int, seconds: float) -> list[LeasedTask]: ...


@query
async def lock_retried_message(db: Transaction) -> DeadMessage | None: ...


@query
async def mark_message_gone(db: Transaction, id: UUID, reason: str) -> None: ...


@query
async def mark_failed(db: Transaction, ids: list[UUID], reasons: list[str], waits: list[float | None]) -> None: ...


@query
async def open_topics(db: Transaction, topics: list[str]) -> None: ...


@query
async def put_back(db: Transaction, ids: list[UUID]) -> None: ...


@query
async def release_held(db: Autocommit, most: int) -> int: ...


@query
async def sweep_answers(db: Autocommit, most: int) -> int: ...


@query
async def sweep_inbox(db: Autocommit, most: int) -> int: ...


@query
async def sweep_live(db: Autocommit, most: int) -> int: ...


@query
async def sweep_published(db: Autocommit, most: int) -> int: ...


@query
async def try_lock(db: Transaction) -> bool: ...
