"""Telemetry without an exporter: whether the environment configures one, and spans that carry ids and record nothing.
OpenTelemetry's SDK is imported only to export."""

import logging
import os
import random
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracer,
    NoOpTracerProvider,
    Span,
    SpanContext,
    TraceFlags,
    TraceState,
)

logger = logging.getLogger(__name__)


class Unexported(NoOpTracerProvider):
    """Answers and log lines have a trace id without an exporter, too."""

    def get_tracer(self, *_: Any, **__: Any) -> "IdsOnly":
        return IdsOnly()


class IdsOnly(NoOpTracer):
    def start_span(self, name: str, context: Context | None = None, *_: Any, **__: Any) -> Span:
        return span_of_ids(context)


def span_of_ids(parent: Context | None, state: TraceState | None = None) -> Span:
    """Return a span that records nothing, with an id of its own, in the trace of its parent or in a new one."""
    above = trace.get_current_span(parent).get_span_context()
    trace_id, flags = random.getrandbits(128) or 1, TraceFlags(TraceFlags.RANDOM_TRACE_ID)
    if above.is_valid:  # its parent knows whether the id is random (W3C Trace Context, level 2)
        trace_id, flags = above.trace_id, TraceFlags(above.trace_flags & TraceFlags.RANDOM_TRACE_ID)
    return NonRecordingSpan(SpanContext(trace_id, random.getrandbits(64) or 1, False, flags, state))


def exports(signal: str) -> bool:
    """Return whether to export TRACES or METRICS over OTLP: as OTEL_TRACES_EXPORTER or OTEL_METRICS_EXPORTER says,
    otherwise if an endpoint is set."""
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
