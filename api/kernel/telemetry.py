"""OpenTelemetry set up once: traces, RED metrics (rate, errors, duration) and logs that carry the trace id. Exported
over OTLP/HTTP only where the standard OTEL_* variables say where to. Never recorded: headers, bodies, query strings,
statement parameters, exception messages on spans; a span says which part worked how long, not with what."""

import contextlib
import logging
import os
import re
import time
from collections.abc import Mapping, Sequence

from opentelemetry import context, metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kernel import logs
from api.kernel.errors import path_of
from api.kernel.settings import Settings

access_log = logging.getLogger("api.access")
tracer = trace.get_tracer("rest_angular")
meter = metrics.get_meter("rest_angular")

EXPORT_SECONDS = 2.0
"""For one batch, and for all that is left when a process ends, whose grace a silent collector must not outlast."""

# Names from OpenTelemetry's semantic conventions where they have one.
request_seconds = meter.create_histogram("http.server.request.duration", "s", "Requests by method, route and status")
requests_active = meter.create_up_down_counter("http.server.active_requests", "{request}", "Requests being served")
query_seconds = meter.create_histogram("db.client.operation.duration", "s", "Statements by the name of their file")
refused_values = meter.create_counter(
    "db.refused_values", "{value}", "Values that only PostgreSQL refused; must stay 0"
)
task_seconds = meter.create_histogram("task.duration", "s", "Tasks by name and outcome")
outbox_pending = meter.create_gauge("outbox.pending", "{row}", "What waits, by destination")
outbox_held = meter.create_gauge("outbox.held", "{row}", "Events that wait behind a dead letter of their key")
outbox_dead = meter.create_gauge("outbox.dead", "{row}", "Dead letters by destination; an operator decides on each")
outbox_oldest = meter.create_gauge("outbox.oldest", "s", "The age of the oldest that waits, by destination")
relayed_events = meter.create_counter("outbox.relayed", "{event}", "Events that Kafka acknowledged, by topic")

# What a browser needs to be told with every answer (OWASP ASVS 3.4). A page that needs more says so itself.
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
}
_SECURITY = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_HEALTH = ("/api/health",)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_ids = RandomIdGenerator()
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


def set_up(
    settings: Settings, process: str, spans: SpanProcessor | None = None, reader: MetricReader | None = None
) -> None:
    """Configure logging and OpenTelemetry for this `process` (web, worker, …). What is left to export goes out when
    the interpreter exits. `spans` and `reader` are where a test looks."""
    logs.set_up(settings, process)
    resource = Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME", f"rest-angular-{process}"),
            "service.version": settings.release,
            "deployment.environment.name": settings.environment,
        }
    )
    if spans is None and _exports("TRACES"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        spans = _Exporting(OTLPSpanExporter(timeout=EXPORT_SECONDS))
    if reader is None and _exports("METRICS"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        reader = PeriodicExportingMetricReader(OTLPMetricExporter(timeout=EXPORT_SECONDS))
    # Where nobody looks, nothing is recorded: a dropped span still makes the trace id that answers and logs carry.
    tracing = TracerProvider(resource=resource) if spans else TracerProvider(ALWAYS_OFF, resource)
    if spans:
        tracing.sampler = OwnDecision(tracing.sampler)
        tracing.add_span_processor(spans)
    trace.set_tracer_provider(tracing)
    if reader:  # without a provider the instruments do nothing
        metrics.set_meter_provider(MeterProvider([reader], resource))


class OwnDecision(Sampler):
    """Decides for each request whether it is recorded, by the sampler that OTEL_TRACES_SAMPLER names. A `traceparent`
    from outside is continued, but neither its sampled flag nor its trace id influences the decision: anyone could turn
    tracing off for a request, or fill the collector. What follows from a request, in tasks too, shares its decision."""

    def __init__(self, root: Sampler) -> None:
        self.root = root

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        above = trace.get_current_span(parent_context).get_span_context()
        if above.is_valid and kind is not SpanKind.SERVER:
            follow = ALWAYS_ON if above.trace_flags.sampled else ALWAYS_OFF
            return follow.should_sample(parent_context, trace_id, name, kind, attributes, links)
        return self.root.should_sample(Context(), _ids.generate_trace_id(), name, kind, attributes, links)

    def get_description(self) -> str:
        return f"OwnDecision({self.root.get_description()})"


class _Exporting(BatchSpanProcessor):
    """Its queue is full where a collector is silent, and at the end each batch of it would be waited for in turn."""

    def shutdown(self) -> None:
        self._batch_processor.shutdown(int(EXPORT_SECONDS * 1000))


def _exports(signal: str) -> bool:
    wanted = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return bool(wanted) and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true"


def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
    attributes: Mapping[str, str | int] | None = None,
) -> contextlib.AbstractContextManager[Span]:
    """A span around a block. An exception marks it as failed by its type alone: messages may hold what was sent."""
    above = trace.get_current_span()
    if parent is None and above.get_span_context().is_valid and not above.is_recording():
        return contextlib.nullcontext(above)  # below what is not sampled nothing is, and most requests are not
    return _Current(tracer.start_span(name, parent, kind, attributes))


class _Current:
    """The SDK's own context manager does more, in generators, and takes twice the time."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, Exception):
            self._span.set_status(StatusCode.ERROR, kind.__name__)
        context.detach(self._token)
        self._span.end()


def traceparent() -> str:
    """The current span as a W3C Trace Context header, to be carried through rows, tasks and Kafka headers."""
    here = trace.get_current_span().get_span_context()
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"


def trace_of(traceparent: str) -> str:
    """The trace id in a traceparent of ours, for a log line about a row that carries one."""
    return traceparent[3:35]


def parent_from(header: str | None) -> Context:
    """The context that a traceparent names; an empty one for a missing or malformed header."""
    match = _TRACEPARENT.fullmatch(header or "")
    if match is None:
        return Context()
    remote = SpanContext(
        int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=TraceFlags(int(match[3], 16))
    )
    return trace.set_span_in_context(NonRecordingSpan(remote), Context())


class Telemetry:
    """ASGI middleware, the outermost: a server span, X-Trace-Id and Server-Timing on every answer, metrics, the
    access log."""

    def __init__(self, app: ASGIApp, log_health: bool = True) -> None:
        self.app = app
        self._silent = () if log_health else _HEALTH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.perf_counter(), 499  # 499: the client went away before the answer began
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"  # the rest is a client's to choose
        incoming = [value for name, value in scope["headers"] if name == b"traceparent"]
        parent = parent_from(incoming[0].decode("latin-1") if len(incoming) == 1 else None)

        async def labelled(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
                said = {name for name, _ in headers}
                headers += [header for header in _SECURITY if header[0] not in said]
                headers.append((b"x-trace-id", b"%032x" % current.get_span_context().trace_id))
                headers.append((b"server-timing", b"total;dur=%.1f" % ((time.perf_counter() - began) * 1000)))
            await send(message)

        requests_active.add(1)
        with span(method, SpanKind.SERVER, parent) as current:
            try:
                await self.app(scope, receive, labelled)
            finally:
                seconds = time.perf_counter() - began
                route = scope.get("route_template", "unmatched")
                labels = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
                if current.is_recording():
                    current.update_name(f"{method} {route}")
                    current.set_attributes(labels)
                    if status >= 500:
                        current.set_status(StatusCode.ERROR)
                requests_active.add(-1)
                request_seconds.record(seconds, labels)
                if access_log.isEnabledFor(logging.INFO) and not scope["path"].startswith(self._silent):
                    client = scope["client"][0] if scope.get("client") else None
                    fields = {"ms": round(seconds * 1000, 1), "status": status, "client": client}
                    fields["account"] = scope.get("account")
                    access_log.info("%s %s %s", method, path_of(scope), status, extra={"fields": fields})
