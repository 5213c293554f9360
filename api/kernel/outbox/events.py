"""Events and the transactional outbox. `record(db, event)` writes, in the caller's transaction, one row for Kafka and
one for each task that subscribes; the worker's relay does the rest. What a transaction did not commit was never
announced, and the other way round."""

import functools
import re
import types
import typing
from collections.abc import Iterable, Iterator
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
"""The id of an account. The event is in its history, and what the event says is erased with it."""
Thing = Annotated[UUID, msgspec.Meta(extra=_THING)]
"""The id of anything else."""
Contact = msgspec.Meta(extra=_CONTACT)
"""In `Annotated[str, Contact]`: text by which the person is reached, such as an e-mail address. It is erased with the
account from dead letters too."""
Personal = msgspec.Meta(extra=_PERSONAL)
"""In `Annotated[str, Personal]`: other text about the event's person or written by them, such as a name or a title."""
Label = msgspec.Meta(extra=_LABEL)
"""In `Annotated[str, Label]`: text that says nothing about a person, such as a kind, a reason or a language."""
MOST_PERSONS = 2
NOBODY = UUID(int=0)


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that happened, in the past tense: `class OrderPlaced(Event, tag="orders.placed")`. The part of
    the tag before the dot is the Kafka topic; the first field is the id of the thing it is about, and the Kafka key,
    so that one thing's events stay in order. Each id is declared as a `Person` (two at most) or a `Thing`, and each
    text as a `Contact`, `Personal` or a `Label`. A feature's events are in its events.py."""

    live: ClassVar[bool] = False
    """Whether clients may follow it while they are connected (`Feed`): `live: ClassVar[bool] = True`."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Raises TypeError, naming what to write, so that the process does not start."""
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
                raise TypeError(f"{cls.__name__}.{name}: must be `Person` or `Person | None`; record an event each.")
            about = {each["holds"] for each in _declarations(hint, str) if each} & {"contact", "personal"}
            if about and not _persons(cls):
                raise TypeError(
                    f"{cls.__name__}.{name}: text about a person needs a field of type Person, with whose account it is"
                    " erased."
                )
        if len(_persons(cls)) > MOST_PERSONS:
            raise TypeError(f"{cls.__name__}: an event is about {MOST_PERSONS} persons at most.")


def _declarations(hint: Any, base: type) -> list[dict[str, str] | None]:
    """The declaration of each `base` (UUID or str) in a type; None for one that has none."""
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
    """The fields that hold it, alone or as `| None`."""
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
    """Whose event it is: the persons it declares, each once."""
    found = (getattr(event, name) for name in _persons(type(event)))
    return list(dict.fromkeys(id for id in found if id is not None))


def contact_fields() -> list[str]:
    """The names of the fields that hold a contact."""
    return sorted({name for kind in _kinds(Event) for name in _fields(kind, _CONTACT)})


def _kinds(kind: type[Event]) -> Iterator[type[Event]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)


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


class Discarded(msgspec.Struct, frozen=True):
    """A dead letter that was given up, with its event's type or its task's name."""

    id: UUID
    type: str


@query
async def erase_events(db: Transaction, about: list[UUID], caused: list[UUID], kept: str) -> list[Discarded]: ...
@query
async def erase_tasks(db: Transaction, words: list[str], kept: str) -> list[Discarded]: ...


async def record(db: Transaction, event: Event) -> None:
    """Write the outbox rows. Change the event's subject first: its row lock puts the events of one thing in the order
    of their commits. Raises TypeError where `db` is no Transaction."""
    demand_transaction(db, "record")
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
        subjects(event),
        event.live,
    )


@functools.cache
def address(kind: type[Event]) -> tuple[str, str, str]:
    """An event type's tag, its topic, and the name of the field that is its key. Raises TypeError where it has none."""
    tag, fields = kind.__struct_config__.tag, msgspec.structs.fields(kind)
    if not isinstance(tag, str) or not re.fullmatch(r"[a-z_]+\.[a-z_]+", tag):
        raise TypeError(f'{kind.__name__} needs a tag like "orders.placed": topic, dot, what happened.')
    if not fields or fields[0].type not in (Person, Thing):
        raise TypeError(f"{kind.__name__}: the first field is the id (a UUID) of the thing the event is about.")
    return tag, tag.partition(".")[0], fields[0].name
