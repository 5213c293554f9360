"""docs/events/ and docs/asyncapi.json: they match the code, are complete, records conform to them, and changes stay
compatible with consumers."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema_rs
import msgspec
import pytest

from api.features import FEATURES
from api.kernel.contract.asyncapi import Message, breaches, files, messages_of, schema, write
from api.kernel.data.database import uuid7
from api.kernel.outbox.events import Event, Thing, address
from api.kernel.settings import Settings
from tests.test_openapi import inside, resolve
from tests.worker.jobs import read_records
from worker.kafka import Publisher
from worker.types import OutboxEvent

MESSAGES = messages_of(FEATURES)
OURS: dict[str, Any] = json.loads(files(FEATURES)["asyncapi.json"])
SENT = [message for message in MESSAGES if message.action == "send"]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
WHEN = "2026-01-31T12:00:00.500000Z"


def test_docs_match_the_code(root: Path) -> None:
    paths = [root / "docs/asyncapi.json", *(root / "docs/events").glob("*.json")]
    kept = {str(path.relative_to(root / "docs")): path.read_bytes() for path in paths}
    assert kept == files(FEATURES), "run: make events"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.tag)
def test_a_schema_is_valid_and_matches_its_example_and_type(message: Message) -> None:
    told = schema(message)
    jsonschema_rs.meta.validate(told)
    validator = jsonschema_rs.validator_for(told, validate_formats=True)
    for example in told["examples"]:
        validator.validate(example)
        made = msgspec.json.decode(json.dumps(example), type=message.kind)
        assert json.loads(msgspec.json.encode(made)) == example
        for name in told["required"]:
            assert not validator.is_valid({field: value for field, value in example.items() if field != name})
        assert not validator.is_valid(example | {"type": "another.one"})
    assert "description" not in told or told["description"]


def test_every_reference_resolves_and_every_component_is_used() -> None:
    references = {one["$ref"] for one in inside(OURS) if "$ref" in one}
    for reference in references:
        assert resolve(OURS, reference)
    for kind in ("messages", "schemas"):
        used = {reference for reference in references if reference.startswith(f"#/components/{kind}/")}
        assert used == {f"#/components/{kind}/{name}" for name in OURS["components"][kind]}


def test_the_document_is_valid_asyncapi_3() -> None:
    """Checks the rules of the specification that apply to this document; its official parser is not written in
    Python."""
    assert OURS["asyncapi"] == "3.0.0"
    assert OURS.keys() <= {"asyncapi", "info", "defaultContentType", "servers", "channels", "operations", "components"}
    assert OURS["info"].keys() >= {"title", "version"}
    for server in OURS["servers"].values():
        assert set(server["variables"]) == {"brokers"}
        assert (server["host"], server["protocol"]) == ("{brokers}", "kafka")
    for topic, channel in OURS["channels"].items():
        assert channel["address"] == "{prefix}" + topic
        assert set(channel["parameters"]) == {"prefix"}
    operated = []
    for operation in OURS["operations"].values():
        assert operation["action"] in ("send", "receive")
        topic = operation["channel"]["$ref"].removeprefix("#/channels/")
        for message in operation["messages"]:
            # An operation's messages are its channel's, and not the components' (AsyncAPI 3.0, Operation Object).
            assert message["$ref"].startswith(f"#/channels/{topic}/messages/")
            operated.append((operation["action"], topic, message["$ref"].rpartition("/")[2]))
    assert sorted(operated) == sorted((each.action, each.topic, each.tag) for each in MESSAGES)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.tag)
def test_the_example_of_a_message_is_valid(message: Message) -> None:
    told = OURS["components"]["messages"][message.tag]
    for example in told["examples"]:
        valid(told["headers"]).validate(example["headers"])
        valid(told["payload"]).validate(example["payload"])
        valid(told["bindings"]["kafka"]["key"]).validate(example["payload"][message.key])
        assert example["headers"]["ce_subject"] == example["payload"][message.key]
        assert not valid(told["headers"]).is_valid(example["headers"] | {"ce_type": "another.one"})


async def test_published_records_conform_to_the_schemas(cloned: Settings) -> None:
    """Publishes one record of each event and reads it back from Kafka: topic, key, headers and data."""
    kafka = msgspec.structs.replace(cloned.kafka, prefix=f"{uuid7().hex}.")
    settings = msgspec.structs.replace(cloned, kafka=kafka)
    rows = []
    for message in SENT:
        [example] = schema(message)["examples"]
        data = json.dumps(example)
        rows.append(
            OutboxEvent(uuid7(), message.tag, message.topic, example[message.key], data, TRACE, WHEN, 0, False, False)
        )
    publisher = Publisher(settings)
    try:
        assert await publisher.publish(rows) == {}
    finally:
        await publisher.stop()
    seen = []
    for topic in sorted({message.topic for message in SENT}):
        for record in await read_records(settings, topic, sum(message.topic == topic for message in SENT)):
            headers = {name: value.decode() for name, value in record.headers}
            told = OURS["components"]["messages"][headers["ce_type"]]
            assert headers.keys() == OURS["components"]["schemas"]["CloudEvent"]["properties"].keys()
            valid(told["headers"]).validate(headers)
            valid(told["payload"]).validate(json.loads(record.value))
            valid(told["bindings"]["kafka"]["key"]).validate(record.key.decode())
            assert record.topic == OURS["channels"][topic]["address"].replace("{prefix}", kafka.prefix)
            seen.append(headers["ce_type"])
    assert sorted(seen) == [message.tag for message in SENT]


def valid(part: dict[str, Any]) -> jsonschema_rs.Validator:
    """Return the validator of a schema in the document."""
    return jsonschema_rs.validator_for(part | {"components": OURS["components"]}, validate_formats=True)


class Coat(msgspec.Struct):
    colour: Literal["red", "blue"]


def described(key: str = "car_id", **changed: object) -> dict[str, Any]:
    """Return the schema of an event with some fields of another type. None removes a field; (type, default) makes it
    optional."""
    fields = {key: Thing, "metres": int, "coat": Coat, "seats": (int, 4)} | changed
    named = [(name, *(kind if isinstance(kind, tuple) else (kind,))) for name, kind in fields.items() if kind]
    options: dict[str, Any] = {"bases": (Event,), "frozen": True, "kw_only": True, "tag": "cars.moved"}
    made: Any = msgspec.defstruct("CarMoved", named, **options)
    told: dict[str, Any] = json.loads(msgspec.json.encode(schema(Message(made, *address(made), "send"))))
    return told


@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        ({}, []),
        ({"place": (int, 0)}, []),
        ({"second_coat": (Coat | None, None)}, []),
        ({"metres": Annotated[int, msgspec.Meta(description="Rounded.", examples=[7])]}, []),
        ({"metres": None}, ["`metres` was removed"]),
        ({"metres": float}, ["the type of `metres` changed"]),
        ({"metres": int | None}, ["the type of `metres` changed"]),
        ({"metres": Annotated[int, msgspec.Meta(le=100)]}, ["the type of `metres` changed"]),
        ({"metres": (int, 0)}, ["`metres` became optional"]),
        ({"seats": int}, ["`seats` became required"]),
        ({"place": int}, ["`place` is new and has no default"]),
        (
            {"key": "van_id", "car_id": Thing},
            ["its key changed from `car_id` to `van_id`", "`van_id` is new and has no default"],
        ),
        ({"coat": msgspec.defstruct("Coat", [("size", int)])}, ["the nested type Coat changed"]),
        ({"coat": msgspec.defstruct("Coat", [("colour", Literal["red"])])}, ["the nested type Coat changed"]),
    ],
    ids=str,
)
def test_schema_changes_are_compatible_in_both_directions(changed: dict[str, Any], faults: list[str]) -> None:
    assert breaches(described(), described(**changed)) == faults


def test_an_incompatible_schema_is_not_written(tmp_path: Path) -> None:
    assert write(FEATURES, tmp_path) == []
    kept = tmp_path / "events/users.registered.json"
    broken = json.loads(kept.read_bytes())
    broken["properties"]["telephone"] = {"type": "string"}
    kept.write_text(json.dumps(broken))
    (tmp_path / "events/users.hidden.json").write_text("{}")
    (tmp_path / "asyncapi.json").write_text("as it was")
    assert [told.partition(".json")[0] for told in write(FEATURES, tmp_path)] == [
        "users.hidden was removed. Delete users.hidden",
        "users.registered: `telephone` was removed. Define a new type and keep the old one.",
    ]
    assert (tmp_path / "asyncapi.json").read_text() == "as it was"
