"""The OpenAPI 3.1 document, derived from the routes and their types, so that it matches what the pipeline does.
docs/openapi.json is a snapshot; its diff shows an API change in reviews."""

import importlib
import inspect
import re
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from api.kernel.contract import files
from api.kernel.contract.lasting import resuming, socket_of, stream_of
from api.kernel.contract.schemas import REF, name_enums, name_of, schemas_of
from api.kernel.errors import (
    FORBIDDEN,
    HOST_NOT_ALLOWED,
    INTERNAL_ERROR,
    MALFORMED_JSON,
    MALFORMED_MULTIPART,
    MALFORMED_REQUEST,
    NOT_FOUND,
    PAYLOAD_TOO_LARGE,
    PRECONDITION_FAILED,
    QUOTA_EXCEEDED,
    RATE_LIMITED,
    REQUEST_TIMEOUT,
    RIGHTS_CHANGED,
    TOO_MANY_STREAMS,
    UNAUTHORIZED,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    UPGRADE_REQUIRED,
    VALIDATION_FAILED,
    Problem,
    ProblemDocument,
    document_of,
)
from api.kernel.feature import Feature
from api.kernel.http import idempotency
from api.kernel.http.caching import caching_fields
from api.kernel.http.cookies import ACCESS, ORIGIN_NOT_ALLOWED, XSRF_REFUSED
from api.kernel.http.messages import as_post
from api.kernel.http.paging import Listing, Page
from api.kernel.http.routing import (
    ACCESS_HEADER,
    PREFIX,
    REFRESH_HEADER,
    Inputs,
    Reply,
    Route,
    inputs_of,
    operation_id,
)
from api.kernel.http.streams import Stream
from api.kernel.identity.auth import TOKEN_EXPIRED, TOKEN_INVALID, holder, signed_in
from api.kernel.input.bodies import too_large
from api.kernel.input.decoding import JSON
from api.kernel.input.forms import FORM
from api.kernel.input.uploads import Upload

VERSION = "0.1.0"
_SENTENCE = re.compile(r".*?[.!?](?=\s|$)", re.DOTALL)
_HEADERS = {
    "If-Match": "Entity tag.",
    "If-None-Match": "Entity tag.",
    "Accept-Language": "Preferred languages of the response.",
    idempotency.HEADER: "A value, such as a UUID, by which a repetition within 24 hours gets the answer of the first.",
}
_TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"  # the example in the W3C recommendation


def document(features: Sequence[Feature]) -> bytes:
    """The document as indented JSON. Raises TypeError if two handlers have the same name, because operationIds must be
    unique."""
    routes = [(feature, route, inputs_of(route)) for feature in features for route in feature.routes]
    messages = [inputs_of(as_post(route)) for _, route, _ in routes if route.receives]
    named, components = _schemas([inputs for _, _, inputs in routes] + messages)
    paths: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for feature, route, inputs in routes:
        operation = _operation(feature, route, inputs, named, components)
        if operation["operationId"] in seen:
            raise TypeError(f"Two handlers are named {route.handler.__name__}; rename one.")
        seen.add(operation["operationId"])
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    for kind in {kind for _, _, inputs in routes for kind in (inputs.query, inputs.form) if kind}:
        # Components of parameters and of fields beside a file, unless they are referred to.
        if f'"{named[kind]["$ref"]}"'.encode() not in msgspec.json.encode([paths, components]):
            del components[name_of(named[kind])]
    tags = [{"name": feature.name, "description": _about(feature)} for feature in features if feature.routes]
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "REST Angular",
            "version": VERSION,
            "description": "A REST API with JSON requests and responses. Errors are RFC 9457 problem details.",
        },
        "servers": [{"url": PREFIX, "description": "This server."}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": ACCESS,
                    "description": "Unsafe methods also require the value of the cookie XSRF-TOKEN in X-XSRF-TOKEN.",
                },
            },
        },
    }
    name_enums(whole)
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def _schemas(inputs: Sequence[Inputs]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return each type's schema, and the components that they refer to."""
    kinds = _types(inputs)
    received = [kind for each in inputs for kind in (*each.path.values(), each.body, each.form, each.query)]
    schemas, components = schemas_of(kinds, received)
    for component in components.values():
        if "description" in component:  # a docstring with line breaks
            component["description"] = " ".join(component["description"].split())
    named = dict(zip(kinds, schemas, strict=True))
    for kind in {pairs for each in inputs for pairs in (each.form, each.query) if pairs}:
        properties = components[name_of(named[kind])]["properties"]
        properties |= {name: _without_null(schema) for name, schema in properties.items()}
    return named, components


def _types(inputs: Iterable[Inputs]) -> list[Any]:
    """All types in handler signatures, without duplicates, in order."""
    found: dict[Any, None] = {ProblemDocument: None}
    for each in inputs:
        for kind in (*each.path.values(), each.body, each.form, each.query, _body_of(each)):
            if kind not in (None, type(None), Reply, Stream, bytes, Upload):
                found[kind] = None
    return list(found)


def _body_of(inputs: Inputs) -> Any:
    """The type of a response's body."""
    is_listing = typing.get_origin(inputs.returns) is Listing
    return types.GenericAlias(list, typing.get_args(inputs.returns)) if is_listing else inputs.returns


def _about(feature: Feature) -> str:
    package = feature.routes[0].handler.__module__.rpartition(".")[0].removesuffix(".handlers")
    return inspect.getdoc(importlib.import_module(package)) or feature.name


def _operation(
    feature: Feature, route: Route, inputs: Inputs, schemas: dict[Any, Any], components: dict[str, Any]
) -> dict[str, Any]:
    summary, description = _sentences(inspect.getdoc(route.handler) or "")
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "tags": [feature.name],
        "summary": summary,
        "description": description or summary,
        "security": _security(route, inputs),
        "parameters": [*_parameters(inputs, schemas, components), *_conditions(route, inputs)],
        "responses": {**_success(route, inputs, schemas), **_refusals(route, inputs)},
    }
    body = inputs.body or inputs.form
    if body in (bytes, Upload):
        form = components[name_of(schemas[inputs.form])] if inputs.form else {}
        operation["requestBody"] = files.request_body(route, inputs, form)
    elif body is not None:
        media = {"schema": schemas[body], **_sample(components[name_of(schemas[body])])}
        content = {JSON if inputs.body else FORM: media}
        operation["requestBody"] = {**files.note(inputs), "required": inputs.body_needed, "content": content}
    return {name: value for name, value in operation.items() if value or name == "security"}


def _sentences(docstring: str) -> tuple[str, str]:
    """The first sentence of a docstring, and the rest."""
    paragraphs = "\n\n".join(" ".join(paragraph.split()) for paragraph in docstring.split("\n\n"))
    first = _SENTENCE.match(paragraphs)
    end = first.end() if first else len(paragraphs)
    return paragraphs[:end].strip(), paragraphs[end:].strip()


def _security(route: Route, inputs: Inputs) -> list[dict[str, list[str]]]:
    if not route.guard.asks:
        return [{}, {"bearer": []}, {"cookie": []}] if "principal" in inputs.ambient else []
    roles = [] if route.guard in (signed_in, holder) else [route.guard.name]  # OpenAPI 3.1: required roles
    return [{"bearer": roles}, {"cookie": roles}]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """For a field of a form or query, which cannot be null, only omitted."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf" and (name, value) != ("default", None)}
    return {**kinds[0], **rest} if len(kinds) == 1 else schema


def _sample(component: dict[str, Any]) -> dict[str, Any]:
    """An example body built from the fields' examples, if all required fields have one."""
    properties: dict[str, dict[str, Any]] = component["properties"]
    sample = {name: schema["examples"][0] for name, schema in properties.items() if "examples" in schema}
    return {"example": sample} if sample and sample.keys() >= set(component.get("required", ())) else {}


def _parameters(inputs: Inputs, schemas: dict[Any, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": schemas[kind]} for name, kind in inputs.path.items()
    ]
    if inputs.query is not None:
        component = components[name_of(schemas[inputs.query])]
        for name, schema in component["properties"].items():
            parameter = {"name": name, "in": "query", "required": name in component.get("required", ())}
            described = {"description": schema["description"]} if "description" in schema else {}
            found.append({**parameter, **described, "schema": schema})
    return found


def _conditions(route: Route, inputs: Inputs) -> list[dict[str, Any]]:
    names = ["If-Match"] if "if_match" in inputs.ambient else []
    names += ["If-None-Match"] if route.etag and route.method == "GET" else []
    names += ["Accept-Language"] if "language" in inputs.ambient else []
    names += [idempotency.HEADER] if idempotency.keeps_answers(route, inputs) else []
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": _HEADERS[name],
            "schema": {"type": "string"} | ({"maxLength": 255} if name == idempotency.HEADER else {}),
        }
        for name in names
    ] + (resuming(route) if inputs.feed else [])


def _success(route: Route, inputs: Inputs, schemas: dict[Any, Any]) -> dict[str, Any]:
    if route.socket:
        return socket_of(route, inputs, inputs_of(as_post(route)) if route.receives else None, schemas)
    if inputs.feed:
        return stream_of(inputs, schemas)
    found: dict[str, Any] = {"description": "No content." if route.status == 204 else "Success."}
    headers = ["ETag"] if route.etag else []
    headers += {Page: ["Link"], Listing: ["Link", "X-Total-Count"]}.get(typing.get_origin(inputs.returns), [])
    headers += [idempotency.REPLAYED] if idempotency.keeps_answers(route, inputs) else []
    if headers:
        found["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    if route.cache:
        caching = caching_fields(route.cache, route.guard.asks, inputs.ambient)
        stored = {name.decode().title(): [value.decode()] for name, value in caching}
        found["headers"] = found.get("headers", {}) | {
            name: {"schema": {"type": "string", "examples": examples}} for name, examples in stored.items()
        }
    if "renew" in inputs.ambient:
        about = "New token, if the request had a bearer token and changed the password."
        renewed = {
            name: {"description": about, "schema": {"type": "string"}} for name in (ACCESS_HEADER, REFRESH_HEADER)
        }
        found["headers"] = found.get("headers", {}) | renewed
    if inputs.returns is Reply:
        found["content"] = {route.media_type: {}}
    elif inputs.returns is Stream:
        found["content"] = files.streamed(route.media_type)
    elif route.status != 204:
        schema = {"type": "null"} if inputs.returns in (None, type(None)) else schemas[_body_of(inputs)]
        found["content"] = {JSON: {"schema": schema}}
    others: dict[str, Any] = {}
    if route.etag and route.method == "GET":
        others["304"] = {"description": "Not modified."}
    if inputs.replies:
        others["202"] = {"description": "Accepted.", "content": {JSON: {"schema": {"type": "null"}}}}
    return {str(route.status): found, **others}


def refusals_of(route: Route, inputs: Inputs) -> list[type[Problem]]:
    """All error codes of a route: those of the pipeline, depending on the route's inputs and guard, and the route's
    own."""
    found: list[type[Problem]] = [*route.errors]
    if route.guard.asks:
        found += [UNAUTHORIZED, TOKEN_INVALID] + ([] if route.guard is holder else [TOKEN_EXPIRED])
        found += [] if route.guard is holder else [FORBIDDEN]
        found += [] if route.method == "GET" else [XSRF_REFUSED, ORIGIN_NOT_ALLOWED]
    elif "principal" in inputs.ambient:
        found += [UNAUTHORIZED, TOKEN_INVALID, TOKEN_EXPIRED]
    if "if_match" in inputs.ambient:
        found.append(PRECONDITION_FAILED)
    if idempotency.keeps_answers(route, inputs):
        found += idempotency.REFUSALS
    if inputs.path:
        found.append(NOT_FOUND)
    if inputs.body and inputs.body is not bytes:
        found.append(MALFORMED_MULTIPART if inputs.body is Upload else MALFORMED_JSON)
    if inputs.body or inputs.form:
        found += [REQUEST_TIMEOUT, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE]
    if inputs.form or inputs.query or inputs.body not in (None, bytes):
        found.append(VALIDATION_FAILED)
    if inputs.feed or route.socket:
        found += [TOO_MANY_STREAMS, *([RIGHTS_CHANGED] if route.guard.admits else [])]
    if route.socket:
        found += [ORIGIN_NOT_ALLOWED, UPGRADE_REQUIRED]
    if route.limit != "off":
        found.append(RATE_LIMITED)
        found += [QUOTA_EXCEEDED] if route.guard.admits or "principal" in inputs.ambient else []
    return [*dict.fromkeys([*found, MALFORMED_REQUEST, HOST_NOT_ALLOWED, INTERNAL_ERROR, UNAVAILABLE])]


def _refusals(route: Route, inputs: Inputs) -> dict[str, Any]:
    by_status: dict[int, list[type[Problem]]] = {}
    own = {PAYLOAD_TOO_LARGE: too_large(inputs.limit)}
    path = PREFIX + route.path
    for refusal in refusals_of(route, inputs):
        by_status.setdefault(refusal.status, []).append(refusal)
    return {
        str(status): {
            "description": " · ".join(refusal.code for refusal in refusals),
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": REF.format(name=ProblemDocument.__name__)},
                    "examples": {
                        refusal.code: {"value": document_of(own.get(refusal) or refusal(), path, _TRACE_ID)}
                        for refusal in refusals
                    },
                }
            },
        }
        for status, refusals in sorted(by_status.items())
    }
