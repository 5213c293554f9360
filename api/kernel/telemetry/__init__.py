"""OpenTelemetry set-up: traces, RED metrics (rate, errors, duration) and logs with the trace id. Exported over
OTLP/HTTP only if the standard OTEL_* variables configure it. Never recorded: headers, bodies, query strings, client
addresses, statement parameters, exception messages on spans."""

import contextlib
import logging
import re
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from opentelemetry import context, metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kernel.errors import path_of
from api.kernel.settings import Settings
from api.kernel.telemetry import logs
from api.kernel.telemetry.unexported import Unexported, exports

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.trace import SpanProcessor

    from api.kernel.telemetry.exposition import Exposition

access_log = logging.getLogger("api.access")
tracer = trace.get_tracer("rest_angular")
meter = metrics.get_meter("rest_angular")

# Upper bounds in seconds; the first two follow OpenTelemetry's semantic conventions. The SDK's defaults are in
# milliseconds.
_REQUEST_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_QUERY_BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
_TASK_BOUNDS = (*_REQUEST_BOUNDS, 20)


class LastingGauge:
    """A gauge that reports its value for `seconds` after it was set, and then nothing: an outdated value must not look
    like a measurement."""

    def __init__(self, name: str, unit: str, description: str, seconds: float = 15.0) -> None:
        self._seconds = seconds
        self._values: dict[tuple[tuple[str, str], ...], tuple[float, float]] = {}
        meter.create_observable_gauge(name, [self._read], unit, description)

    def set(self, value: float, labels: Mapping[str, str] | None = None) -> None:
        self._values[tuple((labels or {}).items())] = value, time.monotonic()

    def clear(self) -> None:
        """Report nothing until the next `set`."""
        self._values.clear()

    def _read(self, _: CallbackOptions) -> Iterable[Observation]:
        oldest = time.monotonic() - self._seconds
        kept = list(self._values.items())  # read in another thread
        return [Observation(value, dict(labels)) for labels, (value, at) in kept if at > oldest]


# Names follow OpenTelemetry's semantic conventions where they exist.
request_seconds = meter.create_histogram(
    "http.server.request.duration",
    "s",
    "Requests by method, route and status",
    explicit_bucket_boundaries_advisory=_REQUEST_BOUNDS,
)
requests_active = meter.create_up_down_counter("http.server.active_requests", "{request}", "Requests being served")
query_seconds = meter.create_histogram(
    "db.client.operation.duration",
    "s",
    "Statements by the name of their file",
    explicit_bucket_boundaries_advisory=_QUERY_BOUNDS,
)
http_call_seconds = meter.create_histogram(
    "http.client.request.duration",
    "s",
    "Calls to other services by method, server and status",
    explicit_bucket_boundaries_advisory=_REQUEST_BOUNDS,
)
refused_values = meter.create_counter(
    "db.refused_values", "{value}", "Values refused by PostgreSQL but not by a decoder; must stay 0"
)
task_seconds = meter.create_histogram(
    "task.duration", "s", "Tasks by name and outcome", explicit_bucket_boundaries_advisory=_TASK_BOUNDS
)
outbox_pending = LastingGauge("outbox.pending", "{row}", "Pending rows, by destination")
outbox_held = LastingGauge("outbox.held", "{row}", "Events held behind a dead letter of their key")
outbox_dead = LastingGauge("outbox.dead", "{row}", "Dead letters by destination; an operator decides on each")
outbox_oldest = LastingGauge("outbox.oldest", "s", "Age of the oldest pending row, by destination")
unsealed_entries = LastingGauge("audit.unsealed", "{row}", "Audit entries outside the chain of hashes, at most 10,000")
unsealed_oldest = LastingGauge("audit.unsealed.oldest", "s", "Age of the oldest audit entry outside the chain")
swept_rows = meter.create_counter("sweep.rows", "{row}", "Rows deleted or updated by sweeps, by sweep")
swept_at = meter.create_gauge("sweep.last_run.timestamp", "s", "Time of a sweep's last success, in seconds since 1970")
relayed_events = meter.create_counter("outbox.relayed", "{event}", "Events acknowledged by Kafka, by topic")

# Security headers for every answer (OWASP ASVS 3.4). A page that needs others sets them itself.
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
}
_SECURITY = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_PROBES = ("/api/health", "/metrics")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


def set_up(
    settings: Settings, process: str, spans: "SpanProcessor | None" = None, reader: "MetricReader | None" = None
) -> "Exposition | None":
    """Configure logging and OpenTelemetry for this `process` (web, worker, …). Pending exports are sent when the
    interpreter exits. Tests pass `spans` and `reader`. Returns the data of `/metrics`, if enabled."""
    logs.set_up(settings, process)
    served = bool(settings.metrics_port or settings.metrics_token) and process in ("web", "worker")
    collects_spans, collects_metrics = exports("TRACES"), exports("METRICS")
    if not (spans or collects_spans):
        trace.set_tracer_provider(Unexported())
    if not (spans or collects_spans or reader or collects_metrics or served):
        return None
    # The SDK takes 5 MB and 40 ms of the start.
    from api.kernel.telemetry.exporting import export_metrics, export_spans, resource_of
    from api.kernel.telemetry.exposition import Exposition, listen

    resource, exposition = resource_of(settings, process), Exposition() if served else None
    if spans or collects_spans:
        export_spans(resource, spans)
    if reader or collects_metrics or exposition:
        export_metrics(resource, collects_metrics, reader, exposition)
    if exposition and settings.metrics_port:
        listen(exposition, settings.metrics_port, settings.metrics_token, settings.port)
    return exposition


def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
    attributes: Mapping[str, str | int] | None = None,
) -> contextlib.AbstractContextManager[Span]:
    """Return a span around a block. An exception marks it as failed by its type only: messages may quote input."""
    above = trace.get_current_span()
    if parent is None and above.get_span_context().is_valid and not above.is_recording():
        return contextlib.nullcontext(above)  # nothing below an unsampled span is sampled, and most are unsampled
    return _Current(tracer.start_span(name, parent, kind, attributes))


class _Current:
    """A context manager like the SDK's, which also supports generators and takes twice the time."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, Exception):
            mark_failed(self._span, kind.__name__)
        context.detach(self._token)
        self._span.end()


def mark_failed(span: Span, kind: str) -> None:
    """Set the span's status, and its `error.type` unless a more specific one (an SQLSTATE) is set."""
    if span.is_recording() and "error.type" not in getattr(span, "attributes", {}):  # the SDK's spans have them
        span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR, kind)


def traceparent(of: Span | None = None) -> str:
    """Return a span, or else the current one, as a W3C Trace Context header, to be stored in rows, tasks and Kafka
    headers."""
    here = (of or trace.get_current_span()).get_span_context()
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"


def trace_of(traceparent: str) -> str:
    """Return the trace id in one of our traceparents, for a log line about its row."""
    return traceparent[3:35]


def parent_from(header: str | None) -> Context:
    """Return the context that a traceparent names; an empty one if the header is missing or malformed."""
    match = _TRACEPARENT.fullmatch(header or "")
    if match is None:
        return Context()
    remote = SpanContext(
        int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=TraceFlags(int(match[3], 16))
    )
    return trace.set_span_in_context(NonRecordingSpan(remote), Context())


class Telemetry:
    """Outermost ASGI middleware: a server span, X-Trace-Id and Server-Timing on every answer, metrics, access log."""

    def __init__(self, app: ASGIApp, log_health: bool = True) -> None:
        self.app = app
        self._silent = () if log_health else _PROBES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.perf_counter(), 499  # 499: the client disconnected before the answer began
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"  # bounds the label's values
        incoming = [value for name, value in scope["headers"] if name == b"traceparent"]
        parent = parent_from(incoming[0].decode("latin-1") if len(incoming) == 1 else None)

        async def labelled(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
                present = {name for name, _ in headers}
                headers += [header for header in _SECURITY if header[0] not in present]
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
                    _describe(current, scope, labels)
                requests_active.add(-1)
                request_seconds.record(seconds, labels)
                if access_log.isEnabledFor(logging.INFO) and not scope["path"].startswith(self._silent):
                    client = scope["client"][0] if scope.get("client") else None
                    fields = {"ms": round(seconds * 1000, 1), "status": status, "client": client}
                    fields["account"] = scope.get("account")
                    access_log.info("%s %s %s", method, path_of(scope), status, extra={"fields": fields})


def _describe(current: Span, scope: Scope, labels: Mapping[str, str | int]) -> None:
    """Set attributes by the semantic conventions for HTTP servers, without the query and the client's address."""
    route, status = labels["http.route"], int(labels["http.response.status_code"])
    attributes = {name: value for name, value in labels.items() if value != "unmatched"}
    attributes |= {"url.path": path_of(scope), "url.scheme": scope.get("scheme", "http")}
    attributes["network.protocol.version"] = scope.get("http_version", "1.1")
    method = str(labels["http.request.method"]).replace("_OTHER", "HTTP")
    current.update_name(method if route == "unmatched" else f"{method} {route}")
    current.set_attributes(attributes)
    if status >= 500:
        current.set_attribute("error.type", str(status))
        current.set_status(StatusCode.ERROR)
