"""Kafka → consumers: each message takes effect once, in order, and one that cannot is reported."""

import asyncio
import logging
import random

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import worker.consumer
import worker.watch
from api.kernel.context import Context
from api.kernel.data.database import Database
from api.kernel.errors import NOT_FOUND, UNAVAILABLE
from api.kernel.outbox.consumers import Incoming, consume, read_lag
from api.kernel.settings import Settings
from tests.worker.jobs import header, read_records, until
from tests.worker.messages import (
    SOURCE,
    Noted,
    Sent,
    note,
    noted,
    notes,
    noting,
    reading,
    send,
)
from tests.worker.parts import APACHE
from worker.main import sweep_inbox

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

pytestmark = pytest.mark.usefixtures("consuming")


async def test_each_message_takes_effect_once_and_in_order(live: Context, cloned: Settings) -> None:
    """F-30: all messages are repeated, shuffled across keys."""
    messages = [noted(f"thing {number % 5}", number) for number in range(60)]
    again = random.Random(30).sample(messages, len(messages))
    await send(cloned, "tests.notes", messages + again + [noted("last", 0)])
    async with reading(live, noting()):
        await until(live.db, "select count(*) = 61 from notes")
        await until(live.db, "select count(*) = 61 from inbox")
    done = await notes(live.db)
    for thing in {thing for thing, _ in done}:
        mine = [number for name, number in done if name == thing]
        assert mine == sorted(set(mine))


async def test_the_same_id_of_another_source_is_another_message(live: Context, cloned: Settings) -> None:
    other = (("ce_id", b"a-1"), ("ce_source", b"https://billing.example.com"))
    await send(cloned, "tests.notes", [noted("a", 1), noted("a", 1, id=None, headers=other)])
    async with reading(live, noting()):
        await until(live.db, "select count(*) = 2 from notes")
    rows = await live.db.fetch("select consumer, source, id from inbox order by source desc")
    assert [tuple(row) for row in rows] == [
        ("rest-angular.tests.notes", SOURCE, "a-1"),
        ("rest-angular.tests.notes", "https://billing.example.com", "a-1"),
    ]


async def test_a_crash_between_the_effect_and_the_commit_repeats_nothing(
    live: Context, cloned: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also for a message without an id, which is identified by its offset."""
    commit, crashes = worker.consumer._commit, [OSError]

    async def crash(*arguments: object) -> None:
        if crashes:
            raise crashes.pop()
        await commit(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(worker.consumer, "_commit", crash)
    await send(cloned, "tests.notes", [noted("a", 1, partition=0), noted("a", 1, id=None, partition=0)])
    async with reading(live, noting()):
        await until(live.db, "select count(*) > 0 from notes")
        await send(cloned, "tests.notes", [noted("a", 2, partition=0)])
        await until(live.db, "select count(*) = 3 from notes")
    assert await notes(live.db) == [("a", 1), ("a", 1), ("a", 2)]
    assert caplog.text.count("the consumer restarts") == 1


async def test_an_invalid_message_is_a_dead_letter_and_blocks_no_other(
    live: Context, cloned: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(context: Context, db: Database, message: Noted) -> None:
        await note(context, db, message)
        if message.number == 13:
            raise NOT_FOUND("No such thing.")

    poison = {
        "MALFORMED_JSON: The body is not valid JSON: see line 1, column 1.": Sent(data=b"canary", id="1"),
        "VALIDATION_FAILED: The data must be a JSON object.": Sent(data=b"[]", id="2"),
        "VALIDATION_FAILED: /type: Unknown type; use one of: tests.noted.": Sent(
            data=b"{}", id="3", type="tests.other"
        ),
        "VALIDATION_FAILED: ce_type and the type in the data must be equal.": Sent(data=b'{"type": "x.y"}', id="4"),
        "VALIDATION_FAILED: /thing: Must be text. /number: This field is required.": (
            Sent(data=b'{"thing": 1, "canary": 2}', id="5")
        ),
        "UNSUPPORTED_MEDIA_TYPE: The content type must be application/json.": noted(
            "a", 1, headers=(("content-type", b"application/avro"),)
        ),
        "NOT_FOUND: No such thing.": noted("a", 13),
        "VALIDATION_FAILED: A value is out of range or holds characters that cannot be stored.": noted("a", 3, id="\0"),
        "PAYLOAD_TOO_LARGE: The message is larger than 65536 bytes.": noted("a" * 70_000, 1, id="9"),
    }
    everything = [*poison.values(), noted("good", 1)]
    await send(cloned, "tests.notes", [_first(each) for each in everything])
    with caplog.at_level(logging.INFO):
        async with reading(live, noting(refuse)):
            await until(live.db, "select count(*) = 1 from notes")
    assert await notes(live.db) == [("good", 1)]
    assert (await live.db.fetch("select count(*) from inbox"))[0][0] == 1
    dead = await read_records(cloned, "tests.notes.dead", len(poison))
    assert sorted(header(each, "dead_reason") for each in dead) == sorted(poison)
    for offset, letter in enumerate(sorted(dead, key=lambda each: int(header(each, "dead_offset")))):
        assert header(letter, "dead_topic") == f"{cloned.kafka.prefix}tests.notes"
        assert (header(letter, "dead_partition"), header(letter, "dead_offset")) == ("0", str(offset))
        if offset < len(poison) - 1:
            assert header(letter, "ce_id") == everything[offset].id
            assert letter.value == everything[offset].data
    assert caplog.text.count("a message became a dead letter") == len(poison)


async def test_a_field_from_a_newer_release_is_ignored_and_logged_once(
    live: Context, cloned: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    newer = [noted("a", number, data=b'{"thing": "a", "number": 1, "colour": "canary"}') for number in range(3)]
    await send(cloned, "tests.notes", newer)
    async with reading(live, noting()):
        await until(live.db, "select count(*) = 3 from notes")
    [told] = [each for each in caplog.records if each.message == "a message has unknown fields"]
    assert vars(told)["fields"] == {"topic": "tests.notes", "names": "tests.noted.colour"}


@pytest.mark.skipif(not APACHE, reason="the embedded broker returns uncommitted messages")
async def test_an_aborted_message_is_not_handled(
    live: Context, cloned: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.watch, "LOOK_SECONDS", 0.2)
    await send(cloned, "tests.notes", [noted("a", 1, partition=0)])
    await send(cloned, "tests.notes", [noted("a", 2, partition=0)], commits=False)
    await send(cloned, "tests.notes", [noted("a", 3, partition=0)], commits=True)
    async with reading(live, noting()):
        await until(live.db, "select max(number) = 3 from notes")
        async with asyncio.timeout(60):
            while (await read_lag(live.cache))[0].messages != 0:  # noqa: ASYNC110  # Redis has no event for it
                await asyncio.sleep(0.05)
    assert await notes(live.db) == [("a", 1), ("a", 3)]


async def test_a_temporary_failure_blocks_only_its_partition(live: Context, cloned: Settings) -> None:
    closed = True

    async def wait(context: Context, db: Database, message: Noted) -> None:
        if message.thing == "a" and closed:
            raise UNAVAILABLE
        await note(context, db, message)

    await send(cloned, "tests.notes", [noted("a", number, partition=0) for number in range(3)])
    async with reading(live, noting(wait)):
        await send(cloned, "tests.notes", [noted("b", number, partition=1) for number in range(3)])
        await until(live.db, "select count(*) = 3 from notes")
        closed = False
        await until(live.db, "select count(*) = 6 from notes")
    assert await notes(live.db) == [("b", 0), ("b", 1), ("b", 2), ("a", 0), ("a", 1), ("a", 2)]


async def test_repeated_failures_make_a_dead_letter(live: Context, cloned: Settings) -> None:
    tries = 0

    async def stumble(context: Context, db: Database, message: Noted) -> None:
        nonlocal tries
        if message.number == 1:
            tries += 1
            raise ZeroDivisionError
        await note(context, db, message)

    await send(cloned, "tests.notes", [noted("a", 1), noted("a", 2)])
    async with reading(live, noting(stumble)):
        await until(live.db, "select count(*) = 1 from notes")
    [letter] = await read_records(cloned, "tests.notes.dead", 1)
    assert (tries, header(letter, "dead_reason")) == (worker.consumer.ATTEMPTS, "ZeroDivisionError")


async def test_the_senders_trace_is_continued(live: Context, cloned: Settings, spans: InMemorySpanExporter) -> None:
    await send(cloned, "tests.notes", [noted("a", 1, headers=(("traceparent", TRACE.encode()),))])
    async with reading(live, noting()):
        await until(live.db, "select count(*) = 1 from notes")
    found = {span.name: span for span in spans.get_finished_spans()}
    consuming, inbox = found["process tests.notes"], found["kernel.insert_inbox"]
    assert consuming.parent is not None
    told = consuming.attributes or {}
    assert told["messaging.operation.type"] == "process"
    assert told["messaging.destination.name"] == f"{cloned.kafka.prefix}tests.notes"
    assert (told["messaging.system"], told["messaging.message.id"]) == ("kafka", "a-1")
    assert f"{consuming.context.trace_id:032x}-{consuming.parent.span_id:016x}" == TRACE[3:-3]
    assert inbox.parent is not None
    assert inbox.parent.span_id == consuming.context.span_id


async def test_the_inbox_is_swept_after_thirty_days(live: Context) -> None:
    await live.db.fetch(
        "insert into inbox (consumer, source, id, received_at) "
        "select 'tests', '', days::text, now() - days * interval '1 day' from unnest('{29,31,60}'::integer[]) as days"
    )
    assert [await sweep_inbox(live), await sweep_inbox(live)] == [2, 0]
    assert [row[0] for row in await live.db.fetch("select id from inbox")] == ["29"]


def test_a_kind_without_a_name_is_refused() -> None:
    class Nameless(Incoming, frozen=True):
        thing: str

    with pytest.raises(TypeError, match="Nameless: define it as an Incoming with a tag"):
        consume("tests.notes", Nameless, note)


def _first(message: Sent) -> Sent:
    """Send all to partition 0, in this order."""
    return Sent(**{name: getattr(message, name) for name in Sent.__struct_fields__} | {"partition": 0})
