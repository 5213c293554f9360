"""Examples of the JSON Schemas of events, for documents and catalogs."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

_EXAMPLES: Mapping[str, Any] = {
    "boolean": True,
    "integer": 1,
    "null": None,
    "number": 1.5,
    "string": "text",
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "uuid": "019c0000-0000-7000-8000-000000000001",
}


def example_of(schema: Schema, definitions: Mapping[str, Schema]) -> Any:
    """Return an example of the schema: its own, or one composed of its parts' examples. A test validates it."""
    if "$ref" in schema:
        return example_of(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    examples = [each["examples"] for each in (schema, *schema.get("anyOf", ())) if "examples" in each]
    if examples or "enum" in schema:
        return (examples[0] if examples else schema["enum"])[0]
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], definitions)
    kind: str = schema["type"]
    if kind == "object":
        return {name: example_of(each, definitions) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema["items"], definitions)]
    return _EXAMPLES.get(schema.get("format", kind), _EXAMPLES[kind])
