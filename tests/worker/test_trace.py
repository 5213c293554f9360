"""One trace: request, queries, outbox row, Kafka record, task, mail."""

from collections.abc import Sequence

import httpx
import pytest
from aiokafka import ConsumerRecord
from arq.connections import ArqRedis
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

import worker.kafka
from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.outbox.events import record
from api.kernel.settings import Settings
from api.kernel.telemetry.exporting import RequestTracers
from api.users import tasks as users
from api.users.events import UserRegistered
from tests.factories import PASSWORD
from tests.transactions import in_transaction
from tests.worker.jobs import header, read_records, until, working
from tests.worker.parts import Broker
from worker.kafka import KafkaUnavailable, Publisher
from worker.relay import Relay

TRACE, BROWSER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def register(
    client: httpx.AsyncClient, live: Context, queue: ArqRedis, headers: dict[str, str]
) -> tuple[str, ConsumerRecord]:
    """Register an account and run the worker's tasks. Returns the trace id of the answer, and the record."""
    body = {"email": "ada@example.com", "password": PASSWORD}
    answer = await client.post("/api/auth/register", json=body, headers=headers)
    assert answer.status_code == 201
    async with working(live, queue, users.tasks):
        await until(live.db, "select count(*) = 0 from outbox_tasks where task like 'users.%'")
        await until(live.db, "select bool_and(published_at is not null) from outbox_events")
    [record] = await read_records(live.settings, "users", 1)
    return answer.headers["x-trace-id"], record


def of_trace(spans: InMemorySpanExporter, trace: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if f"{span.context.trace_id:032x}" == trace]


def named(spans: Sequence[ReadableSpan], name: str) -> ReadableSpan:
    (found,) = (span for span in spans if span.name == name)
    return found


def id_of(span: ReadableSpan) -> str:
    return f"{span.context.span_id:016x}"


def parent(span: ReadableSpan) -> str:
    assert span.parent is not None
    return f"{span.parent.span_id:016x}"


def assert_whole(trace: Sequence[ReadableSpan], record: ConsumerRecord, event_row: str) -> ReadableSpan:
    """Check that each span has its cause as the parent, and return the request's."""
    request = named(trace, "POST /api/auth/register")
    publishing, task = named(trace, "send users"), named(trace, "users.send_verification")
    assert (request.kind, publishing.kind, task.kind) == (SpanKind.SERVER, SpanKind.PRODUCER, SpanKind.CONSUMER)
    for query in ("users.insert", "kernel.insert_event"):
        assert parent(named(trace, query)) == id_of(request)
    for caused in (publishing, task):
        assert parent(caused) == id_of(request)
    for part in ("users.find_recipient", "users.insert_token", "smtp send", "kernel.delete_task"):
        assert parent(named(trace, part)) == id_of(task)
        assert named(trace, part).kind is SpanKind.CLIENT
    # Consumers continue from the record's span; no other span is without a parent.
    trace_id, flags = f"{request.context.trace_id:032x}", f"{request.context.trace_flags:02x}"
    assert request.context.trace_flags.sampled
    assert event_row == f"00-{trace_id}-{id_of(request)}-{flags}"
    assert header(record, "traceparent") == f"00-{trace_id}-{id_of(publishing)}-{flags}"
    known = {id_of(span) for span in trace}
    assert [span.name for span in trace if span is not request and parent(span) not in known] == []
    return request


async def test_a_request_can_be_followed_to_its_record_and_its_mail(
    live_client: httpx.AsyncClient, live: Context, queue: ArqRedis, spans: InMemorySpanExporter
) -> None:
    told, record = await register(live_client, live, queue, {"traceparent": f"00-{TRACE}-{BROWSER}-01"})
    assert told == TRACE
    [row] = await live.db.fetch("select traceparent from outbox_events")
    request = assert_whole(of_trace(spans, TRACE), record, row["traceparent"])
    assert parent(request) == BROWSER


async def test_a_request_without_a_trace_starts_one(
    live_client: httpx.AsyncClient, live: Context, queue: ArqRedis, spans: InMemorySpanExporter
) -> None:
    told, record = await register(live_client, live, queue, {})
    [row] = await live.db.fetch("select traceparent from outbox_events")
    request = assert_whole(of_trace(spans, told), record, row["traceparent"])
    assert request.parent is None


async def test_an_unsampled_trace_is_continued_without_spans(
    live_client: httpx.AsyncClient,
    live: Context,
    queue: ArqRedis,
    spans: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its id is in the answer, the rows and the record, for logs and for services that sample."""
    provider = trace.get_tracer_provider()
    assert isinstance(provider, RequestTracers)
    monkeypatch.setattr(provider.sampler, "root", ALWAYS_OFF)
    told, record = await register(live_client, live, queue, {"traceparent": f"00-{TRACE}-{BROWSER}-01"})
    assert told == TRACE
    assert of_trace(spans, TRACE) == []
    [row] = await live.db.fetch("select traceparent from outbox_events")
    version, trace_id, _, flags = row["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", TRACE, "00")
    assert header(record, "traceparent") == row["traceparent"]
    # The worker started no trace of its own either.
    done = {span.name for span in spans.get_finished_spans()}
    assert done.isdisjoint({"users.send_verification", "users.insert_token", "smtp send", "send users"})


async def test_the_span_of_a_record_ends_with_kafkas_answer(
    live: Context,
    cloned: Settings,
    queue: ArqRedis,
    broker: Broker,
    spans: InMemorySpanExporter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C-246."""
    settings = broker.settings(cloned)
    publisher = Publisher(settings)
    relay = Relay(live, publisher, queue, [])
    for silent in (False, True):
        await in_transaction(live.db, record, UserRegistered(user_id=uuid7(), email="ada@example.com", language="en"))
        spans.clear()
        if silent:
            monkeypatch.setattr(worker.kafka, "PUBLISH_SECONDS", 0.7)
            broker.freeze()
            with pytest.raises(KafkaUnavailable):
                await relay.publish_events()
        else:
            assert await relay.publish_events() == 1
        sent = named(spans.get_finished_spans(), "send users")
        assert (sent.status.status_code is StatusCode.ERROR) == silent
        told = dict(sent.attributes or {})
        assert ("error.type" in told) == silent
        told.pop("error.type", None)
        [row] = await live.db.fetch("select id from outbox_events order by seq desc limit 1")
        assert told == {
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.operation.name": "send",
            "messaging.destination.name": f"{settings.kafka.prefix}users",
            "messaging.message.id": str(row["id"]),
        }
    broker.thaw()
    await publisher.stop()
