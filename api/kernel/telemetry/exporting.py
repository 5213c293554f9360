"""Exporters of traces and metrics: over OTLP as the standard OTEL_* variables configure, and at `/metrics`."""

import uuid
from collections.abc import Sequence
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.context import Context, get_value, set_value
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, Span, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from api.kernel.settings import Settings
from api.kernel.telemetry.unexported import span_of_ids

EXPORT_SECONDS = 2.0
"""Timeout for one batch, and for all pending exports at the end of a process, so that an unresponsive collector does
not exceed its grace period."""
_ids = RandomIdGenerator()
_DECIDED = "rest_angular.decided"
"""Key of a Context with the decision about a request."""


def resource_of(settings: Settings, process: str) -> Resource:
    """Return the resource attributes of this process; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override them."""
    return Resource.create(
        {
            "service.name": f"rest-angular-{process}",
            "service.version": settings.release,
            "service.instance.id": str(uuid.uuid4()),  # distinguishes the series of two processes
            "deployment.environment.name": settings.environment,
            **OTELResourceDetector().detect().attributes,
        }
    )


def export_spans(resource: Resource, spans: SpanProcessor | None) -> None:
    """Send spans to the processor, or else to the collector in the environment."""
    if spans is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # imports requests

        spans = _Exporting(OTLPSpanExporter(timeout=EXPORT_SECONDS))
    tracing = TracerProvider(resource=resource)
    tracing.sampler = sampler = OwnDecision(tracing.sampler)
    tracing.add_span_processor(spans)
    trace.set_tracer_provider(RequestTracers(tracing, sampler))


def export_metrics(resource: Resource, collector: bool, *given: MetricReader | None) -> None:
    """Export metrics to the given readers, and to the collector in the environment if `collector`."""
    readers = [reader for reader in given if reader]
    if collector:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # imports requests

        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(timeout=EXPORT_SECONDS)))
    provider = MeterProvider(readers, resource)
    provider._disabled = False  # METRICS_TOKEN and METRICS_PORT override OTEL_SDK_DISABLED
    metrics.set_meter_provider(provider)


class OwnDecision(Sampler):
    """Decides for each request whether it is recorded, by the sampler named in OTEL_TRACES_SAMPLER. An incoming
    `traceparent` is continued, but neither its sampled flag nor its trace id influences the decision; otherwise a
    client could disable tracing or flood the collector. Child spans and tasks share the decision."""

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
        decided = get_value(_DECIDED, parent_context)
        if isinstance(decided, SamplingResult):
            return decided
        above = trace.get_current_span(parent_context).get_span_context()
        if above.is_valid and kind is not SpanKind.SERVER:
            follow = ALWAYS_ON if above.trace_flags.sampled else ALWAYS_OFF
            return follow.should_sample(parent_context, trace_id, name, kind, attributes, links)
        return self.decide(name, kind, attributes, links)

    def decide(
        self, name: str, kind: SpanKind | None, attributes: Attributes = None, links: Sequence[Link] | None = None
    ) -> SamplingResult:
        """Decide for a new trace."""
        return self.root.should_sample(Context(), _ids.generate_trace_id(), name, kind, attributes, links)

    def get_description(self) -> str:
        return f"OwnDecision({self.root.get_description()})"


class RequestTracers(trace.TracerProvider):
    """Tracers that ask for the decision about a request before its span is made. Most requests are not sampled; their
    spans only carry ids, at a third of the SDK's cost."""

    def __init__(self, tracing: TracerProvider, sampler: OwnDecision) -> None:
        self._tracing, self.sampler = tracing, sampler

    def get_tracer(self, *named: Any, **more: Any) -> trace.Tracer:
        return _RequestTracer(self._tracing.get_tracer(*named, **more), self.sampler)


class _RequestTracer(trace.NoOpTracer):
    def __init__(self, tracer: trace.Tracer, sampler: OwnDecision) -> None:
        self._tracer, self._sampler = tracer, sampler

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        *rest: Any,
        **more: Any,
    ) -> Span:
        if kind is SpanKind.SERVER:
            decided = self._sampler.decide(name, kind)
            if decided.decision is Decision.DROP:
                return span_of_ids(context, decided.trace_state)
            context = set_value(_DECIDED, decided, context)
        return self._tracer.start_span(name, context, kind, *rest, **more)


class _Exporting(BatchSpanProcessor):
    """Limits the shutdown: with an unresponsive collector its queue is full, and each batch would time out in turn."""

    def shutdown(self) -> None:
        self._batch_processor.shutdown(int(EXPORT_SECONDS * 1000))
