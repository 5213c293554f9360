"""Rows of the worker's queries."""

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
    """Time of the recording, in RFC 3339 format."""
    attempts: int
    """Number of refusals by Kafka."""
    held: bool
    """Not to be published: an earlier event of its key must go first and cannot go now."""
    closed: bool
    """Kafka refused its topic at the last attempt."""


class LeasedTask(msgspec.Struct, frozen=True):
    id: UUID
    task: str
    lease: int


class DeadMessage(msgspec.Struct, frozen=True):
    """A message in a topic of dead letters whose retry was requested."""

    id: UUID
    topic: str
    dead_topic: str
    dead_partition: int
    dead_offset: int


class Refusal(msgspec.Struct, frozen=True):
    """Why Kafka refused an event. `final`: the refusal is permanent. `topic`: it applies to the whole topic."""

    reason: str
    final: bool = False
    topic: bool = False


class Unpublished:
    """The events of a batch that were not published, with their refusals, and the keys whose later events must wait."""

    def __init__(self) -> None:
        self.events: dict[OutboxEvent, Refusal | None] = {}
        self._places: set[tuple[str, str]] = set()

    def add(self, event: OutboxEvent, refusal: Refusal | None) -> None:
        if not self.is_blocked(event):
            self.events[event] = refusal
            self._places.add((event.topic, event.key))

    def is_blocked(self, event: OutboxEvent) -> bool:
        """Return whether an earlier event of its key is unpublished. Adds the event if so."""
        blocked = (event.topic, event.key) in self._places
        if blocked:
            self.events.setdefault(event, None)
        return blocked
