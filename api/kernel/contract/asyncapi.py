"""Events and consumers' messages → one JSON Schema (2020-12) for each and an AsyncAPI 3.0 document, derived from the
types. Consumers and producers of other services rely on the files in docs/; `write` refuses incompatible changes."""

import importlib
import importlib.util
import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from api.kernel.contract.openapi import VERSION
from api.kernel.feature import Feature, consumers_of
from api.kernel.outbox.events import Event, address
from api.kernel.outbox.examples import example_of

Schema = dict[str, Any]

_REF = "#/components/schemas/{name}"
_FOR_PEOPLE = {"title", "description", "examples", "default"}
_TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"  # the example in the W3C recommendation

# CloudEvents 1.0, Kafka protocol binding, binary mode: the attributes are the record's headers, in UTF-8.
_HEADERS: Mapping[str, Schema] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {
        "type": "string",
        "description": "Identifies the event. Drop a repeated id: it is a duplicate delivery.",
        "examples": ["019c0000-0000-7000-8000-000000000002"],
    },
    "ce_type": {"type": "string", "description": "The payload's `type`."},
    "ce_source": {
        "type": "string",
        "format": "uri",
        "description": "The producer; for this application, PUBLIC_URL of the deployment.",
        "examples": ["https://app.example.com"],
    },
    "ce_subject": {"type": "string", "description": "The entity that the event is about: the record's key."},
    "ce_time": {"type": "string", "format": "date-time", "description": "Time of the recording."},
    "content-type": {"type": "string", "const": "application/json"},
    "traceparent": {
        "type": "string",
        "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
        "description": "W3C Trace Context of the cause; consumers continue the trace.",
        "examples": [_TRACEPARENT],
    },
}


_REQUIRED = ["ce_specversion", "ce_id", "ce_type", "ce_source"]


class Message(msgspec.Struct, frozen=True):
    """A message type of a topic. `action` is the application's: send or receive. `key` names the field used as the
    record's key."""

    kind: type[msgspec.Struct]
    tag: str
    topic: str
    key: str
    action: str


def messages_of(features: Sequence[Feature]) -> list[Message]:
    """Return every event defined in a feature's events.py and every message of a consumer, by tag. Raises TypeError if
    two have the same tag."""
    found: dict[str, Message] = {}
    for message in (*_sent(features), *_received(features)):
        if found.setdefault(message.tag, message) != message:
            raise TypeError(f'Two messages have the tag "{message.tag}": tags must be unique.')
    return [found[tag] for tag in sorted(found)]


def schema(message: Message) -> Schema:
    """Return the schema of the message's data."""
    whole = msgspec.json.schema(message.kind)
    definitions = whole["$defs"]
    for each in definitions.values():
        _tidy(each)
    own = definitions.pop(whole["$ref"].rpartition("/")[2])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **own,
        "examples": [example_of(own, definitions)],
        **({"$defs": definitions} if definitions else {}),
        "x-ce-type": message.tag,
        "x-topic": message.topic,
        "x-key": message.key,
    }


def document(features: Sequence[Feature]) -> Schema:
    """Return the AsyncAPI document. Sending and receiving are operations on channels, which are topics."""
    messages = messages_of(features)
    payloads, schemas = msgspec.json.schema_components([each.kind for each in messages], ref_template=_REF)
    for each in schemas.values():
        _tidy(each)
    schemas["CloudEvent"] = {"type": "object", "required": _REQUIRED, "properties": dict(_HEADERS)}
    channels: dict[str, list[Message]] = {}
    operations: dict[tuple[str, str], list[Message]] = {}
    for message in messages:
        channels.setdefault(message.topic, []).append(message)
        operations.setdefault((message.action, message.topic), []).append(message)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "REST Angular",
            "version": VERSION,
            "description": "CloudEvents in Kafka's binary binding: at-least-once delivery, in order for each key.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{brokers}",
                "protocol": "kafka",
                "variables": {"brokers": {"default": "localhost:9092", "description": "KAFKA_BOOTSTRAP_SERVERS."}},
            }
        },
        "channels": {topic: _channel(topic, through) for topic, through in channels.items()},
        "operations": {f"{how}.{topic}": _operation(how, topic, those) for (how, topic), those in operations.items()},
        "components": {
            "messages": {each.tag: _message(each, payload) for each, payload in zip(messages, payloads, strict=True)},
            "schemas": schemas,
        },
    }


def files(features: Sequence[Feature]) -> dict[str, bytes]:
    """Return the files in docs/ by path: asyncapi.json, and events/<type>.json for each message."""
    made = {f"events/{message.tag}.json": schema(message) for message in messages_of(features)}
    whole = {"asyncapi.json": document(features), **made}
    return {path: msgspec.json.format(msgspec.json.encode(each), indent=2) + b"\n" for path, each in whole.items()}


def write(features: Sequence[Feature], folder: Path) -> list[str]:
    """Update the documents in the folder. If a change would break a consumer, leave them unchanged and return the
    reasons."""
    made = files(features)
    broken: list[str] = []
    for path in sorted((folder / "events").glob("*.json")):
        now = made.get(f"events/{path.name}")
        if now is None:
            broken.append(f"{path.stem} was removed. Delete {path.name} once no record and no consumer of it remains.")
            continue
        faults = breaches(msgspec.json.decode(path.read_bytes()), msgspec.json.decode(now))
        broken += [f"{path.stem}: {fault}. Define a new type and keep the old one." for fault in faults]
    if not broken:
        (folder / "events").mkdir(exist_ok=True)
        for name, content in made.items():
            (folder / name).write_bytes(content)
    return broken


def breaches(old: Schema, new: Schema) -> list[str]:
    """Return why readers with one of the two schemas could not read data written with the other: new records, and old
    records still pending in a topic or a task."""
    faults = [] if old["x-key"] == new["x-key"] else [f"its key changed from `{old['x-key']}` to `{new['x-key']}`"]
    for name, was in old["properties"].items():
        now = new["properties"].get(name)
        if now is None:
            faults.append(f"`{name}` was removed")
        elif _shape(was) != _shape(now):
            faults.append(f"the type of `{name}` changed")
        elif (name in old["required"]) != (name in new["required"]):
            faults.append(f"`{name}` became required" if name in new["required"] else f"`{name}` became optional")
    added = new["properties"].keys() - old["properties"].keys()
    faults += [f"`{name}` is new and has no default" for name in sorted(added & set(new["required"]))]
    inner = new.get("$defs", {})
    return faults + [
        f"the nested type {name} changed"
        for name, was in old.get("$defs", {}).items()
        if _shape(was) != _shape(inner.get(name))
    ]


def _shape(schema: Any) -> Any:
    """Return a schema without its documentation."""
    if isinstance(schema, list):
        return [_shape(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        word: {name: _shape(field) for name, field in value.items()} if word == "properties" else _shape(value)
        for word, value in schema.items()
        if word not in _FOR_PEOPLE
    }


def _sent(features: Sequence[Feature]) -> Iterator[Message]:
    for feature in features:
        name = f"api.{feature.name}.events"
        if importlib.util.find_spec(name) is None:
            continue
        for each in vars(importlib.import_module(name)).values():
            if inspect.isclass(each) and issubclass(each, Event) and each.__module__ == name:
                yield Message(each, *address(each), "send")


def _received(features: Sequence[Feature]) -> Iterator[Message]:
    for consumer in consumers_of(features):
        for tag, kind in consumer.kinds.items():
            yield Message(kind, tag, consumer.topic, kind.__struct_fields__[0], "receive")


def _channel(topic: str, messages: Sequence[Message]) -> Schema:
    return {
        "address": f"{{prefix}}{topic}",
        "parameters": {"prefix": {"default": "", "description": "KAFKA_PREFIX."}},
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {each.tag: {"$ref": f"#/components/messages/{each.tag}"} for each in messages},
    }


def _operation(action: str, topic: str, messages: Sequence[Message]) -> Schema:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{each.tag}"} for each in messages],
    }


def _message(message: Message, payload: Schema) -> Schema:
    described = schema(message)
    [example] = described["examples"]
    fixed = {"ce_type": message.tag, "ce_subject": example[message.key]}
    headers = {name: fixed.get(name) or example_of(each, {}) for name, each in _HEADERS.items()}
    about = {"description": described["description"]} if "description" in described else {}
    exactly = {"type": "object", "properties": {"ce_type": {"const": message.tag}}}
    key = {**described["properties"][message.key], "description": f"The payload's `{message.key}`."}
    return {
        "name": message.tag,
        "title": described["title"],
        **about,
        "contentType": "application/json",
        "headers": {"allOf": [{"$ref": _REF.format(name="CloudEvent")}, exactly]},
        "payload": payload,
        "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}},
        "examples": [{"headers": headers, "payload": example}],
    }


def _tidy(schema: Schema) -> None:
    if "description" in schema:  # a docstring with the line breaks of the source
        schema["description"] = " ".join(schema["description"].split())
