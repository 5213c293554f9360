"""Rows that the worker moves."""

from uuid import UUID

import msgspec


class OutboxEvent(msgspec.Struct, frozen=True):
    id: UUID
    type: str
    topic: str
    key: str
    data: str
    traceparent: str
    time: str
    """When it was recorded, as RFC 3339 has it."""
    attempts: int
    """How often Kafka refused it."""
    held: bool
    """Not to be published: an earlier event of its key must go first, and cannot go now."""
    closed: bool
    """Kafka did not take its topic the last time."""


class LeasedTask(msgspec.Struct, frozen=True):
    id: UUID
    task: str
    lease: int


class DeadMessage(msgspec.Struct, frozen=True):
    """A message in a topic of dead letters that somebody wants tried again."""

    id: UUID
    topic: str
    dead_topic: str
    dead_partition: int
    dead_offset: int


class Refusal(msgspec.Struct, frozen=True):
    """Why Kafka did not take an event; `final` where it never will, `topic` where it takes none of that topic."""

    reason: str
    final: bool = False
    topic: bool = False


class Unpublished:
    """What of a batch was not published, why where that is its own fault, and by whose keys more must wait."""

    def __init__(self) -> None:
        self.events: dict[OutboxEvent, Refusal | None] = {}
        self._places: set[tuple[str, str]] = set()

    def add(self, event: OutboxEvent, refusal: Refusal | None) -> None:
        if not self.holds(event):
            self.events[event] = refusal
            self._places.add((event.topic, event.key))

    def holds(self, event: OutboxEvent) -> bool:
        """Whether an earlier one of its key is here: then it is, too."""
        held = (event.topic, event.key) in self._places
        if held:
            self.events.setdefault(event, None)
        return held
