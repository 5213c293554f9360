"""C-317: calls of other services, against real servers: slow, silent, endless, compressed, or redirecting."""

import asyncio
import datetime
import email.utils
from collections.abc import AsyncIterator

import msgspec
import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.kernel import HttpError
from api.kernel.client import LONGEST_RETRY_AFTER, MOST_CONNECTIONS, HttpClient
from api.kernel.context import Context
from api.kernel.settings import Settings
from api.kernel.telemetry import span
from tests.kernel.http_server import says, serving
from tests.kernel.signals import points
from tests.kernel.work import Work, leased, row_of

CANARY = "canary-in-a-call"


class Payment(msgspec.Struct, frozen=True):
    amount: int
    note: str


@pytest.fixture
async def http(settings: Settings) -> AsyncIterator[HttpClient]:
    async with HttpClient(settings) as opened:
        yield opened


async def test_a_call_and_its_answer_are_typed(http: HttpClient) -> None:
    async with serving(says(body=msgspec.json.encode(Payment(7, "ü")))) as server:
        answer = await http.post(
            f"{server.url}/payments?a=1",
            json=Payment(5, "ö"),
            query={"b": "x y"},
            headers={"Authorization": "Bearer t"},
        )
    assert (answer.status, answer.json(Payment)) == (200, Payment(7, "ü"))
    assert answer.headers["Content-Length"] == answer.headers["content-length"]
    line, fields, body = server.last
    assert line == "POST /payments?a=1&b=x+y HTTP/1.1"
    assert msgspec.json.decode(body, type=Payment) == Payment(5, "ö")
    assert (fields["content-type"], fields["authorization"]) == ("application/json", "Bearer t")
    assert fields["user-agent"] == "rest-angular (+http://localhost:8000)"
    assert fields["accept-encoding"] == "identity"


async def test_each_method_form_and_content(http: HttpClient) -> None:
    async with serving(says()) as server:
        for method in ("get", "post", "put", "patch", "delete"):
            await getattr(http, method)(server.url)
        await http.post(server.url, form={"a": "b c", "d": "ü"})
        await http.put(server.url, content=b"\0\1", headers={"content-type": "image/png"})
    assert [line.split()[0] for line, *_ in server.requests[:5]] == ["GET", "POST", "PUT", "PATCH", "DELETE"]
    (_, form, formed), (_, raw, content) = server.requests[5:]
    assert (form["content-type"], formed) == ("application/x-www-form-urlencoded", b"a=b+c&d=%C3%BC")
    assert (raw["content-type"], content) == ("image/png", b"\0\1")


async def test_the_trace_continues_in_the_other_service(http: HttpClient, spans: InMemorySpanExporter) -> None:
    async with serving(says()) as server:
        with span("the task"):
            await http.get(f"{server.url}/{CANARY}?token={CANARY}")
    call, task = spans.get_finished_spans()
    assert (call.name, task.name, call.kind.name) == ("GET", "the task", "CLIENT")
    assert call.context is not None
    assert call.parent is not None
    assert task.context is not None
    assert call.parent.span_id == task.context.span_id
    assert server.last[1]["traceparent"].startswith(f"00-{call.context.trace_id:032x}-{call.context.span_id:016x}-")
    assert dict(call.attributes or {}) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": "localhost",
        "server.port": int(server.url.rpartition(":")[2]),
    }, "a path may contain a secret, such as a web hook's"


async def test_failures_are_in_traces_and_metrics(
    http: HttpClient, spans: InMemorySpanExporter, metrics: InMemoryMetricReader
) -> None:
    async with serving(says("503 Service Unavailable")) as server:
        with pytest.raises(HttpError):
            await http.get(server.url)
    with pytest.raises(HttpError):
        await http.get("http://localhost:1")
    found = [(each.attributes or {})["error.type"] for each in spans.get_finished_spans() if each.name == "GET"]
    assert found == ["503", "ConnectError"]
    labels = [point.attributes for point in points(metrics, "http.client.request.duration")]
    assert {"503", "ConnectError"} <= {each.get("error.type") for each in labels}


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "400 Bad", "404 Not Found", "429 Too Many", "500 Oops"])
async def test_an_unexpected_status_is_an_error(http: HttpClient, status: str) -> None:
    """A redirect is not followed, because the service would choose its target."""
    code = int(status.split()[0])
    async with serving(says()) as elsewhere, serving(says(status, b"why", f"location: {elsewhere.url}")) as server:
        with pytest.raises(HttpError) as refused:
            await http.get(f"{server.url}/{CANARY}")
        assert str(refused.value) == f"localhost answers {code}"
        assert refused.value.response is not None
        assert (refused.value.response.status, refused.value.response.body) == (code, b"why")
        answer = await http.get(server.url, expect={code})
        assert (answer.status, answer.body) == (code, b"why")
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120.0), ("0", 0.0), ("99999999999", LONGEST_RETRY_AFTER), ("soon", None), ("", None), ("-5", None)],
)
async def test_a_retry_after_in_seconds_is_used(http: HttpClient, text: str, seconds: float | None) -> None:
    async with serving(says("503 Later", b"", f"retry-after: {text}")) as server:
        with pytest.raises(HttpError) as refused:
            await http.get(server.url)
    assert refused.value.retry_after == seconds


async def test_a_retry_after_as_a_date_is_used(http: HttpClient) -> None:
    at = email.utils.format_datetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=10), usegmt=True)
    async with serving(says("503 Later", b"", f"retry-after: {at}")) as server:
        with pytest.raises(HttpError) as refused:
            await http.get(server.url)
    assert refused.value.retry_after is not None
    assert 500 < refused.value.retry_after <= 600


async def test_a_task_that_raises_it_is_retried_at_that_time(things: Context, work: Work) -> None:
    async with serving(says("503 Later", CANARY.encode(), "retry-after: 600")) as server:
        with pytest.raises(HttpError) as refused:
            await things.http.get(f"{server.url}/{CANARY}")
    work.failure = refused.value
    id = await leased(things)
    await work.task.run(things, id, 1)
    row = await row_of(things.db, id)
    assert row is not None
    assert (row["dead"], row["last_error"]) == (False, "HttpError: localhost answers 503")
    assert 500 < row["wait"] <= 600


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"amount": "canary-in-a-call", "note": ""}', b'{"amount": 1}'])
async def test_an_unexpected_body_is_retried(http: HttpClient, body: bytes) -> None:
    """A proxy's HTML page, while the service restarts."""
    async with serving(says(body=body)) as server:
        answer = await http.get(server.url)
    with pytest.raises(HttpError, match="not the expected JSON") as refused:
        answer.json(Payment)
    assert CANARY not in str(refused.value)


async def test_cookies_and_proxies_of_the_environment_are_not_used(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(says()) as proxy, serving(says("200 OK", b"", "set-cookie: a=b; Path=/")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with HttpClient(settings) as http:
            for _ in range(2):
                await http.get(server.url)
    assert proxy.requests == []
    assert "cookie" not in server.last[1]


async def test_connections_are_kept_and_closed_at_the_end(settings: Settings) -> None:
    async with serving(says()) as server:
        async with HttpClient(settings) as http:
            for _ in range(3):
                await http.get(server.url)
            assert (server.connections, server.open) == (1, 1)
        async with asyncio.timeout(10):
            await server.left.wait()
        assert server.open == 0


async def test_connections_are_bounded(http: HttpClient) -> None:
    enough, more = asyncio.Event(), asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        if server.open >= MOST_CONNECTIONS:
            enough.set()
        await more.wait()
        await says()(writer)

    async with serving(answer) as server:
        calls = [asyncio.create_task(http.get(server.url)) for _ in range(MOST_CONNECTIONS + 10)]
        async with asyncio.timeout(10):
            await enough.wait()
        more.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert server.connections == MOST_CONNECTIONS
    assert [each for each in answers if isinstance(each, BaseException)] == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/path",
        "example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "http://",
        "https://a:b@example.com",
        "http://x/#a",
    ],
)
async def test_an_invalid_url_is_an_error(http: HttpClient, url: str) -> None:
    with pytest.raises(ValueError, match="the URL must start with http"):
        await http.get(url)


async def test_a_line_break_in_a_header_or_a_path_is_an_error(http: HttpClient) -> None:
    async with serving(says()) as server:
        for url, headers in ((server.url, {"x-a": "b\r\nx-c: d"}), (f"{server.url}/a\r\nx-c: d", {})):
            with pytest.raises(ValueError, match="cannot be sent"):
                await http.get(url, headers=headers)
        with pytest.raises(ValueError, match="one of json, form and content"):
            await http.post(server.url, json=1, content=b"2")
    assert server.requests == []
