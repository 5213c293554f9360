"""Metrics of a process: its connection pool, hashing queue, memory and file descriptors, read when metrics are
collected, at no cost to requests. The lag of the event loop is measured twice a second, its stalls by a timer of 20 ms,
and the pauses of the garbage collector by its callbacks."""

import asyncio
import contextlib
import gc
import os
import resource
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from opentelemetry.metrics import CallbackOptions, Observation

from api.kernel.data.database import Database
from api.kernel.identity.passwords import Passwords
from api.kernel.telemetry import meter

LAG_SECONDS = 0.5
TICK_SECONDS = 0.02
_PROC = Path("/proc/self")  # Linux only
_open: list[tuple[Database, Passwords]] = []

loop_lag = meter.create_histogram(
    "event_loop.lag",
    "s",
    "Delay of scheduled callbacks of the event loop",
    explicit_bucket_boundaries_advisory=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


class Longest:
    """The longest duration of the last one to two minutes. Reading does not reset it, so that every reader sees it."""

    def __init__(self, seconds: float = 60.0, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._now = seconds, now
        self._since, self._before, self._longest = now(), 0.0, 0.0

    def note(self, duration: float) -> None:
        now = self._now()
        if now - self._since >= self._seconds:
            self._before, self._longest, self._since = self.value(), 0.0, now
        self._longest = max(self._longest, duration)

    def value(self) -> float:
        age = self._now() - self._since
        if age >= 2 * self._seconds:
            return 0.0
        return self._longest if age >= self._seconds else max(self._before, self._longest)


stalls, pauses = Longest(), Longest()


class _Ticks:
    """A timer that measures how late it is called: a stall of the event loop, except for up to TICK_SECONDS."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._start()

    def _start(self) -> None:
        self._due = time.monotonic() + TICK_SECONDS
        self._timer = self._loop.call_later(TICK_SECONDS, self._fire)

    def _fire(self) -> None:
        stalls.note(time.monotonic() - self._due)
        self._start()

    def cancel(self) -> None:
        self._timer.cancel()


class _Pauses:
    """A callback of the garbage collector."""

    def __init__(self) -> None:
        self._began = 0.0

    def __call__(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.monotonic()
        else:
            pauses.note(time.monotonic() - self._began)


@contextlib.asynccontextmanager
async def measured(database: Database, passwords: Passwords) -> AsyncIterator[None]:
    """Report these dependencies, and the lag, stalls and pauses of this event loop, while the block runs."""
    held = database, passwords
    _open.append(held)
    measuring, ticks, collections = asyncio.create_task(_measure_lag()), _Ticks(), _Pauses()
    gc.callbacks.append(collections)
    try:
        yield
    finally:
        measuring.cancel()
        ticks.cancel()
        gc.callbacks.remove(collections)
        _open.remove(held)


async def _measure_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        loop_lag.record(max(0.0, loop.time() - due))


def _connections(database: Database, _: Passwords) -> Iterable[Observation]:
    used, idle = database.connections()
    yield Observation(used, {"db.client.connection.state": "used"})
    yield Observation(idle, {"db.client.connection.state": "idle"})


def _most_connections(database: Database, _: Passwords) -> Iterable[Observation]:
    yield Observation(database.most_connections())


def _waiting_for_connections(database: Database, _: Passwords) -> Iterable[Observation]:
    yield Observation(database.waiting)


def _hashing(_: Database, passwords: Passwords) -> Iterable[Observation]:
    running, waiting = passwords.queue()
    yield Observation(running, {"hashing.state": "running"})
    yield Observation(waiting, {"hashing.state": "waiting"})


def _memory() -> Iterable[Observation]:
    if _PROC.exists():
        yield Observation(int((_PROC / "statm").read_text().split()[1]) * resource.getpagesize())


def _cpu() -> Iterable[Observation]:
    yield Observation(time.process_time())


def _longest_stall() -> Iterable[Observation]:
    yield Observation(stalls.value())


def _longest_pause() -> Iterable[Observation]:
    yield Observation(pauses.value())


def _descriptors() -> Iterable[Observation]:
    if _PROC.exists():
        yield Observation(len(os.listdir(_PROC / "fd")))


def _most_descriptors() -> Iterable[Observation]:
    yield Observation(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


Read = Callable[[CallbackOptions], Iterable[Observation]]


def _of_open(read: Callable[[Database, Passwords], Iterable[Observation]]) -> list[Read]:
    return [lambda _: [each for held in _open[-1:] for each in read(*held)]]


def _of_process(read: Callable[[], Iterable[Observation]]) -> list[Read]:
    return [lambda _: read()]


# Names from OpenTelemetry's semantic conventions where they have one.
meter.create_observable_up_down_counter(
    "db.client.connection.count", _of_open(_connections), "{connection}", "Connections to PostgreSQL, by state"
)
meter.create_observable_up_down_counter(
    "db.client.connection.max", _of_open(_most_connections), "{connection}", "Maximum connections of the pool"
)
meter.create_observable_up_down_counter(
    "db.client.connection.pending_requests",
    _of_open(_waiting_for_connections),
    "{request}",
    "Requests waiting for a connection",
)
meter.create_observable_up_down_counter(
    "hashing.passwords", _of_open(_hashing), "{password}", "Passwords being hashed or queued, by state"
)
meter.create_observable_up_down_counter(
    "process.memory.usage", _of_process(_memory), "By", "Resident memory of this process"
)
meter.create_observable_counter("process.cpu.time", _of_process(_cpu), "s", "CPU time of this process")
meter.create_observable_gauge(
    "event_loop.stall.max", _of_process(_longest_stall), "s", "Longest stall of the event loop in the last minute"
)
meter.create_observable_gauge(
    "gc.pause.max", _of_process(_longest_pause), "s", "Longest pause by the garbage collector in the last minute"
)
meter.create_observable_up_down_counter(
    "process.unix.file_descriptor.count", _of_process(_descriptors), "{file_descriptor}", "Open file descriptors"
)
meter.create_observable_up_down_counter(
    "process.unix.file_descriptor.limit",
    _of_process(_most_descriptors),
    "{file_descriptor}",
    "Maximum file descriptors",
)
