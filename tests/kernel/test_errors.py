"""Problem and its one shape, from every layer of the application."""

import asyncio
import json
import logging
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from api.app import create_app
from api.kernel import errors
from api.kernel.context import Context
from api.kernel.errors import NOT_FOUND, UNAVAILABLE, FieldError, Problem, Problems, conflict, path_of
from api.kernel.feature import Feature
from api.kernel.http.routing import get, post
from api.kernel.identity.auth import anyone, signed_in
from api.kernel.settings import Settings
from api.kernel.telemetry.logs import JsonFormatter
from tests.conftest import client_of
from tests.kernel.test_routing import MEMBERS

CANARY = "hunter2-canary"
TAKEN = conflict("TAKEN", "This name is taken.")


class Name(msgspec.Struct, forbid_unknown_fields=True):
    name: str


async def taken() -> None:
    """Refuses by a code of its own."""
    raise TAKEN


async def broken() -> None:
    """Fail unexpectedly."""
    raise RuntimeError(f"the password is {CANARY}")


async def away() -> None:
    """Needs a part that is down."""
    raise UNAVAILABLE


async def named(body: Name) -> None:
    """Takes a name."""


async def private() -> None:
    """For those who are signed in."""


FEATURE = Feature(
    name="things",
    routes=[
        get("/taken", taken, guard=anyone, errors=(TAKEN,)),
        get("/broken", broken, guard=anyone),
        get("/away", away, guard=anyone),
        get("/private", private, guard=signed_in),
        post("/named", named, guard=anyone),
    ],
)


@pytest.fixture
async def things(settings: Settings, context: Context) -> Any:
    app: Starlette = create_app(settings, [FEATURE])
    app.state.context = context
    async with client_of(app) as client:
        yield client


async def test_every_layer_answers_in_the_common_shape(things: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    asked = [
        (await things.get("/api/nothing"), 404, "NOT_FOUND"),
        (await things.get("/api/named"), 405, "METHOD_NOT_ALLOWED"),
        (await things.get("/api/private"), 401, "UNAUTHORIZED"),
        (await things.get("/api/taken"), 409, "TAKEN"),
        (await things.get("/api/broken"), 500, "INTERNAL_ERROR"),
        (await things.get("/api/away"), 503, "UNAVAILABLE"),
        (
            await things.post("/api/named", content=b"{", headers={"content-type": "application/json"}),
            400,
            "MALFORMED_JSON",
        ),
        (await things.post("/api/named", json={"name": "x" * 70_000}), 413, "PAYLOAD_TOO_LARGE"),
        (await things.post("/api/named", content=b"x"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (await things.post("/api/named", json={"name": 1}), 422, "VALIDATION_FAILED"),
    ]
    for answer, status, code in asked:
        told = answer.json()
        assert (answer.status_code, told["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert set(told) == MEMBERS | ({"errors"} if status == 422 else set())
        assert (told["type"], told["status"], told["instance"]) == ("about:blank", status, answer.request.url.path)
        assert (told["error"], told["status_code"], told["path"]) == (told["detail"], told["status"], told["instance"])
        assert told["trace_id"] == answer.headers["x-trace-id"]
    assert {answer.json()["trace_id"] for answer, _, _ in asked} == {
        f"{each.context.trace_id:032x}" for each in spans.get_finished_spans() if each.parent is None and each.context
    }


async def test_headers_of_a_refusal(things: httpx.AsyncClient) -> None:
    assert (await things.get("/api/away")).headers["retry-after"] == "1"
    assert (await things.get("/api/private")).headers["www-authenticate"] == "Bearer"
    assert (await things.get("/api/named")).headers["allow"] == "POST"


async def test_a_browser_of_an_allowed_origin_may_read_a_failure(things: httpx.AsyncClient) -> None:
    answer = await things.get("/api/broken", headers={"origin": "http://localhost:4200"})
    assert answer.headers["access-control-allow-origin"] == "http://localhost:4200"


async def test_an_unexpected_failure_is_logged_with_its_place_and_without_its_message(
    things: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await things.get("/api/broken")
    [record] = [each for each in caplog.records if each.name == "api.kernel.errors"]
    line = json.loads(JsonFormatter("web").format(record))
    assert line["failure"].endswith("RuntimeError")
    assert "in broken" in line["failure"]
    assert CANARY not in json.dumps(line)
    assert CANARY not in answer.text


async def test_a_refusal_is_not_logged_as_a_failure(
    things: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await things.get("/api/taken")
    assert [each for each in caplog.records if each.levelno > logging.INFO] == []


async def test_a_problem_raised_a_thousand_times_does_not_grow() -> None:
    def depth() -> int:
        try:
            raise TAKEN
        except Problem as refusal:
            return len(traceback.extract_tb(refusal.__traceback__)) + sys.getsizeof(refusal.__dict__)

    first = depth()
    assert {depth() for _ in range(1000)} == {first}
    assert isinstance(TAKEN, type), "a type, which holds no traceback"


def test_detail_fields_and_headers_belong_to_one_raise() -> None:
    refusal = TAKEN("Ada is taken.", errors=[FieldError("/name", "taken", "taken")], headers={"x-a": "b"})
    assert (refusal.detail, TAKEN().detail) == ("Ada is taken.", "This name is taken.")
    assert (str(refusal), TAKEN().headers, TAKEN().errors) == ("Ada is taken.", {}, ())
    told = json.loads(bytes(errors.render(refusal, "/api/x").body))
    assert told["detail"] == "Ada is taken."
    assert told["errors"] == [{"pointer": "/name", "detail": "taken", "code": "taken"}]


def test_an_explicit_header_precedes_the_usual_one() -> None:
    assert errors.render(UNAVAILABLE(headers={"retry-after": "30"}), "/").headers["retry-after"] == "30"


@pytest.mark.parametrize(
    ("maker", "status"),
    [
        (errors.bad_request, 400),
        (errors.unauthorized, 401),
        (errors.forbidden, 403),
        (errors.not_found, 404),
        (errors.conflict, 409),
    ],
)
def test_a_maker_has_its_status(maker: Callable[[str, str], type[Problem]], status: int) -> None:
    made = maker("CODE", "Why.")
    assert (made.status, made.code, made.__name__, made().detail) == (status, "CODE", "CODE", "Why.")


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ({"raw_path": b"/a%20b", "path": "/a b"}, "/a%20b"),
        ({"raw_path": b"/a\r\n\x85\xff{}", "path": "/"}, "/a%0D%0A%85%FF%7B%7D"),
        ({"raw_path": None, "path": "/ä\u2028"}, "/%C3%A4%E2%80%A8"),
    ],
)
def test_a_path_is_reported_in_safe_characters(scope: Scope, path: str) -> None:
    assert path_of(scope) == path


async def call(app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    await Problems(app)({"type": "http", "path": "/x", "raw_path": b"/x"}, receive, send)
    return sent


async def test_a_failure_after_the_response_began_closes_the_connection() -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise NOT_FOUND

    with pytest.raises(NOT_FOUND):  # the server then closes the connection, the only remaining signal
        await call(half)


async def test_a_disconnected_client_gets_no_answer() -> None:
    async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await call(cancelled)


async def test_an_unknown_refusal_of_the_framework_is_an_error(settings: Settings, context: Context) -> None:
    from starlette.exceptions import HTTPException
    from starlette.routing import Route

    async def teapot(request: object) -> None:
        raise HTTPException(418, "short and stout")

    app = create_app(settings, [FEATURE])
    app.router.routes.insert(0, Route("/api/teapot", teapot))
    app.state.context = context
    async with client_of(app) as client:
        answer = await client.get("/api/teapot")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "stout" not in answer.text
