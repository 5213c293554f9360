"""The whole API, called CALLS times according to its OpenAPI document with valid and invalid input: anonymously, by an
account and by a superuser. New routes are covered once they are in FEATURES."""

import http.cookiejar
import json
import math
import os
import re
import zlib
from typing import Any

import pytest
import requests
import schemathesis
from schemathesis.checks import CheckContext, CheckFunction
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.features import FEATURES
from api.kernel.contract.openapi import document
from api.kernel.identity.auth import derive_key
from api.sessions import tokens
from api.users.names import normal_name
from tests.conftest import SUBSCRIBERS
from tests.factories import PASSWORD
from tests.fuzz.conftest import Account, World

Case = schemathesis.Case[Any]
CALLS = 5000
# Schemathesis finds text for a lookaround by trial, for minutes. `(?![\s\S])` is the end; `acceptable` checks the rest.
LOOKAROUND = r"\(\?[=!]([^()\\]|\\.)*\)"


def simplified(schema: Any) -> Any:
    if isinstance(schema, list):
        return [simplified(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: simplified(each) for name, each in schema.items()}
    # An annotation in OpenAPI 3.1. Schemathesis asserts it by RFC 5321, and the HTML standard's pattern allows more.
    if schema.get("format") in ("email", "idn-email"):
        del plain["format"]
    if isinstance(schema.get("pattern"), str):
        plain["pattern"] = re.sub(LOOKAROUND, "", schema["pattern"].replace(r"(?![\s\S])", "$"))
    return plain


def without_sockets(whole: dict[str, Any]) -> dict[str, Any]:
    """Return the document without WebSockets, which answer 426 to all requests but handshakes."""
    paths = {
        path: {method: operation for method, operation in item.items() if "101" not in operation["responses"]}
        for path, item in whole["paths"].items()
    }
    return whole | {"paths": {path: item for path, item in paths.items() if item}}


def with_events(whole: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the schemas of streams in the form that Schemathesis checks: an event, whose data is
    JSON. `resync` and `bye` are events of every stream."""
    reason = {"type": "object", "properties": {"reason": {"type": "string"}}, "required": ["reason"]}
    for operation in (operation for item in whole["paths"].values() for operation in item.values()):
        for response in operation["responses"].values():
            if stream := response.get("content", {}).get("text/event-stream"):
                stream["schema"] = {
                    "if": {"properties": {"event": {"enum": ["resync", "bye"]}}, "required": ["event"]},
                    "then": event_with(reason),
                    "else": event_with(stream["schema"]),
                }
    return whole


def event_with(data: dict[str, Any]) -> dict[str, Any]:
    content = {"type": "string", "contentMediaType": "application/json", "contentSchema": data}
    return {"type": "object", "properties": {"data": content}}


DOCUMENT: dict[str, Any] = simplified(with_events(without_sockets(json.loads(document(FEATURES)))))
OPERATIONS = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
# Operations without input are called a few times; the others share the calls.
ASKED = [3 if one["security"] else 1 for one in OPERATIONS if one.keys() & {"requestBody", "parameters"}]
CONFIG = {
    "max-stream-events": 1,
    "generation": {
        "max-examples": math.ceil(
            0.75 * CALLS / sum(ASKED)
        ),  # besides the cases that Schemathesis generates for each type
        "deterministic": bool(os.environ.get("CI")),
        # Both assume that a repeated call has the same answer, but a registered address stays registered.
        "no-shrink": True,
        "database": "none",
        # The tests send the tokens; test_headers.py sends invalid ones.
        "with-security-parameters": False,
    },
    "checks": {
        # A valid request may be refused because of the state (an unknown token, a taken address), not because of its
        # form.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "400", "401", "403", "404", "409", "412"]},
        # Every case is also called without a token, by this check and others.
        "ignored_auth": {"enabled": False},
        # In seconds: no text may make a pattern or a query slow.
        "max_response_time": 5.0,
    },
    "output": {"sanitization": {"enabled": False}},  # the secrets belong to the tests, and the curl repeats the call
}
API = schemathesis.openapi.from_dict(DOCUMENT, config=schemathesis.Config.from_dict(CONFIG))
SESSION = requests.Session()
SESSION.trust_env = False
SESSION.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))

pytestmark = [pytest.mark.timeout(300), pytest.mark.case(22)]


@schemathesis.check
def codes_are_told(ctx: CheckContext, response: schemathesis.Response, case: Case) -> None:
    """Check that a refusal's code is documented for this route and status."""
    told = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    examples = told.get("content", {}).get("application/problem+json", {}).get("examples")
    assert examples is None or response.json()["code"] in examples, response.text


@API.parametrize()
def test_an_answer_conforms_to_the_document(case: Case, world: World) -> None:
    security = case.operation.definition.raw["security"]
    account = world.sign_up()
    answer = ask(world, case, account, {})
    if not security or {} in security:  # authentication is optional
        return
    is_needed = {} not in security  # otherwise, the caller may sign in
    assert answer.status_code in (401, 405) or not is_needed, f"authentication comes first: {answer.text}"
    answer = ask(world, case, account, bearer(account))
    assert answer.status_code in (403, 405) or {"bearer": ["superuser"]} not in security, answer.text
    superuser = world.sign_up(is_superuser=True)
    ask(world, case, superuser, bearer(superuser))


def bearer(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {account.token}"}


def ask(world: World, case: Case, account: Account, headers: dict[str, str]) -> schemathesis.Response:
    world.calls[case.operation.label] += 1
    if "Last-Event-ID" in str(case.operation.definition.raw.get("parameters")):
        # Streams do not end. To an unknown id, they send `resync` at once.
        case.headers.setdefault("Last-Event-ID", "unknown")
    vary(world, case, account)
    excluded: list[CheckFunction] = [] if acceptable(case) else [positive_data_acceptance]
    return case.call_and_validate(world.url, session=SESSION, headers=headers, excluded_checks=excluded)


def acceptable(case: Case) -> bool:
    """Return whether the value meets rules beyond JSON Schema: no NUL in text, visible names, genuine cursors, the
    path's id in the body, whole numbers without a fraction (JSON Schema takes 1.0 for one), addresses and types of
    events of webhooks that exist, kinds whose group is in the settings, one audience, time zones that exist, a quota
    for its period."""
    body = case.body if isinstance(case.body, dict) else {}
    name, id = body.get("name"), case.path_parameters.get("id")
    if id and body.get("id") not in (None, id):
        return False
    if "/webhooks" in case.path and not body.keys().isdisjoint({"url", "events"}):
        return False
    if body.get("quota_period") and not body.get("quota"):
        return False
    if "kind" in body or body.get("switches") or body.get("digest"):
        return False
    if any(isinstance(value, float) and value.is_integer() for value in body.values()):
        return False
    if isinstance(name, str):
        try:
            normal_name(name)
        except ValueError:
            return False
    return "\\x00" not in repr(case) and "cursor" not in case.query


def vary(world: World, case: Case, account: Account) -> None:
    """Give half of the valid cases existing ids, the right password and a valid token, so that they reach the handler;
    put a NUL into every text of some, which PostgreSQL cannot store."""
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    chance = zlib.crc32(repr(case).encode()) % 8
    if chance < 4:
        noun = case.path.split("/")[1]
        if "id" in case.path_parameters and noun in ("users", "sessions"):
            case.path_parameters = {"id": str(world.sign_up().id if noun == "users" else account.sid)}
        key = derive_key(world.settings.secret_key, "refresh-token")
        token = tokens.make(key, account.sid, 1)
        true = {"username": account.email, "current_password": PASSWORD, "refresh_token": token}
        true |= case.path_parameters
        if isinstance(case.body, dict):
            case.body = case.body | {name: value for name, value in true.items() if name in case.body}
    elif chance == 4:
        case.query = with_nul(case.query)
        if isinstance(case.body, dict):
            case.body = with_nul(case.body)


def with_nul(values: dict[str, Any]) -> dict[str, Any]:
    return {name: f"{value}\0" if isinstance(value, str) else value for name, value in values.items()}


def test_no_failure_was_logged(world: World) -> None:
    """Depends on the tests before it, which made the calls."""
    for operation, calls in [*world.calls.items(), ("in all", world.calls.total())]:
        print(f"{calls:6} {operation}")  # noqa: T201  # for the developer who runs `make fuzz`
    assert world.web.stop() == 0
    assert "unhandled exception" not in world.web.logged()
    assert not re.findall(r'.*"level": "ERROR".*', world.web.logged())
    metrics = world.collecting.received
    assert b"http.server.request.duration" in metrics
    assert b"db.refused_values" not in metrics, "a decoder accepted a value that PostgreSQL rejected (C-36)"
    assert world.calls.total() >= CALLS


def test_every_change_has_its_event(world: World) -> None:
    """C-36: accounts, events, tasks and the audit are in the same transactions."""
    events = world.db.execute("select id, type, dead_at from outbox_events").fetchall()
    tasks = world.db.execute("select event_id, task from outbox_tasks").fetchall()
    expected = [(id, task) for id, type, _ in events for task in SUBSCRIBERS.get(str(type), ())]
    deferred = {id for id, _ in tasks} - {id for id, *_ in events}
    assert sorted(row for row in tasks if row[0] not in deferred) == sorted(expected)
    untold = "select id from users where id not in (select key from outbox_events) and not id = any(%s)"
    assert world.db.execute(untold, [world.signed_up]).fetchall() == []
    unaudited = "select id from outbox_events except select id from audit_entries"
    assert world.db.execute(unaudited).fetchall() == []
    assert {type for _, type, _ in events} >= {"users.registered", "sessions.started"}
