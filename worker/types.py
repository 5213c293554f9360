"""Rows that the worker moves."""

from datetime import datetime
from uuid import UUID

import msgspec


class OutboxEvent(msgspec.Struct, frozen=True):
    id: UUID
    type: str
    topic: str
    key: UUID
    data: str
    traceparent: str
    created_at: datetime


class LeasedTask(msgspec.Struct, frozen=True):
    id: UUID
    task: str
    lease: int
