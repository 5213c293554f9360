"""One trace: request, queries, outbox row, Kafka record, task."""

import httpx
import msgspec
from arq.connections import ArqRedis
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.kernel.settings import Settings
from api.users import tasks as users
from tests.factories import PASSWORD
from tests.worker.jobs import header, read_records, until, working

BROWSER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def named(spans: list[ReadableSpan], name: str) -> ReadableSpan:
    (found,) = (span for span in spans if span.name == name)
    return found


def parent(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


async def test_a_request_can_be_followed_to_its_record_and_its_mail(
    live_client: httpx.AsyncClient,
    live: Context,
    cloned: Settings,
    queue: ArqRedis,
    spans: InMemorySpanExporter,
) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    answer = await live_client.post("/api/auth/register", json=body, headers={"traceparent": BROWSER})
    assert answer.headers["x-trace-id"] == BROWSER.split("-")[1]
    async with working(msgspec.structs.replace(live, mail=MemoryMailer()), queue, users.tasks):
        await until(live.db, "select count(*) = 0 from outbox_tasks")
        await until(live.db, "select bool_and(published_at is not null) from outbox_events")
    [record] = await read_records(cloned, "users", 1)

    trace = [span for span in spans.get_finished_spans() if f"{span.context.trace_id:032x}" == BROWSER.split("-")[1]]
    request = named(trace, "POST /api/auth/register")
    assert f"{parent(request):016x}" == BROWSER.split("-")[2]
    for query in ("users.insert", "kernel.insert_event"):
        assert parent(named(trace, query)) == request.context.span_id
    [row] = await live.db.fetch("select traceparent from outbox_events")
    assert row["traceparent"] == f"00-{request.context.trace_id:032x}-{request.context.span_id:016x}-01"
    publishing = named(trace, "publish users")
    assert parent(publishing) == request.context.span_id
    assert header(record, "traceparent").split("-")[1:3] == [
        f"{request.context.trace_id:032x}",
        f"{publishing.context.span_id:016x}",
    ]
    task = named(trace, "users.send_verification")
    assert parent(task) == request.context.span_id
    for query in ("users.find_recipient", "users.insert_token", "kernel.delete_task"):
        assert parent(named(trace, query)) == task.context.span_id
