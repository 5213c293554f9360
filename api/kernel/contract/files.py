"""OpenAPI descriptions of bodies and responses that are not JSON."""

from typing import Any

from api.kernel.http.routing import Inputs, Route
from api.kernel.input.bodies import MAX_BODY_BYTES, in_words
from api.kernel.input.forms import MULTIPART
from api.kernel.input.uploads import FILE, Upload

BINARY = {"type": "string", "format": "binary"}


def request_body(route: Route, inputs: Inputs, form: dict[str, Any]) -> dict[str, Any]:
    """The requestBody of a route that takes `bytes` or an `Upload`; `form` is the schema of its text fields, if any. A
    body that is only the file cannot have fields."""
    content: dict[str, Any] = {}
    if not form.get("required"):
        content = {kind: {"schema": BINARY} for kind in route.accepts}
    if inputs.body is Upload:
        properties = {**form.get("properties", {}), FILE: BINARY}
        schema = {"type": "object", "properties": properties, "required": [*form.get("required", ()), FILE]}
        kinds = {FILE: {"contentType": ", ".join(route.accepts)}}
        content[MULTIPART] = {"schema": {**schema, "additionalProperties": False}, "encoding": kinds}
    order = "Send text fields before the file." if form else ""
    description = f"Maximum size: {in_words(inputs.limit)}. {order}".rstrip()
    return {"description": description, "required": inputs.body_needed, "content": content}


def note(inputs: Inputs) -> dict[str, str]:
    """The description of a body: a limit other than the default, and the second media type of forms. `content` has one
    media type, because generators of clients make a method for each."""
    size = f"Maximum size: {in_words(inputs.limit)}." if inputs.limit != MAX_BODY_BYTES else ""
    form = f"May be sent as {MULTIPART} instead." if inputs.form else ""
    description = f"{size} {form}".strip()
    return {"description": description} if description else {}


def streamed(media_type: str) -> dict[str, Any]:
    """The content of a streamed response."""
    text = media_type.startswith("text/") or media_type.endswith("ndjson")
    return {media_type: {"schema": {"type": "string"} if text else BINARY}}
