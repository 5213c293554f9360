"""Events and the transactional outbox. `record(db, event)` writes, in the caller's transaction, one row for Kafka and
one for each task that subscribes; the worker's relay does the rest. What a transaction did not commit was never
announced, and the other way round."""

import functools
import re
from uuid import UUID

import msgspec

from api.kernel.context import origin
from api.kernel.database import Database, uuid7
from api.kernel.sql import query
from api.kernel.telemetry import traceparent


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that happened, in the past tense: `class OrderPlaced(Event, tag="orders.placed")`. The part of
    the tag before the dot is the Kafka topic; the first field is the id of the thing it is about, and the Kafka key,
    so that one thing's events stay in order."""


@query
async def insert_event(
    db: Database,
    id: UUID,
    type: str,
    topic: str,
    key: UUID,
    data: str,
    traceparent: str,
    principal_id: UUID | None,
    address: str | None,
    user_agent: str | None,
    tasks: list[str],
) -> None: ...


class Backlog(msgspec.Struct, frozen=True):
    """What waits for `kafka`, by topic, or for the worker's `tasks`, by name. `held` are events behind a dead letter of
    their key; `oldest_seconds` is the age of the oldest that is pending, 0 where none is."""

    destination: str
    name: str
    pending: int
    held: int
    dead: int
    oldest_seconds: float


@query
async def measure_outbox(db: Database) -> list[Backlog]: ...


async def record(db: Database, event: Event) -> None:
    """Write the outbox rows. Change the event's subject first: its row lock puts the events of one thing in the order
    of their commits."""
    tag, topic, key = address(type(event))
    who = origin.get()
    await insert_event(
        db,
        uuid7(),
        tag,
        topic,
        getattr(event, key),
        msgspec.json.encode(event).decode(),
        traceparent(),
        who.principal_id,
        who.address,
        who.user_agent,
        list(db.subscribers.get(tag, ())),
    )


@functools.cache
def address(kind: type[Event]) -> tuple[str, str, str]:
    """An event type's tag, its topic, and the name of the field that is its key. Raises TypeError where it has none."""
    tag, fields = kind.__struct_config__.tag, msgspec.structs.fields(kind)
    if not isinstance(tag, str) or not re.fullmatch(r"[a-z_]+\.[a-z_]+", tag):
        raise TypeError(f'{kind.__name__} needs a tag like "orders.placed": topic, dot, what happened.')
    if not fields or fields[0].type is not UUID:
        raise TypeError(f"{kind.__name__}: the first field is the id (a UUID) of the thing the event is about.")
    return tag, tag.partition(".")[0], fields[0].name
