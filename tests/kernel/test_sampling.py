"""Which requests are traced: decided by OTEL_TRACES_SAMPLER, for any traceparent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, DEFAULT_ON, ParentBasedTraceIdRatio, Sampler
from opentelemetry.trace import SpanKind

from api.kernel.telemetry import parent_from
from api.kernel.telemetry.exporting import OwnDecision
from tests.conftest import _NOWHERE, ENVIRONMENT

IDS = st.integers(1, 2**128 - 1)
FLAGS = st.integers(0, 255)


def recorded(root: Sampler, kind: SpanKind, parent: Context) -> tuple[bool, int]:
    """Return whether a span of this kind below `parent` is exported, and its trace id."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(OwnDecision(root))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    span = provider.get_tracer("tests").start_span("span", parent, kind)
    span.end()
    return bool(exporter.get_finished_spans()), span.get_span_context().trace_id


@given(IDS, FLAGS)
def test_a_callers_flag_turns_tracing_neither_off_nor_on(trace_id: int, flags: int) -> None:
    """C-199: its trace is continued in both cases."""
    parent = parent_from(f"00-{trace_id:032x}-{1:016x}-{flags:02x}")
    assert recorded(DEFAULT_ON, SpanKind.SERVER, parent) == (True, trace_id)
    assert recorded(ALWAYS_ON, SpanKind.SERVER, parent) == (True, trace_id)
    assert recorded(ALWAYS_OFF, SpanKind.SERVER, parent) == (False, trace_id)


@pytest.mark.parametrize("trace_id", [1, 2**64 - 1, 2**128 - 1], ids=hex)
def test_a_callers_trace_id_does_not_decide_either(trace_id: int) -> None:
    """C-199: with a ratio of one half, one of these ids would always be sampled, and one never."""
    parent = parent_from(f"00-{trace_id:032x}-{1:016x}-01")
    outcomes = {recorded(ParentBasedTraceIdRatio(0.5), SpanKind.SERVER, parent)[0] for _ in range(200)}
    assert outcomes == {True, False}


@given(IDS, st.booleans())
def test_work_after_a_request_shares_its_decision(trace_id: int, sampled: bool) -> None:
    """C-199: a task's row has the request's decision."""
    parent = parent_from(f"00-{trace_id:032x}-{1:016x}-{sampled:02x}")
    for kind in (SpanKind.CONSUMER, SpanKind.PRODUCER, SpanKind.CLIENT, SpanKind.INTERNAL):
        assert recorded(ALWAYS_OFF, kind, parent) == (sampled, trace_id)
        assert recorded(ALWAYS_ON, kind, parent) == (sampled, trace_id)


PROGRAM = """
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from api.kernel.settings import load
from api.kernel.telemetry import parent_from, set_up, span
exporter = InMemorySpanExporter()
set_up(load(), "web", SimpleSpanProcessor(exporter))
for flag in ("00", "01"):
    for number in range(1, 201):
        with span("request", SpanKind.SERVER, parent_from(f"00-{number:032x}-{number:016x}-{flag}")), span("query"):
            pass
print(len(exporter.get_finished_spans()))
"""


@pytest.mark.parametrize(
    ("variables", "least", "most"),
    [
        ({}, 800, 800),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, 0, 0),
        ({"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, 0, 0),
        # Outside of these bounds once in 10^20 runs; trace ids this small would all be within the ratio.
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, 200, 600),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, 200, 600),
    ],
    ids=str,
)
def test_the_operators_sampler_decides(root: Path, variables: dict[str, str], least: int, most: int) -> None:
    """C-199."""
    environ = {"PATH": os.environ["PATH"]} | ENVIRONMENT | _NOWHERE | variables
    command = [sys.executable, "-c", PROGRAM]
    ended = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=100, check=True)
    exported = int(ended.stdout.splitlines()[-1])
    assert least <= exported <= most
    assert exported % 2 == 0, "a request and its query, or neither"


def test_without_a_parent_a_span_is_a_root() -> None:
    assert recorded(ALWAYS_ON, SpanKind.CONSUMER, Context())[0]
    assert not trace.get_current_span(parent_from(None)).get_span_context().is_valid
