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


class Unpublished:
    """What of a batch was not published, with the reason where it never will be, and by whose keys more must wait."""

    def __init__(self) -> None:
        self.reasons: dict[OutboxEvent, str | None] = {}
        self._places: set[tuple[str, UUID]] = set()

    def add(self, event: OutboxEvent, reason: str | None) -> None:
        if not self.holds(event):
            self.reasons[event] = reason
            self._places.add((event.topic, event.key))

    def holds(self, event: OutboxEvent) -> bool:
        """Whether an earlier one of its key is here: then it is, too."""
        held = (event.topic, event.key) in self._places
        if held:
            self.reasons.setdefault(event, None)
        return held
