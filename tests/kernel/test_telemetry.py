"""Traces and metrics: one trace for all of a request, continuing a client's if it is well formed."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from starlette.types import Message, Receive, Scope, Send

from api.kernel import telemetry
from api.kernel.context import Context
from api.kernel.telemetry import Telemetry, parent_from, span, traceparent
from api.users.tasks import send_verification
from tests.factories import PASSWORD
from tests.kernel.signals import points

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
IDS = st.integers(1, 2**128 - 1)
SPAN_IDS = st.integers(1, 2**64 - 1)


def names(spans: InMemorySpanExporter) -> list[str]:
    return [each.name for each in spans.get_finished_spans()]


def attributes(each: ReadableSpan) -> dict[str, Any]:
    return dict(each.attributes or {})


async def test_one_trace_from_the_browser_to_the_mail(
    spans: InMemorySpanExporter, client: httpx.AsyncClient, context: Context
) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    answer = await client.post("/api/auth/register", json=body, headers={"traceparent": PARENT})
    assert answer.headers["x-trace-id"] == TRACE
    [row] = await context.db.fetch(
        "update outbox_tasks set lease = 1, attempts = 1, locked_until = now() + '1 min' returning id"
    )
    await context.cache.get("anything")
    await send_verification.run(context, row["id"], 1)
    finished = {each.name: each for each in spans.get_finished_spans()}
    in_trace = {name for name, each in finished.items() if f"{each.context.trace_id:032x}" == TRACE}
    assert in_trace == {
        "POST /api/auth/register",
        "users.insert",
        "kernel.insert_event",
        "users.get",
        "users.send_verification",
        "users.find_recipient",
        "users.insert_token",
        "kernel.delete_task",
    }
    server = finished["POST /api/auth/register"]
    assert server.parent is not None
    assert f"{server.parent.span_id:016x}" == PARENT.split("-")[2]
    assert attributes(server) == {
        "http.request.method": "POST",
        "http.route": "/api/auth/register",
        "http.response.status_code": 201,
        "network.protocol.version": "1.1",
        "url.path": "/api/auth/register",
        "url.scheme": "http",
    }
    assert attributes(finished["users.insert"]) == {
        "db.system.name": "postgresql",
        "db.query.summary": "users.insert",
        "db.namespace": context.db.namespace,
    }
    assert attributes(finished["redis GETRANGE"]) == {"db.system.name": "redis", "db.operation.name": "GETRANGE"}
    assert attributes(finished["users.send_verification"]) == {"task.attempt": 1}


@given(IDS, SPAN_IDS, st.integers(0, 255))
def test_a_valid_traceparent_is_carried_through(trace_id: int, span_id: int, flags: int) -> None:
    header = f"00-{trace_id:032x}-{span_id:016x}-{flags:02x}"
    context = trace.get_current_span(parent_from(header)).get_span_context()
    assert (context.trace_id, context.span_id, context.trace_flags, context.is_remote) == (
        trace_id,
        span_id,
        flags,
        True,
    )


@given(IDS, SPAN_IDS)
def test_a_written_traceparent_can_be_read(trace_id: int, span_id: int) -> None:
    here = NonRecordingSpan(SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(1)))
    with trace.use_span(here):
        written = traceparent()
    read = trace.get_current_span(parent_from(written)).get_span_context()
    assert (read.trace_id, read.span_id) == (trace_id, span_id)


MALFORMED = [
    "",
    PARENT + "\r\nx-evil: 1",
    PARENT + "\n",
    "0" * 10_240,
    "🦉" * 20,
    f"00-{'0' * 32}-00f067aa0ba902b7-01",
    f"00-{TRACE}-{'0' * 16}-01",
    PARENT.upper(),
    f"00-{TRACE}-00f067aa0ba902b7",
    f"ff-{TRACE}-00f067aa0ba902b7-01",
    f"{PARENT},{PARENT}",
    f" {PARENT}",
    PARENT.replace("4", "٤"),
]


@pytest.mark.parametrize("header", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_traceparent_names_no_parent(header: str) -> None:
    assert not trace.get_current_span(parent_from(header)).get_span_context().is_valid


@given(st.text())
def test_no_other_text_names_a_parent(header: str) -> None:
    valid = re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", header)
    assert valid or not trace.get_current_span(parent_from(header)).get_span_context().is_valid


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(value=st.binary(max_size=200))
async def test_for_any_traceparent_the_answer_has_a_valid_id(client: httpx.AsyncClient, value: bytes) -> None:
    app = client._transport.app  # type: ignore[attr-defined]
    sent = await asgi(app, [(b"traceparent", value)])
    told = dict(sent[0]["headers"])[b"x-trace-id"].decode()
    assert re.fullmatch("(?!0{32})[0-9a-f]{32}", told)


async def test_a_callers_unset_flag_does_not_disable_tracing(
    client: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    """C-199."""
    answer = await client.get("/api/health/live", headers={"traceparent": PARENT.removesuffix("01") + "00"})
    assert (answer.headers["x-trace-id"], names(spans)) == (TRACE, ["GET /api/health/live"])


async def test_two_traceparents_are_ignored(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/health/live", headers=[("traceparent", PARENT), ("traceparent", PARENT)])
    assert answer.headers["x-trace-id"] != TRACE


async def asgi(
    app: Any, headers: list[tuple[bytes, bytes]], method: str = "GET", path: str = "/api/health/live"
) -> Any:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    return sent


async def test_rate_errors_and_duration_are_measured_by_route(
    metrics: InMemoryMetricReader, client: httpx.AsyncClient
) -> None:
    points(metrics, "http.server.request.duration")
    await client.get("/api/users/me")
    await client.get("/api/health/live")
    await client.get("/api/nowhere-1")
    await asgi(client._transport.app, [], "BREW")  # type: ignore[attr-defined]
    told = {tuple(point.attributes.values()): point for point in points(metrics, "http.server.request.duration")}
    assert told[("GET", "/api/users/me", 401)].count >= 1
    assert told[("GET", "/api/health/live", 200)].sum < 10
    assert told[("GET", "/api/health/live", 200)].explicit_bounds[::13] == (0.005, 10), "seconds, not milliseconds"
    assert ("_OTHER", "/api/health/live", 405) in told, "an unknown method is no label"
    assert not any("nowhere" in str(labels) for labels in told)
    assert all(point.value == 0 for point in points(metrics, "http.server.active_requests"))


async def test_queries_are_measured_by_their_file(metrics: InMemoryMetricReader, client: httpx.AsyncClient) -> None:
    await client.post("/api/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
    told = {point.attributes["db.operation.name"] for point in points(metrics, "db.client.operation.duration")}
    assert {"users.insert", "kernel.insert_event"} <= told


async def test_an_answer_has_its_duration_and_security_headers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/health/live")
    assert re.fullmatch(r"total;dur=[0-9]+\.[0-9]", answer.headers["server-timing"])
    for name, value in telemetry.SECURITY_HEADERS.items():
        assert answer.headers[name] == value


async def test_a_disconnected_client_counts_as_499(metrics: InMemoryMetricReader, spans: InMemorySpanExporter) -> None:
    async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await asgi(Telemetry(cancelled), [])
    assert any(
        point.attributes["http.response.status_code"] == 499
        for point in points(metrics, "http.server.request.duration")
    )
    assert spans.get_finished_spans()[-1].status.status_code is trace.StatusCode.UNSET


async def test_a_server_error_marks_its_span(spans: InMemorySpanExporter) -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 503, "headers": []})

    await asgi(Telemetry(failing), [])
    failed = spans.get_finished_spans()[-1]
    assert (failed.name, failed.status.status_code) == ("GET", trace.StatusCode.ERROR)
    assert attributes(failed)["error.type"] == "503"
    assert "http.route" not in attributes(failed), "no route matched"


async def test_a_failed_statement_has_its_sqlstate(spans: InMemorySpanExporter, client: httpx.AsyncClient) -> None:
    """C-240."""
    body = {"email": "ada@example.com", "password": PASSWORD}
    for _ in range(2):
        await client.post("/api/auth/register", json=body)
    failed = [each for each in spans.get_finished_spans() if each.status.status_code is trace.StatusCode.ERROR]
    assert [(each.name, attributes(each)["error.type"]) for each in failed] == [("users.insert", "23505")]


async def test_other_scopes_are_passed_on(spans: InMemorySpanExporter) -> None:
    heard: list[str] = []

    async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append(scope["type"])

    async def nothing(*_: Any) -> Any: ...

    await Telemetry(lifespan)({"type": "lifespan"}, nothing, nothing)
    assert (heard, names(spans)) == (["lifespan"], [])


def test_a_failure_marks_its_span_only_by_its_type(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="canary"), span("work"):
        raise ValueError("canary")
    [failed] = spans.get_finished_spans()
    assert (failed.status.status_code, failed.status.description) == (trace.StatusCode.ERROR, "ValueError")
    assert attributes(failed) == {"error.type": "ValueError"}
    assert not failed.events


def test_below_an_unsampled_span_nothing_is_sampled(spans: InMemorySpanExporter) -> None:
    with span("outer", parent=parent_from(PARENT[:-2] + "00")) as outer, span("inner") as inner:
        assert inner is outer
        assert traceparent().split("-")[1] == TRACE, "the trace id is continued"
    assert spans.get_finished_spans() == ()
