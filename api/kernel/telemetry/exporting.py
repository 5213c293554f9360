"""Where traces and metrics go: over OTLP to where the standard OTEL_* variables say, and to `/metrics`."""

import logging
import os
import uuid
from collections.abc import Sequence

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from api.kernel.settings import Settings

logger = logging.getLogger(__name__)

EXPORT_SECONDS = 2.0
"""For one batch, and for all that is left when a process ends, whose grace a silent collector must not outlast."""
_ids = RandomIdGenerator()


def resource_of(settings: Settings, process: str) -> Resource:
    """What is said of this process with everything that it exports; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
    override it."""
    return Resource.create(
        {
            "service.name": f"rest-angular-{process}",
            "service.version": settings.release,
            "service.instance.id": str(uuid.uuid4()),  # otherwise two processes would write one series
            "deployment.environment.name": settings.environment,
            **OTELResourceDetector().detect().attributes,
        }
    )


def export_spans(resource: Resource, spans: SpanProcessor | None) -> None:
    """Hand spans to the processor, or else to the collector that the environment names."""
    if spans is None and _exports("TRACES"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        spans = _Exporting(OTLPSpanExporter(timeout=EXPORT_SECONDS))
    # Where nobody looks, nothing is recorded: a dropped span still makes the trace id that answers and logs carry.
    tracing = TracerProvider(resource=resource) if spans else TracerProvider(ALWAYS_OFF, resource)
    # OTEL_SDK_DISABLED ends the export (see _exports); answers and logs need a trace id all the same.
    tracing._disabled = False
    if spans:
        tracing.sampler = OwnDecision(tracing.sampler)
        tracing.add_span_processor(spans)
    trace.set_tracer_provider(tracing)


def export_metrics(resource: Resource, *given: MetricReader | None) -> None:
    """Let these read the metrics, and the collector that the environment names."""
    readers = [reader for reader in given if reader]
    if _exports("METRICS"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(timeout=EXPORT_SECONDS)))
    if readers:  # without a provider the instruments do nothing
        provider = MeterProvider(readers, resource)
        provider._disabled = False  # METRICS_TOKEN or METRICS_PORT asks for them, whatever OTEL_SDK_DISABLED says
        metrics.set_meter_provider(provider)


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
    """Whether to export over OTLP: where OTEL_TRACES_EXPORTER or OTEL_METRICS_EXPORTER says so or, without it, where
    there is an endpoint."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    variable = f"OTEL_{signal}_EXPORTER"
    wanted = os.environ.get(variable, "").strip().lower() or ("otlp" if endpoint else "none")
    if wanted not in ("otlp", "none"):
        logger.error(f"{variable} must be otlp or none; nothing is exported")
    protocol = f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"
    protocol = protocol if os.environ.get(protocol) else "OTEL_EXPORTER_OTLP_PROTOCOL"
    if wanted == "otlp" and os.environ.get(protocol, "").strip() not in ("", "http/protobuf"):
        logger.error(f"{protocol} must be http/protobuf, which collectors take on port 4318; nothing is exported")
        return False
    return wanted == "otlp"
