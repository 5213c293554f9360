"""Events and the transactional outbox. `record(db, event)` writes, in the caller's transaction, one row for Kafka and
one for each subscribed task; the worker's relay sends them. An event is published if and only if its transaction
commits."""

import functools
import re
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec

from api.kernel.context import origin
from api.kernel.data.database import Database, Transaction, demand_transaction, uuid7
from api.kernel.data.sql import query
from api.kernel.telemetry import traceparent

_PERSON, _THING, _CONTACT, _PERSONAL, _LABEL = (
    {"holds": word} for word in ("person", "thing", "contact", "personal", "label")
)
Person = Annotated[UUID, msgspec.Meta(extra=_PERSON)]
"""The id of an account. The event belongs to its history, and the event's data is erased with the account."""
Thing = Annotated[UUID, msgspec.Meta(extra=_THING)]
"""Any other id."""
Contact = msgspec.Meta(extra=_CONTACT)
"""`Annotated[str, Contact]`: text that reaches a person, such as an e-mail address. It is also erased from dead
letters."""
Personal = msgspec.Meta(extra=_PERSONAL)
"""`Annotated[str, Personal]`: other text about the event's person or written by them, such as a name or a title."""
Label = msgspec.Meta(extra=_LABEL)
"""`Annotated[str, Label]`: text without personal data, such as a kind, a reason or a language."""
MOST_PERSONS = 2
NOBODY = UUID(int=0)


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """A fact, named in the past tense: `class OrderPlaced(Event, tag="orders.placed")`. The part of the tag before the
    dot is the Kafka topic. The first field is the id of the subject and the Kafka key, which orders the events of one
    subject. Declare each id as a `Person` (at most two) or a `Thing`, and each text as a `Contact`, `Personal` or a
    `Label`. Define events in the feature's events.py."""

    live: ClassVar[bool] = False
    """Whether connected clients may follow it (`Feed`): `live: ClassVar[bool] = True`."""
    changes_access: ClassVar[bool] = False
    """Whether it may end the access of the account or sign-in that is its first field. The callers of open streams and
    sockets with this id are then authenticated again, within a second or two of the commit."""
    in_activity: ClassVar[bool] = True
    """Whether an account's list of what happened to it shows the event. The audit log has all events."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Raises TypeError with the missing declaration, so that the process does not start."""
        super().__init_subclass__(**options)
        app, _, rest = cls.__module__.partition(".")
        feature, _, file = rest.partition(".")
        if app == "api" and file != "events":
            raise TypeError(
                f"{cls.__name__}: define it in api/{feature}/events.py, from which Kafka's topics and docs/events are"
                " derived."
            )
        for name, hint in typing.get_type_hints(cls, include_extras=True).items():
            if None in _declarations(hint, UUID):
                raise TypeError(
                    f"{cls.__name__}.{name}: declare the id as Person (of an account, erased with it) or as Thing"
                    " (of anything else); both are in api.kernel."
                )
            if None in _declarations(hint, str):
                raise TypeError(
                    f"{cls.__name__}.{name}: declare the text as Annotated[str, Contact] (reaches a person),"
                    " Annotated[str, Personal] (about a person, or by one) or Annotated[str, Label] (a kind, a reason);"
                    " all are in api.kernel."
                )
            if _PERSON in _declarations(hint, UUID) and name not in _persons(cls):
                raise TypeError(
                    f"{cls.__name__}.{name}: must be `Person` or `Person | None`; record one event per person."
                )
            about = {each["holds"] for each in _declarations(hint, str) if each} & {"contact", "personal"}
            if about and not _persons(cls):
                raise TypeError(
                    f"{cls.__name__}.{name}: text about a person needs a field of type Person; it is erased with that"
                    " account."
                )
        if len(_persons(cls)) > MOST_PERSONS:
            raise TypeError(f"{cls.__name__}: an event has at most {MOST_PERSONS} persons.")


def _declarations(hint: Any, base: type) -> list[dict[str, str] | None]:
    """The declarations of all `base` (UUID or str) in a type; None for one without a declaration."""
    if hint is base:
        return [None]
    if typing.get_origin(hint) is Annotated and typing.get_args(hint)[0] is base:
        return [_declared(hint)]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        parts: Iterable[Any] = typing.get_type_hints(hint, include_extras=True).values()
    else:
        parts = typing.get_args(hint)
    return [found for part in parts for found in _declarations(part, base)]


def _declared(hint: Any) -> dict[str, str] | None:
    """The `extra` of a type's Meta."""
    metas = (meta for meta in typing.get_args(hint)[1:] if isinstance(meta, msgspec.Meta) and meta.extra)
    return next((meta.extra for meta in metas), None)


def _fields(kind: type[Event], what: dict[str, str]) -> tuple[str, ...]:
    """The fields with this declaration, alone or as `| None`."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return tuple(
        name
        for name, hint in hints.items()
        if what in map(_declared, typing.get_args(hint) if _is_union(hint) else [hint])
    )


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


@functools.cache
def _persons(kind: type[Event]) -> tuple[str, ...]:
    return _fields(kind, _PERSON)


def subjects(event: Event) -> list[UUID]:
    """The persons that the event declares, without duplicates."""
    found = (getattr(event, name) for name in _persons(type(event)))
    return list(dict.fromkeys(id for id in found if id is not None))


def contact_fields() -> list[str]:
    """The names of all fields declared as a contact."""
    return sorted({name for kind in event_types() for name in _fields(kind, _CONTACT)})


@functools.cache
def outside_activity() -> list[str]:
    """Return the tags of the types with `in_activity = False`. Call it once all features are imported."""
    return sorted(str(kind.__struct_config__.tag) for kind in event_types() if not kind.in_activity)


def event_types(kind: type[Event] = Event) -> Iterator[type[Event]]:
    """Yield the types of events that have been defined, also those of tests."""
    for each in kind.__subclasses__():
        yield each
        yield from event_types(each)


@query
async def insert_event(
    db: Transaction,
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
    subjects: list[UUID],
    live: bool,
    access: bool,
) -> None: ...


class Line(msgspec.Struct, frozen=True):
    """What distinguishes an event from others of its type."""

    id: UUID
    key: UUID
    data: str
    subjects: list[UUID]


@query
async def insert_events(
    db: Transaction,
    lines: list[Line],
    type: str,
    topic: str,
    traceparent: str,
    principal_id: UUID | None,
    address: str | None,
    user_agent: str | None,
    tasks: list[str],
    live: bool,
    access: bool,
) -> None: ...


class Backlog(msgspec.Struct, frozen=True):
    """Pending events of a topic (`destination` is `kafka`) or pending tasks of a name (`tasks`). `held` are events
    behind a dead letter of their key; `oldest_seconds` is the age of the oldest pending one, 0 if there is none."""

    destination: str
    name: str
    pending: int
    held: int
    dead: int
    oldest_seconds: float


@query
async def measure_outbox(db: Database) -> list[Backlog]: ...


class Discarded(msgspec.Struct, frozen=True):
    """A discarded dead letter, with its event's type or its task's name."""

    id: UUID
    type: str


@query
async def erase_events(db: Transaction, about: list[UUID], caused: list[UUID], kept: str) -> list[Discarded]: ...
@query
async def erase_tasks(db: Transaction, words: list[str], kept: str) -> list[Discarded]: ...


async def record(db: Transaction, event: Event) -> None:
    """Write the outbox rows. Change the event's subject first: its row lock orders the events of one subject by commit.
    Raises TypeError if `db` is not a Transaction."""
    demand_transaction(db, "record")
    tag, topic, key = address(type(event))
    actor = origin.get()
    await insert_event(
        db,
        uuid7(),
        tag,
        topic,
        getattr(event, key),
        msgspec.json.encode(event).decode(),
        traceparent(),
        actor.principal_id,
        actor.address,
        actor.user_agent,
        list(db.subscribers.get(tag, ())),
        subjects(event),
        event.live,
        event.changes_access,
    )


async def record_many(db: Transaction, events: Sequence[Event]) -> None:
    """Write the outbox rows of events of one type with one statement, in their order. For batches of up to some
    thousand. Raises TypeError if `db` is not a Transaction or the types differ."""
    demand_transaction(db, "record_many")
    if not events:
        return
    [kind, *others] = {type(event) for event in events}
    if others:
        raise TypeError("record_many: all events must have one type.")
    tag, topic, key = address(kind)
    actor = origin.get()
    lines = [
        Line(uuid7(), getattr(event, key), msgspec.json.encode(event).decode(), subjects(event)) for event in events
    ]
    await insert_events(
        db,
        lines,
        tag,
        topic,
        traceparent(),
        actor.principal_id,
        actor.address,
        actor.user_agent,
        list(db.subscribers.get(tag, ())),
        kind.live,
        kind.changes_access,
    )


@functools.cache
def address(kind: type[Event]) -> tuple[str, str, str]:
    """An event type's tag, its topic, and the name of its key field. Raises TypeError if it has none."""
    tag, fields = kind.__struct_config__.tag, msgspec.structs.fields(kind)
    if not isinstance(tag, str) or not re.fullmatch(r"[a-z_]+\.[a-z_]+", tag):
        raise TypeError(f'{kind.__name__} needs a tag such as "orders.placed": topic, dot, past tense.')
    if not fields or fields[0].type not in (Person, Thing):
        raise TypeError(f"{kind.__name__}: the first field must be the id (Person or Thing) of the subject.")
    return tag, tag.partition(".")[0], fields[0].name
