"""The catalog of events that endpoints may subscribe to, from the types that events.py files define, which are also the
source of docs/asyncapi.json."""

import functools
import inspect
import sys

import msgspec

from api.kernel import Event, event_types, example_of
from api.webhooks.types import EventType


@functools.cache
def catalog() -> list[EventType]:
    """Return the events of the application by type. Call it once all features are imported."""
    return sorted(map(_entry, filter(_is_own, event_types())), key=lambda entry: entry.type)


@functools.cache
def known() -> frozenset[str]:
    """Return all subscriptions: the types, `topic.*` for each topic, and `*`."""
    types = {entry.type for entry in catalog()}
    return frozenset({"*", *types, *(f"{each.partition('.')[0]}.*" for each in types)})


def _is_own(kind: type[Event]) -> bool:
    """Whether a feature defines the type, and not a test."""
    module = sys.modules.get(kind.__module__)
    return kind.__module__.startswith("api.") and getattr(module, kind.__name__, None) is kind


def _entry(kind: type[Event]) -> EventType:
    whole = msgspec.json.schema(kind)
    definitions = whole["$defs"]
    own = definitions.pop(whole["$ref"].rpartition("/")[2])
    own["properties"].pop("type")  # it is beside `data`
    own["required"] = [name for name in own.get("required", []) if name != "type"]
    own.pop("description", None)
    about = " ".join((inspect.getdoc(kind) or "").split()) if kind.__doc__ else ""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **own}
    if definitions:
        schema["$defs"] = definitions
    return EventType(str(kind.__struct_config__.tag), about, schema, example_of(own, definitions))
