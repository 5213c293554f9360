"""OTLP over HTTP: spans and metrics go only to the configured collector, and a silent collector delays nothing."""

import http.server
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.kernel.telemetry.exporting import EXPORT_SECONDS
from tests.conftest import _NOWHERE, ENVIRONMENT


class Collector(http.server.BaseHTTPRequestHandler):
    """An OTLP collector that stores what it receives."""

    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        type(self).received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    kind = type("Kept", (Collector,), {"received": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", kind.received  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


GRACE_SECONDS = 30
"""Kubernetes' terminationGracePeriodSeconds."""
PROGRAM = """
import time
from api.kernel import telemetry
from api.kernel.settings import load
telemetry.set_up(load(), "web")
began = time.perf_counter()
for number in range(100):
    with telemetry.span("the work"):
        telemetry.query_seconds.record(0.1, {"db.operation.name": "users.insert"})
print(time.perf_counter() - began, time.monotonic(), telemetry.parent_from(telemetry.traceparent()))
"""


def told(root: Path, program: str, variables: dict[str, str]) -> list[str]:
    """Return the lines that a process with those variables prints."""
    environ = {"PATH": os.environ["PATH"]} | ENVIRONMENT | _NOWHERE | variables
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=100, check=True)
    return ended.stdout.splitlines()


def run(root: Path, **variables: str) -> tuple[float, float]:
    """Return the seconds of a hundred spans, and those from the program's last line to the end of its process."""
    [line] = [line for line in told(root, PROGRAM, variables) if not line.startswith("{")]
    ended = time.monotonic()
    return float(line.split()[0]), ended - float(line.split()[1])


def test_spans_and_metrics_go_to_the_configured_collector(
    root: Path, collector: tuple[str, list[tuple[str, bytes]]]
) -> None:
    url, received = collector
    run(root, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_SERVICE_NAME="shop")
    sent = dict(received)
    assert set(sent) == {"/v1/traces", "/v1/metrics"}
    assert b"the work" in sent["/v1/traces"]
    assert b"shop" in sent["/v1/traces"]
    assert b"users.insert" in sent["/v1/metrics"]


def test_one_signal_may_be_exported_alone(root: Path, collector: tuple[str, list[tuple[str, bytes]]]) -> None:
    url, received = collector
    run(root, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{url}/v1/traces")
    assert {path for path, _ in received} == {"/v1/traces"}


def test_nothing_is_exported_by_default(root: Path, collector: tuple[str, list[tuple[str, bytes]]]) -> None:
    url, received = collector
    run(root, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_SDK_DISABLED="true")
    run(root, OTEL_SERVICE_NAME="shop")
    assert received == []


def test_exporters_are_disabled_one_by_one(root: Path, collector: tuple[str, list[tuple[str, bytes]]]) -> None:
    """C-241."""
    url, received = collector
    run(root, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_METRICS_EXPORTER="none")
    assert {path for path, _ in received} == {"/v1/traces"}
    received.clear()
    run(root, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_TRACES_EXPORTER="none", OTEL_METRICS_EXPORTER="otlp")
    assert {path for path, _ in received} == {"/v1/metrics"}


def test_an_unknown_exporter_is_named(root: Path, collector: tuple[str, list[tuple[str, bytes]]]) -> None:
    """C-241."""
    url, received = collector
    lines = told(root, PROGRAM, {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_TRACES_EXPORTER": "zipkin"})
    assert any("OTEL_TRACES_EXPORTER must be otlp or none" in line for line in lines)
    assert {path for path, _ in received} == {"/v1/metrics"}


def test_an_unsupported_protocol_is_named(root: Path, collector: tuple[str, list[tuple[str, bytes]]]) -> None:
    """C-336: with gRPC configured, nothing is sent over HTTP."""
    url, received = collector
    lines = told(root, PROGRAM, {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert any("OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf" in line for line in lines)
    assert received == []
    ours = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"}
    run(root, OTEL_EXPORTER_OTLP_ENDPOINT=url, **ours)
    assert {path for path, _ in received} == {"/v1/traces"}


def test_answers_have_a_trace_id_although_the_sdk_is_disabled(root: Path) -> None:
    """C-241."""
    program = PROGRAM + 'with telemetry.span("one"):\n    print("id", telemetry.traceparent())\n'
    [line] = [line for line in told(root, program, {"OTEL_SDK_DISABLED": "true"}) if line.startswith("id")]
    assert re.fullmatch(r"id 00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-0[02]", line)


def test_resource_attributes_are_the_operators(root: Path, collector: tuple[str, list[tuple[str, bytes]]]) -> None:
    """C-241."""
    url, received = collector
    given = "service.name=shop,deployment.environment.name=blue,team=red,service.instance.id=one"
    run(root, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_RESOURCE_ATTRIBUTES=given)
    for _, body in received:
        for value in (b"shop", b"blue", b"team", b"red", b"one", b"unreleased"):
            assert value in body
        assert b"rest-angular-web" not in body
    received.clear()
    run(root, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_RESOURCE_ATTRIBUTES=given, OTEL_SERVICE_NAME="till")
    assert all(b"till" in body and b"shop" not in body for _, body in received)


@pytest.mark.alone
def test_a_collector_that_is_silent_delays_no_request(root: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        work, end = run(root, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert work < 5 * EXPORT_SECONDS, "exporting a hundred spans one by one would take a hundred times that"
    assert end < GRACE_SECONDS


FLOOD = """
import resource, time
from api.kernel import telemetry
from api.kernel.settings import load
telemetry.set_up(load(), "web")
def work(spans):
    began = time.perf_counter()
    for number in range(spans):
        with telemetry.span("the work", attributes={"http.route": "/api/users/me"}):
            pass
    return (time.perf_counter() - began) / spans
first = work(4000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(work(40_000) / first, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, time.monotonic())
"""


@pytest.mark.alone
def test_a_collector_that_is_silent_fills_no_memory(root: Path) -> None:
    """F-32: spans beyond the queue's size are dropped without delay, and the log reports it."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        # So small that exporting the batches of a full queue one after the other would take minutes.
        batch = {"OTEL_BSP_MAX_QUEUE_SIZE": "2048", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "16"}
        lines = told(root, FLOOD, {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint} | batch)
        ended = time.monotonic()
    [measured] = [line for line in lines if not line.startswith("{")]
    slower, kilobytes, last = map(float, measured.split())
    assert ended - last < GRACE_SECONDS < 2048 / 16 * EXPORT_SECONDS / 8, "shutdown waits for one export, not for all"
    assert slower < 20
    assert kilobytes < 10_000, "40,000 stored spans would take four times that"
    assert any("dropping Span" in line for line in lines)
