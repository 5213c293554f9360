"""Logging to standard output: one line an event, with the trace id of what it is about. Lines are formatted and written
by a thread, so that a reader which is slow, stuck or gone never holds up the event loop: what it does not take is
dropped, and counted."""

import atexit
import datetime
import json
import logging
import os
import queue
import threading
import time
import traceback
from typing import Any

from opentelemetry import metrics, trace

from api.kernel.settings import Settings

QUEUED_LINES = 10_000
"""Lines that wait to be written; more are dropped."""
FLUSH_SECONDS = 1.0
"""How long a process that ends waits for the reader of its output."""
REPEAT_SECONDS = 10.0
"""A library's own line is written once in this time, and then says how often it came."""
# Writes of up to PIPE_BUF bytes are whole (pipe(7)): lines of several processes never mix.
_PIPE_BUF = 4096
_STDOUT = 1
_BATCH = 200
# In ASCII, so that neither a lone surrogate nor a terminal's encoding can lose a line.
_encode = json.JSONEncoder(default=str).encode
dropped_lines = metrics.get_meter("rest_angular").create_counter(
    "log.dropped", "{line}", "Log lines that standard output did not take"
)
# arq logs a job's arguments and aiosmtplib the conversation; what they would tell at INFO, our spans and tasks tell.
LIBRARIES = ("arq", "aiokafka", "aiosmtplib", "asyncio", "httpcore", "httpx", "uvicorn", "opentelemetry", "yoyo")


def set_up(settings: Settings, process: str) -> None:
    """Send every log line of this process (web, worker, …) to standard output."""
    formatter = JsonFormatter(process) if settings.log_format == "json" else ConsoleFormatter()
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler, Writer):
            handler.close()
    root.handlers[:] = [Writer(formatter)]
    root.setLevel(settings.log_level)
    # No line names its place in the source, so it need not be found out (Python's logging HOWTO, “Optimization”).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for library in LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)


class Writer(logging.Handler):
    """Hands records to a thread that formats and writes them, at most QUEUED_LINES at a time."""

    def __init__(self, formatter: logging.Formatter, descriptor: int = _STDOUT) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.addFilter(Repeats())
        self._descriptor = descriptor
        self._queue: queue.SimpleQueue[logging.LogRecord | None] = queue.SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def handle(self, record: logging.LogRecord) -> bool:
        """Queue the record. Unlike logging.Handler's own, this takes no lock."""
        if not self.filter(record):
            return False
        if self._queue.qsize() >= QUEUED_LINES:
            self._dropped += 1
            dropped_lines.add(1)
            return False
        self._queue.put(stamped(record))
        return True

    def close(self) -> None:
        """Write what is queued, for FLUSH_SECONDS at most."""
        atexit.unregister(self.close)
        self._queue.put(None)
        self._thread.join(FLUSH_SECONDS)
        super().close()

    def _run(self) -> None:
        going = True
        while going:
            records = [self._queue.get()]
            while not self._queue.empty() and len(records) < _BATCH:
                records.append(self._queue.get())
            going = records[-1] is not None
            lines = [self._line(record) for record in records if record is not None]
            dropped, self._dropped = self._dropped, 0
            if dropped:
                told = logging.makeLogRecord({"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"})
                told.msg = "lines were dropped because standard output was not read"
                told.__dict__["fields"] = {"lines": dropped}
                lines.append(self._line(told))
            self._write(lines)

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            return self.format(record).encode() + b"\n"
        except Exception as error:  # noqa: BLE001  # a line that cannot be formatted must not end the thread
            return f"a log line of {record.name} cannot be formatted: {type(error).__name__}\n".encode()

    def _write(self, lines: list[bytes]) -> None:
        batch = b""
        for line in [*lines, b""]:
            if batch and (not line or len(batch) + len(line) > _PIPE_BUF):
                self._write_whole(batch)
                batch = b""
            batch += line

    def _write_whole(self, batch: bytes) -> None:
        while batch:
            try:
                batch = batch[os.write(self._descriptor, batch) :]
            except BlockingIOError:  # another process that shares this pipe made it non-blocking
                time.sleep(0.01)
            except OSError:  # the reader is gone, or the disk is full: the process serves on
                dropped_lines.add(batch.count(b"\n"))
                return


def stamped(record: logging.LogRecord) -> logging.LogRecord:
    """The record with the trace id of the span that it was made in, which the thread that formats it cannot know."""
    here = trace.get_current_span().get_span_context()
    record.trace_id = f"{here.trace_id:032x}" if here.is_valid else None
    return record


class Repeats(logging.Filter):
    """Lets a library's line through once in REPEAT_SECONDS: a broker that is away makes aiokafka write forty a
    second. Ours all pass: each is about something of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] not in LIBRARIES:
            return True
        line, now = (record.name, str(record.msg)), time.monotonic()
        last, unseen = self._last.get(line, (-REPEAT_SECONDS, 0))
        if now - last < REPEAT_SECONDS:
            self._last[line] = (last, unseen + 1)
            return False
        self._last[line] = (now, 0)
        if unseen:
            record.__dict__["fields"] = {"repeated": unseen}
        return True


def _failure(record: logging.LogRecord) -> str:
    """The type and the stack, never the message, which may quote what a client sent."""
    assert record.exc_info is not None
    kind, _, stack = record.exc_info
    return f"{''.join(traceback.format_tb(stack))}{kind.__qualname__ if kind else ''}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, process, message, trace_id, the record's `fields`, a failure's
    stack."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": self.process,
            "message": record.getMessage(),
        }
        trace_id = getattr(record, "trace_id", None)
        if trace_id:
            line["trace_id"] = trace_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["failure"] = _failure(record)
        return _encode(line)


class ConsoleFormatter(logging.Formatter):
    """The same for a person at a terminal. Control characters are escaped: a line of input never makes a line of
    log."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        text = f"{clock} {record.levelname:<7} {record.getMessage()}"
        text += "".join(f" {name}={value}" for name, value in getattr(record, "fields", {}).items())
        trace_id = getattr(record, "trace_id", None)
        if trace_id:
            text += f" trace={trace_id}"
        text = text.encode("unicode_escape").decode()
        return f"{text}\n{_failure(record)}" if record.exc_info else text
