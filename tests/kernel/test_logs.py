"""Logs: the trace of a line, one line per record for any text, and no secrets."""

import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.app import create_app
from api.kernel.context import Context
from api.kernel.telemetry import span
from api.kernel.telemetry.logs import QUEUED_LINES, ConsoleFormatter, JsonFormatter, Repeats, Writer, stamped
from tests.conftest import _NOWHERE, ENVIRONMENT


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
    return stamped(logging.getLogger("tests").makeRecord("tests", 30, "f", 1, message, arguments, None, extra=extra))


def test_a_json_line_has_actor_message_and_trace() -> None:
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


def test_a_line_for_a_terminal_has_the_same() -> None:
    with span("work") as current:
        line = ConsoleFormatter().format(record("a %s", "b", fields={"id": 7}))
    trace_id = f"{current.get_span_context().trace_id:032x}"
    assert re.fullmatch(rf"\d\d:\d\d:\d\d WARNING a b id=7 trace={trace_id}", line)
    assert "trace=" not in ConsoleFormatter().format(record("outside"))


EVIL = st.text(st.sampled_from(["\n", "\r", "\x1b", "\x00", "\x85", "\u2028", "\u202e", "\udc80", "a", '"', "{", "é"]))


@given(EVIL, EVIL)
def test_no_text_breaks_a_line(message: str, value: str) -> None:
    made = record("%s", message, fields={"value": value})
    line = JsonFormatter("web").format(made)
    assert (json.loads(line)["message"], json.loads(line)["value"]) == (message, value)
    for text in (line, ConsoleFormatter().format(made)):
        assert len(text.splitlines()) == 1
        assert text.isascii()
        assert text.isprintable()


def test_a_failure_is_logged_with_stack_and_type_and_without_its_message() -> None:
    try:
        raise ValueError("canary\nFAKE LINE")
    except ValueError:
        failed = logging.getLogger("tests").makeRecord("tests", 40, "f", 1, "failed", (), sys.exc_info())
    failure = json.loads(JsonFormatter("web").format(failed))["failure"]
    assert "in test_a_failure_is_logged" in failure
    assert failure.endswith("ValueError")
    told = ConsoleFormatter().format(failed)
    assert told.startswith(time.strftime("%H"))
    assert told.endswith("ValueError")
    assert "FAKE" not in told.replace('raise ValueError("canary\\nFAKE LINE")', "")
    nothing = logging.getLogger("tests").makeRecord("tests", 40, "f", 1, "failed", (), (None, None, None))
    assert json.loads(JsonFormatter("web").format(nothing))["failure"] == ""


class Pipe:
    """A pipe that a Writer writes to; `read` is the output so far."""

    def __init__(self) -> None:
        reading, self.writing = os.pipe()
        self.read = os.fdopen(reading, encoding="ascii")
        self.writer = Writer(JsonFormatter("web"), self.writing)

    def line(self, message: str) -> dict[str, Any]:
        """Read until a line has the message."""
        for text in self.read:
            line: dict[str, Any] = json.loads(text)
            if line["message"] == message:
                return line
        raise AssertionError("the pipe was closed")


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.writer.close()
    os.close(made.writing)
    made.read.close()


def test_a_line_arrives_with_any_content_and_with_its_trace(pipe: Pipe) -> None:
    with span("work") as current:
        pipe.writer.handle(record("héllo \udc80"))
    line = pipe.line("héllo \udc80")
    assert line["trace_id"] == f"{current.get_span_context().trace_id:032x}"


def test_a_line_that_cannot_be_formatted_affects_no_other(pipe: Pipe) -> None:
    pipe.writer.handle(record("%d apples", "no number"))
    pipe.writer.handle(record("next"))
    assert next(pipe.read) == "a log line of tests cannot be formatted: TypeError\n"
    assert pipe.line("next")


def test_unread_lines_are_dropped_and_counted(pipe: Pipe) -> None:
    """The output is not read at first: logging does not block, and the dropped lines are counted once it is read."""
    while pipe.writer.handle(record("unread")):  # until the pipe and the queue are full
        pass
    assert pipe.writer._queue.qsize() == QUEUED_LINES
    assert pipe.line("lines were dropped because standard output was not read")["lines"] >= 1
    while not pipe.writer.handle(record("after")):  # there is room again after some were read
        next(pipe.read)
    assert pipe.line("after")


PROGRAM = """
import logging, sys
from api.kernel.settings import load
from api.kernel.telemetry import logs
logs.set_up(load(), "web")
for number in range(1000):
    logging.getLogger("tests").info("line %d", number)
"""


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise RuntimeError"])
def test_a_process_that_ends_has_written_every_line(root: Path, end: str) -> None:
    """C-346: also if it ends by an exception."""
    environ = {"PATH": os.environ["PATH"]} | ENVIRONMENT | _NOWHERE | {"LOG_LEVEL": "INFO", "LOG_FORMAT": "json"}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM + end], cwd=root, env=environ, capture_output=True, timeout=100
    )
    assert bool(ended.returncode) == bool(end)
    messages = [json.loads(line)["message"] for line in ended.stdout.splitlines()]
    assert messages == [f"line {number}" for number in range(1000)]


def test_a_library_repeats_a_message_rarely() -> None:
    seen = Repeats()
    line = logging.getLogger("aiokafka.conn").makeRecord("aiokafka.conn", 40, "f", 1, "no %s", ("x",), None)
    other = logging.getLogger("aiokafka.conn").makeRecord("aiokafka.conn", 40, "f", 1, "another", (), None)
    assert [seen.filter(line), seen.filter(line), seen.filter(other), seen.filter(line)] == [True, False, True, False]
    assert seen.filter(record("ours"))
    assert seen.filter(record("ours"))


async def test_a_request_has_its_status_client_and_account_in_its_line(
    signed_in: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    me = (await signed_in.get("/api/users/me")).json()
    caplog.clear()
    with caplog.at_level(logging.INFO, "api.access"):
        await signed_in.get("/api/users/me")
        await signed_in.get("/api/users/me", headers={"authorization": "Bearer none"})
    own, strangers = (each.__dict__["fields"] for each in caplog.records if each.name == "api.access")
    assert (own["status"], str(own["account"]), own["client"]) == (200, me["id"], "127.0.0.1")
    assert (strangers["status"], strangers["account"]) == (401, None)


@pytest.mark.parametrize("logged", [True, False])
async def test_health_is_left_out_of_the_log_on_request(
    context: Context, caplog: pytest.LogCaptureFixture, logged: bool
) -> None:
    app = create_app(msgspec.structs.replace(context.settings, log_health=logged))
    app.state.context = context
    with caplog.at_level(logging.INFO, "api.access"):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            await client.get("/api/health/live")
            await client.get("/api/.well-known/jwks.json")
    lines = [each.getMessage() for each in caplog.records if each.name == "api.access"]
    assert lines == ["GET /api/health/live 200"] * logged + ["GET /api/.well-known/jwks.json 200"]
