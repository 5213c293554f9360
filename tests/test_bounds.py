"""C-439: everything that a client sends, and every list that it gets, has a bound. Derived from the routes and their
schemas, so that a new field or list without one fails here."""

import json
import re
import typing
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.contract.openapi import document
from api.kernel.http.paging import Listing, Page
from api.kernel.http.routing import Route, inputs_of
from tests.examples import ROUTES
from tests.factories import make_user
from tests.sessions.signing import bearer, login

pytestmark = pytest.mark.case(439)
DOCUMENT = json.loads(document(FEATURES))
SCHEMAS = DOCUMENT["components"]["schemas"]
LEAST, GREATEST = -(2**63), 2**63 - 1
FINITE = {"uuid", "date-time", "date"}

PASSWORDS = "128 characters, after normalization: REGISTER_INVALID_PASSWORD and others, not 422"
TEXTS = {
    "Registration.password": PASSWORDS,
    "EmailTokenWithPassword.password": PASSWORDS,
    "PasswordReset.password": PASSWORDS,
    "ProfileUpdate.password": PASSWORDS,
    "ProfileUpdate.current_password": "an older system's may be longer; the size of the body limits it",
    "PasswordConfirmation.current_password": "an older system's may be longer; the size of the body limits it",
    "PasswordChange.current_password": "an older system's may be longer; the size of the body limits it",
    "PasswordChange.new_password": PASSWORDS,
    "UserUpdate.password": PASSWORDS,
    "get /ws?after": "the head of the request; a text that is no id of an event is answered with `resync`",
}
"""Texts of requests without a maximum length in their schema, each with its limit."""
LISTS = {
    "GET /notifications/role-preferences": "MOST_LISTED switches",
    "GET /sessions": "MOST_SESSIONS: an older session ends when a new one begins",
    "GET /webhooks": "WEBHOOKS_MOST",
    "GET /webhooks/event-types": "the events of this release",
}
"""Lists that are complete, each with its limit."""


def is_short(pattern: str) -> bool:
    """Whether a pattern has no unlimited repetition, so that the texts that it matches have a maximum length."""
    outside = re.sub(r"\\.|\[[^\]]*\]", "x", pattern.replace(r"(?![\s\S])", ""))
    return pattern.startswith("^") and outside.endswith("$") and not re.search(r"[*+]|\{\d+,\}", outside)


def unbounded(schema: dict[str, Any], place: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield each part of a schema without a bound, and what it is."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from unbounded(SCHEMAS[name], name, seen | {name})
        return
    for combined in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(combined, ()):
            yield from unbounded(each, place, seen)
    kind, fixed = schema.get("type"), "enum" in schema or "const" in schema
    is_finite = fixed or schema.get("format") in FINITE or "maxLength" in schema or is_short(schema.get("pattern", ""))
    if kind == "string" and not is_finite:
        yield f"{place}: a text without a maximum length"
    is_finite = fixed or (schema.get("minimum", LEAST - 1) >= LEAST and schema.get("maximum", GREATEST + 1) <= GREATEST)
    if kind in ("integer", "number") and not is_finite:
        yield f"{place}: a number without minimum and maximum in 64 bits"
    if kind == "array":
        if "maxItems" not in schema:
            yield f"{place}: an array without a maximum"
        yield from unbounded(schema.get("items", {}), f"{place}[]", seen)
    members = schema.get("additionalProperties")
    if isinstance(members, dict) and "maxProperties" in schema:
        yield from unbounded(members, f"{place}.*", seen)
    elif members not in (None, False):
        yield f"{place}: an object with any members"
    for name, each in schema.get("properties", {}).items():
        yield from unbounded(each, f"{place}.{name}", seen)


def test_each_part_of_a_request_has_a_bound() -> None:
    found: dict[str, None] = {}
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                found |= dict.fromkeys(unbounded(media["schema"], f"{method} {path}"))
            for each in operation.get("parameters", ()):
                if each["in"] == "query":
                    found |= dict.fromkeys(unbounded(each["schema"], f"{method} {path}?{each['name']}"))
    assert {place.partition(":")[0] for place in found} == TEXTS.keys(), found


@pytest.mark.parametrize(
    ("schema", "bounded"),
    [
        ({"type": "string"}, False),
        ({"type": "string", "maxLength": 3}, True),
        ({"type": "string", "pattern": "^[a-z]{1,3}$"}, True),
        ({"type": "string", "pattern": "^[a-z]+$"}, False),
        ({"type": "string", "pattern": "[a-z]{1,3}"}, False),
        ({"type": "string", "pattern": r"^[*+]\+$(?![\s\S])"}, True),
        ({"type": "string", "format": "uuid"}, True),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, False),
        ({"type": "integer", "minimum": 0}, False),
        ({"type": "integer", "minimum": 0, "maximum": 2**63}, False),
        ({"type": "integer", "minimum": 0, "maximum": 2**63 - 1}, True),
        ({"type": "array", "items": {"enum": ["a"]}}, False),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, False),
        ({"type": "object", "additionalProperties": {"enum": ["a"]}}, False),
    ],
)
def test_the_check_itself(schema: dict[str, Any], bounded: bool) -> None:
    assert bool([*unbounded(schema, "")]) is not bounded


def lists(route: Route) -> bool:
    returns = inputs_of(route).returns
    return typing.get_origin(returns) in (list, Page, Listing)


LISTING = {name: route for name, (_, route) in ROUTES.items() if route.method == "GET" and lists(route)}


@pytest.mark.parametrize("name", LISTING)
def test_each_list_has_a_bound(name: str) -> None:
    """And a list of which a client gets a part says so: with a total, and a link to the next part."""
    query = {each["name"]: each["schema"] for each in _operation(name)["parameters"] if each["in"] == "query"}
    if "limit" not in query:
        assert name in LISTS, f"add `limit: Limit = 20` to the query of {name}, or add it to LISTS with its limit"
        return
    assert query["limit"]["maximum"] <= 1000
    assert name not in LISTS
    assert typing.get_origin(inputs_of(LISTING[name]).returns) in (Page, Listing), f"return a Page from {name}"


def test_each_reason_is_of_a_list() -> None:
    assert LISTS.keys() <= LISTING.keys()


def _operation(name: str) -> dict[str, Any]:
    method, _, path = name.partition(" ")
    operation: dict[str, Any] = DOCUMENT["paths"][path][method.lower()]
    return {"parameters": [], **operation}


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63) - 1, -1, 10**400])
async def test_a_number_beyond_64_bits_is_refused(client: httpx.AsyncClient, context: Context, number: int) -> None:
    """C-375: in a body, a query and a path."""
    user = await make_user(context, superuser=True)
    headers = bearer((await login(client, user.email)).json())
    rule = {"path": "*", "limit": number, "period": 60}
    body = await client.post("/api/plans/rate-limits?tier_target_id=1", json=rule, headers=headers)
    query = await client.get(f"/api/plans/tiers?after={number}", headers=headers)
    path = await client.get(f"/api/plans/tiers/{number}", headers=headers)
    assert body.status_code in (400, 422)  # 400: too long to be a number of JSON here
    assert (query.status_code, path.status_code) == (422, 404)
