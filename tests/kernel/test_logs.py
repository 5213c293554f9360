"""Logs: which trace a line belongs to, that no text makes a second line, and what is never in one."""

import io
import json
import logging
import re
import sys
import time
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.kernel import telemetry
from api.kernel.context import Context
from api.kernel.settings import Settings
from api.kernel.telemetry import ConsoleFormatter, JsonFormatter, span


async def test_nothing_secret_is_recorded_anywhere(
    spans: InMemorySpanExporter, metrics: InMemoryMetricReader, client: httpx.AsyncClient, context: Context,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    password, query, address = "canary-password-1", "canary-query-2", "canary-address-3@example.com"
    await client.post("/api/auth/register", json={"email": address, "password": password})
    form = {"username": address, "password": password}
    pair = (await client.post("/api/auth/jwt/login", data=form)).json()
    await client.post("/api/auth/jwt/login", data=form | {"password": "canary-wrong-4"})
    headers = {"authorization": f"Bearer {pair['access_token']}"}
    await client.get(f"/api/users/me?token={query}", headers=headers)
    await client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    await client.post("/api/auth/verify", json={"token": "canary-mail-token-5"})
    everything = [each.to_json() for each in spans.get_finished_spans()]
    data = metrics.get_metrics_data()
    everything.append(data.to_json() if data else "")
    for formatter in (JsonFormatter("web"), ConsoleFormatter()):
        everything += [
            formatter.format(each) for each in caplog.records if each.name != "httpx"
        ]  # the test's own client
    seen = "\n".join(everything)
    assert "users.insert" in seen
    assert "/api/auth/verify" in seen
    for secret in (password, query, address, "canary", pair["access_token"], pair["refresh_token"]):
        assert secret not in seen


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("tests").makeRecord("tests", 30, "f", 1, message, arguments, None, extra=extra)


def test_a_line_of_json_tells_who_what_and_in_which_trace() -> None:
    with span("work") as current:
        line = json.loads(JsonFormatter("web").format(record("a %s", "b", fields={"id": Path("x"), "ms": 1.5})))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": "tests",
        "process": "web",
        "message": "a b",
        "trace_id": f"{current.get_span_context().trace_id:032x}",
        "id": "x",
        "ms": 1.5,
    }
    assert "trace_id" not in json.loads(JsonFormatter("web").format(record("outside")))


def test_a_line_for_a_person_tells_the_same() -> None:
    with span("work") as current:
        line = ConsoleFormatter().format(record("a %s", "b", fields={"id": 7}))
    trace_id = f"{current.get_span_context().trace_id:032x}"
    assert re.fullmatch(rf"\d\d:\d\d:\d\d WARNING a b id=7 trace={trace_id}", line)
    assert "trace=" not in ConsoleFormatter().format(record("outside"))


EVIL = st.text(st.sampled_from(["\n", "\r", "\x1b", "\x00", "\x85", "\u2028", "\u202e", "\udc80", "a", '"', "{", "é"]))


@given(EVIL, EVIL)
def test_no_text_makes_a_second_line_of_log_or_loses_the_first(message: str, value: str) -> None:
    made = record("%s", message, fields={"value": value})
    line = JsonFormatter("web").format(made)
    assert (json.loads(line)["message"], json.loads(line)["value"]) == (message, value)
    for text in (line, ConsoleFormatter().format(made)):
        assert len(text.splitlines()) == 1
        assert text.isascii()
        assert text.isprintable()


def test_a_failure_is_told_by_its_stack_and_type_and_not_by_its_message() -> None:
    try:
        raise ValueError("canary\nFAKE LINE")
    except ValueError:
        failed = logging.getLogger("tests").makeRecord("tests", 40, "f", 1, "failed", (), sys.exc_info())
    failure = json.loads(JsonFormatter("web").format(failed))["failure"]
    assert "in test_a_failure_is_told" in failure
    assert failure.endswith("ValueError")
    told = ConsoleFormatter().format(failed)
    assert told.startswith(time.strftime("%H"))
    assert told.endswith("ValueError")
    assert "FAKE" not in told.replace('raise ValueError("canary\\nFAKE LINE")', "")
    nothing = logging.getLogger("tests").makeRecord("tests", 40, "f", 1, "failed", (), (None, None, None))
    assert json.loads(JsonFormatter("web").format(nothing))["failure"] == ""


def test_a_process_logs_what_its_output_cannot_show(nowhere: Settings) -> None:
    """Through the handler that a process has, on an output that knows ASCII alone: no line is lost."""
    kept_bytes = io.BytesIO()
    output = io.TextIOWrapper(kept_bytes, encoding="ascii")
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    original, sys.stdout = sys.stdout, output
    try:
        telemetry._set_up_logging(nowhere, "web")
        logging.getLogger("tests").warning("héllo \udc80")
        [handler] = root.handlers
        handler.flush()
    finally:
        sys.stdout = original
        root.handlers[:] = kept
        root.setLevel(level)
    line = json.loads(kept_bytes.getvalue())
    assert line["message"] == "héllo \udc80"
