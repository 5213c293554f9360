"""Events: committed with their change, or not at all."""

import asyncio
import json
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest

from api.kernel.context import Context, Origin, origin
from api.kernel.data.database import Database, Transaction, uuid7
from api.kernel.errors import CONFLICT, NOT_FOUND, VALIDATION_FAILED
from api.kernel.outbox.events import Contact, Event, Label, Person, Personal, Thing, address, record, subjects
from api.kernel.telemetry import span, traceparent
from tests.transactions import Another, in_transaction


class ThingMade(Event, frozen=True, tag="things.made"):
    thing_id: Thing
    name: Annotated[str, Label] = "it"
    note: Annotated[str, Label] | None = None


async def rows(db: Database, table: str) -> list[dict[str, Any]]:
    name = {"events": "outbox_events", "tasks": "outbox_tasks", "audit": "audit_entries"}[table]
    [row] = await db.fetch(f"select coalesce(json_agg(t order by seq), '[]')::text from {name} as t")
    read: list[dict[str, Any]] = json.loads(row[0])
    return read


def subscribed(db: Transaction, *tasks: str) -> Transaction:
    db.subscribers = {"things.made": tasks}
    return db


async def test_an_event_is_a_row_for_kafka_and_one_for_each_task(db: Database) -> None:
    id = uuid7()
    async with db.transaction() as tx:
        await record(subscribed(tx, "things.count", "things.mail"), ThingMade(thing_id=id, name="Ü\u2028"))
    [event] = await rows(db, "events")
    assert (event["type"], event["topic"], event["key"]) == ("things.made", "things", str(id))
    assert event["data"] == {"type": "things.made", "thing_id": str(id), "name": "Ü\u2028", "note": None}
    assert UUID(event["id"]).version == 7
    tasks = await rows(db, "tasks")
    assert [(task["task"], task["event_id"], task["data"]) for task in tasks] == [
        (name, event["id"], event["data"]) for name in ("things.count", "things.mail")
    ]
    assert len({task["id"] for task in tasks} | {event["id"]}) == 3
    assert all(task["attempts"] == 0 and task["locked_until"] is None for task in tasks)


async def test_an_event_without_a_subscriber_is_for_kafka_only(db: Database) -> None:
    async with db.transaction() as tx:
        await record(subscribed(tx), ThingMade(thing_id=uuid7()))
        tx.subscribers = {"things.broken": ("x",)}
        await record(tx, ThingMade(thing_id=uuid7()))
    assert (len(await rows(db, "events")), await rows(db, "tasks")) == (2, [])


async def test_a_rolled_back_event_is_not_announced(live: Context) -> None:
    async def work() -> None:
        async with live.db.transaction() as db:
            await record(subscribed(db, "things.count"), ThingMade(thing_id=uuid7()))
            raise NOT_FOUND

    heard = asyncio.Event()
    async with live.db.listen("outbox", heard.set):
        with pytest.raises(NOT_FOUND):
            await work()
        assert [await rows(live.db, table) for table in ("events", "tasks", "audit")] == [[], [], []]
        await live.db.fetch("select pg_notify('outbox', '')")  # the rolled back event would have come first
        async with asyncio.timeout(60):
            await heard.wait()
    assert await rows(live.db, "events") == []


async def test_the_relay_is_notified_at_the_commit(live: Context) -> None:
    heard = asyncio.Event()
    async with live.db.listen("outbox", heard.set):
        async with live.db.transaction() as db:
            await record(db, ThingMade(thing_id=uuid7()))
            await Another(live.db).fetch("select 1")
            assert not heard.is_set()
        async with asyncio.timeout(60):
            await heard.wait()
    assert len(await rows(live.db, "events")) == 1


async def test_events_of_one_transaction_keep_their_order(db: Database) -> None:
    names = [str(number) for number in range(20)]
    async with db.transaction() as tx:
        for name in names:
            await record(tx, ThingMade(thing_id=uuid7(), name=name))
    assert [event["data"]["name"] for event in await rows(db, "events")] == names


async def test_actor_origin_and_trace_are_stored(db: Database) -> None:
    who = uuid7()
    before = origin.set(Origin(who, "192.0.2.7", "tests/1.0"))
    try:
        with span("the request"):
            here = traceparent()
            async with db.transaction() as tx:
                await record(subscribed(tx, "things.count"), ThingMade(thing_id=uuid7()))
    finally:
        origin.reset(before)
    await in_transaction(db, record, ThingMade(thing_id=uuid7()))
    told, untold = await rows(db, "events")
    [task] = await rows(db, "tasks")
    assert (told["principal_id"], told["address"], told["user_agent"]) == (str(who), "192.0.2.7", "tests/1.0")
    assert (untold["principal_id"], untold["address"], untold["user_agent"]) == (None, None, None)
    assert told["traceparent"].split("-")[1] == here.split("-")[1]
    assert task["traceparent"] == told["traceparent"]


async def test_the_audit_entry_is_committed_with_the_event(live: Context) -> None:
    who, thing = uuid7(), uuid7()
    before = origin.set(Origin(who, "192.0.2.7", "tests/1.0"))
    try:
        async with live.db.transaction() as db:
            await record(subscribed(db, "things.count"), ThingMade(thing_id=thing, note="n"))
            assert [await rows(Another(live.db), table) for table in ("events", "tasks", "audit")] == [[], [], []]
    finally:
        origin.reset(before)
    [[event], [task], [entry]] = [await rows(live.db, table) for table in ("events", "tasks", "audit")]
    kept = ("id", "type", "key", "data", "principal_id", "address", "user_agent", "traceparent", "created_at")
    assert {name: entry[name] for name in kept} == {name: event[name] for name in kept}
    assert (entry["key"], entry["principal_id"], task["event_id"]) == (str(thing), str(who), entry["id"])
    assert (entry["position"], entry["hash"]) == (None, None), "sealed later by the worker"


async def test_without_the_audit_entry_nothing_is_committed(live: Context) -> None:
    await live.db.fetch("alter table audit_entries add constraint full_disk check (type <> 'things.made') not valid")
    with pytest.raises(CONFLICT):
        async with live.db.transaction() as db:
            await record(subscribed(db, "things.count"), ThingMade(thing_id=uuid7()))
    assert [await rows(live.db, table) for table in ("events", "tasks", "audit")] == [[], [], []]


async def test_an_unstorable_event_rolls_back_the_change(db: Database) -> None:
    with pytest.raises(VALIDATION_FAILED):
        async with db.transaction() as inner:
            await record(inner, ThingMade(thing_id=uuid7(), name="a\x00b"))
    assert await rows(db, "events") == []


class Untagged(Event, frozen=True):
    thing_id: Thing


class OneWord(Event, frozen=True, tag="made"):
    thing_id: Thing


class ThreeWords(Event, frozen=True, tag="things.part.made"):
    thing_id: Thing


class HalfATag(Event, frozen=True, tag="things."):
    thing_id: Thing


class NoTopic(Event, frozen=True, tag="Some things.made"):
    thing_id: Thing


class Number(Event, frozen=True, tag=7):
    thing_id: Thing


class NoFields(Event, frozen=True, tag="things.gone"):
    pass


class NoKey(Event, frozen=True, tag="things.gone"):
    name: Annotated[str, Label]


@pytest.mark.parametrize("kind", [Untagged, OneWord, ThreeWords, HalfATag, NoTopic, Number])
def test_an_event_without_a_topic_is_refused_by_name(kind: type[Event]) -> None:
    with pytest.raises(TypeError, match=f'{kind.__name__} needs a tag such as "orders.placed"'):
        address(kind)


@pytest.mark.parametrize("kind", [NoFields, NoKey])
def test_an_event_without_a_subject_is_refused_by_name(kind: type[Event]) -> None:
    with pytest.raises(TypeError, match=f"{kind.__name__}: the first field must be the id"):
        address(kind)


def test_an_event_has_its_address() -> None:
    assert address(ThingMade) == ("things.made", "things", "thing_id")
    made = ThingMade(thing_id=uuid7())
    assert msgspec.json.decode(msgspec.json.encode(made), type=ThingMade) == made


class Followed(Event, frozen=True, tag="things.followed"):
    by_id: Person
    thing_id: Thing
    whom_id: Person | None = None


def test_an_event_has_its_persons() -> None:
    """C-186: by declaration, for any field names; each person once."""
    one, other = uuid7(), uuid7()
    assert subjects(Followed(by_id=one, thing_id=uuid7(), whom_id=other)) == [one, other]
    assert subjects(Followed(by_id=one, thing_id=uuid7(), whom_id=one)) == [one]
    assert subjects(Followed(by_id=one, thing_id=uuid7())) == [one]
    assert subjects(ThingMade(thing_id=uuid7())) == []


class Part(msgspec.Struct):
    id: UUID


@pytest.mark.parametrize("kind", [UUID, UUID | None, list[UUID], dict[str, UUID], Part, list[Part]])
def test_an_undeclared_id_is_refused_at_import(kind: Any) -> None:
    """C-186, with the name of the field and the line to write."""
    with pytest.raises(TypeError, match=r"^Lost\.other_id: declare the id as Person .* or as Thing"):
        msgspec.defstruct("Lost", [("thing_id", Thing), ("other_id", kind)], bases=(Event,), frozen=True, kw_only=True)


class Named(msgspec.Struct):
    name: str


@pytest.mark.parametrize(
    "kind", [str, str | None, list[str], dict[str, int], Named, Annotated[str, msgspec.Meta(max_length=9)]]
)
def test_an_undeclared_text_is_refused_at_import(kind: Any) -> None:
    """C-324, with the name of the field and the line to write."""
    told = r"^Lost\.note: declare the text as Annotated\[str, Contact\] .* Annotated\[str, Label\]"
    with pytest.raises(TypeError, match=told):
        msgspec.defstruct("Lost", [("person_id", Person), ("note", kind)], bases=(Event,), frozen=True, kw_only=True)


@pytest.mark.parametrize("declared", [Contact, Personal])
def test_personal_text_needs_a_person(declared: msgspec.Meta) -> None:
    """C-324."""
    options: dict[str, Any] = {"bases": (Event,), "frozen": True, "kw_only": True}
    fields = [("thing_id", Thing), ("notes", list[Annotated[str, declared]])]
    with pytest.raises(TypeError, match=r"^Lost\.notes: text about a person needs a field of type Person"):
        msgspec.defstruct("Lost", fields, **options)
    msgspec.defstruct("Kept", [*fields, ("person_id", Person | None)], **options)
    neutral = [("thing_id", Thing), ("kind", Literal["a", "b"]), ("why", Annotated[str, Label] | None)]
    msgspec.defstruct("Neutral", neutral, **options)


@pytest.mark.parametrize("module", ["api.things.types", "api.things", "api.things.parts.events"])
def test_an_event_outside_of_events_py_is_refused_at_import(module: str) -> None:
    """C-324: Kafka's topics and docs/events are derived from the features' events.py."""
    options: dict[str, Any] = {"bases": (Event,), "frozen": True, "kw_only": True, "tag": "things.lost"}
    with pytest.raises(TypeError, match=r"^Lost: define it in api/things/events\.py"):
        msgspec.defstruct("Lost", [("thing_id", Thing)], module=module, **options)
    msgspec.defstruct("Found", [("thing_id", Thing)], module="api.things.events", **options)


def test_persons_in_lists_or_more_than_two_are_refused_at_import() -> None:
    """C-186: they could not be found again."""
    options: dict[str, Any] = {"bases": (Event,), "frozen": True, "kw_only": True}
    with pytest.raises(TypeError, match=r"Crowd\.all_ids: must be `Person`"):
        msgspec.defstruct("Crowd", [("thing_id", Thing), ("all_ids", list[Person])], **options)
    with pytest.raises(TypeError, match="Three: an event has at most 2 persons"):
        msgspec.defstruct("Three", [(name, Person) for name in ("a_id", "b_id", "c_id")], **options)


async def test_an_event_about_two_is_in_the_history_of_both(db: Database) -> None:
    """C-186."""
    one, other = uuid7(), uuid7()
    await in_transaction(db, record, Followed(by_id=one, thing_id=uuid7(), whom_id=other))
    await in_transaction(db, record, ThingMade(thing_id=uuid7()))
    both, none = await rows(db, "audit")
    assert (both["subjects"], none["subjects"]) == ([str(one), str(other)], [])
