"""Logging to standard output: one line per record, with its trace id. A thread formats and writes the lines, so that a
slow, blocked or closed reader never blocks the event loop: lines that it does not take are dropped and counted. The
thread gathers lines for a moment, because waking it for each line costs the event loop more than the line does."""

import atexit
import datetime
import itertools
import json
import logging
import os
import queue
import threading
import time
import traceback
from collections.abc import Iterable
from typing import Any

from opentelemetry import metrics, trace

from api.kernel.settings import Settings

QUEUED_LINES = 10_000
"""Maximum number of lines waiting to be written; further lines are dropped."""
GATHER_SECONDS = 0.02
"""Time for which lines are gathered before they are written. A warning or an error ends it."""
FLUSH_SECONDS = 1.0
"""Time that an ending process waits for the reader of its output."""
REPEAT_SECONDS = 10.0
"""A library's line is written once in this time; the next one includes the number of repeats."""
# Writes of up to PIPE_BUF bytes are atomic (pipe(7)): lines of several processes do not mix.
_PIPE_BUF = 4096
_STDOUT = 1
_BATCH = 200
# ASCII, so that neither a lone surrogate nor a terminal's encoding loses a line.
_encode = json.JSONEncoder(default=str).encode
dropped_lines = metrics.get_meter("rest_angular").create_counter(
    "log.dropped", "{line}", "Log lines dropped because standard output was not read"
)
# arq logs a job's arguments and aiosmtplib the conversation; our spans and tasks cover the INFO level.
LIBRARIES = ("arq", "aiokafka", "aiosmtplib", "asyncio", "httpcore", "httpx", "uvicorn", "opentelemetry", "yoyo")


def set_up(settings: Settings, process: str) -> None:
    """Send all log records of this process (web, worker, …) to standard output."""
    formatter = JsonFormatter(process) if settings.log_format == "json" else ConsoleFormatter()
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler, Writer):
            handler.close()
    root.handlers[:] = [Writer(formatter)]
    root.setLevel(settings.log_level)
    # Lines do not include their source location, so skip finding it (Python's logging HOWTO, “Optimization”).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for library in LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)


class Writer(logging.Handler):
    """Passes records to a thread that formats and writes them, at most QUEUED_LINES at a time."""

    def __init__(self, formatter: logging.Formatter, descriptor: int = _STDOUT) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.addFilter(Repeats())
        self._descriptor = descriptor
        self._queue: queue.SimpleQueue[logging.LogRecord | None] = queue.SimpleQueue()
        self._urgent, self._arrived = threading.Event(), threading.Event()
        self._asleep = False
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def handle(self, record: logging.LogRecord) -> bool:
        """Queue the record. Unlike logging.Handler, this takes no lock."""
        if not self.filter(record):
            return False
        if self._queue.qsize() >= QUEUED_LINES:
            self._dropped += 1
            dropped_lines.add(1)
            return False
        self._queue.put(stamped(record))
        if record.levelno >= logging.WARNING:
            self._urgent.set()
        if self._asleep:
            self._arrived.set()
        return True

    def close(self) -> None:
        """Write the queued lines, for at most FLUSH_SECONDS."""
        atexit.unregister(self.close)
        self._queue.put(None)
        self._urgent.set()
        self._arrived.set()
        self._thread.join(FLUSH_SECONDS)
        super().close()

    def _run(self) -> None:
        going = True
        while going:
            if self._queue.qsize() < _BATCH:
                self._urgent.wait(GATHER_SECONDS)
            self._urgent.clear()  # before the queue is read, so that no later line's urgency is lost
            self._sleep()
            records = [self._queue.get() for _ in range(min(self._queue.qsize(), _BATCH))]
            going = None not in records
            self._write(self._line(record) for record in records if record is not None)
            dropped, self._dropped = self._dropped, 0
            if dropped:
                notice = logging.makeLogRecord({"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"})
                notice.msg = "lines were dropped because standard output was not read"
                notice.__dict__["fields"] = {"lines": dropped}
                self._write([self._line(notice)])

    def _sleep(self) -> None:
        """Wait while there are no lines. Only then does the next line wake this thread."""
        self._asleep = True
        if self._queue.empty():  # read after `_asleep` is set, so that no line is overlooked
            self._arrived.wait()
        self._asleep = False
        self._arrived.clear()

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            return self.format(record).encode() + b"\n"
        except Exception as error:  # noqa: BLE001  # a formatting error must not end the thread
            return f"a log line of {record.name} cannot be formatted: {type(error).__name__}\n".encode()

    def _write(self, lines: Iterable[bytes]) -> None:
        """Write lines while they are formatted: a write lets the event loop's thread run."""
        batch = b""
        for line in itertools.chain(lines, [b""]):
            if batch and (not line or len(batch) + len(line) > _PIPE_BUF):
                self._write_whole(batch)
                batch = b""
            batch += line

    def _write_whole(self, batch: bytes) -> None:
        while batch:
            try:
                batch = batch[os.write(self._descriptor, batch) :]
            except BlockingIOError:  # another process made this shared pipe non-blocking
                time.sleep(0.01)
            except OSError:  # the reader is gone or the disk is full: continue
                dropped_lines.add(batch.count(b"\n"))
                return


def stamped(record: logging.LogRecord) -> logging.LogRecord:
    """Return the record with the trace id of the current span, which the formatting thread cannot know."""
    here = trace.get_current_span().get_span_context()
    record.trace_id = f"{here.trace_id:032x}" if here.is_valid else None
    return record


class Repeats(logging.Filter):
    """Passes a library's line once in REPEAT_SECONDS: without a broker, aiokafka writes forty lines a second. Our own
    lines always pass, because each is a distinct event."""

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
    """Return the type and the stack, never the message, which may quote a client's input."""
    assert record.exc_info is not None
    kind, _, stack = record.exc_info
    return f"{''.join(traceback.format_tb(stack))}{kind.__qualname__ if kind else ''}"


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: time, level, logger, process, message, trace_id, the record's `fields`, and
    the stack of an exception."""

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
    """Formats a record for a terminal. Control characters are escaped, so that input cannot forge a log line."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        text = f"{clock} {record.levelname:<7} {record.getMessage()}"
        text += "".join(f" {name}={value}" for name, value in getattr(record, "fields", {}).items())
        trace_id = getattr(record, "trace_id", None)
        if trace_id:
            text += f" trace={trace_id}"
        text = text.encode("unicode_escape").decode()
        return f"{text}\n{_failure(record)}" if record.exc_info else text
