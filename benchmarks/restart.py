"""A deployment with 2,000 open streams: the old process gets SIGTERM while each account has an event each three
seconds, and all clients come back to the new process with their last id, after their `retry`. Each client must
receive each event of its account once, in order."""

import asyncio
import heapq
import re
import resource
import select
import threading
import time
from collections.abc import Callable, Sequence
from typing import ClassVar, Self
from uuid import UUID

import uvloop

from api.kernel import Event, Person
from api.kernel.data.database import open_database
from api.kernel.outbox.events import record_many
from api.kernel.settings import load
from benchmarks.accounts import Account, bearer, open_accounts
from benchmarks.bench import Bench, Table, Verdict, at_most
from benchmarks.crowd import AT_ONCE, SECONDS, Stream
from benchmarks.load import LOAD_CORE, on_core, request
from benchmarks.servers import Server, environment_for, serving
from benchmarks.streams import CLIENTS, EVENTS

OLD, NEW = 9242, 9243
PAUSE_SECONDS = 3.0
"""Between two events of an account."""
AFTERWARDS = 2
"""Events of each account after all clients are back."""
_ID = re.compile(rb"^id: (.+)$", re.MULTILINE)
_NUMBER = re.compile(rb'"number":(\d+)')
_RETRY = re.compile(rb"^retry: (\d+)$", re.MULTILINE)


class Counted(Event, frozen=True, tag="bench.counted"):
    live: ClassVar[bool] = True
    user_id: Person
    number: int


class Writer:
    """Commits an event of each account at a time, with consecutive numbers, in a thread."""

    def __init__(self, environment: dict[str, str], ids: Sequence[UUID]) -> None:
        self._environment, self._ids = environment, ids
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._write()))
        self.written = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    async def _write(self) -> None:
        async with open_database(load(self._environment), {}, 1) as db:
            while not self._stop.is_set():
                async with db.transaction() as tx:
                    await record_many(tx, [Counted(user_id=id, number=self.written) for id in self._ids])
                self.written += 1
                await asyncio.sleep(PAUSE_SECONDS)


class Reader:
    """The client of one account."""

    stream: Stream

    def __init__(self, account: Account) -> None:
        self._account = account
        self._last, self._rest, self._began = b"", b"", 0.0
        self.connections = 0
        self.numbers = list[int]()
        self.reasons = list[bytes]()
        self.retry = 1.0
        """Seconds after which the client comes back."""
        self.waited: float | None = None
        """Seconds from the last connection to the server's first bytes."""

    def connect(self, port: int) -> None:
        last = {"last-event-id": self._last.decode()} if self._last else {}
        self.connections += 1
        self._rest, self.waited, self._began = b"", None, time.perf_counter()
        self.stream = Stream(port, request("GET", EVENTS, bearer(self._account) | last))

    def read(self) -> bool:
        """Read what has arrived. Returns whether the stream goes on."""
        data, _ = self.stream.read()
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for block in whole:
            self.numbers += map(int, _NUMBER.findall(block))
            self.reasons += [b"restart"] if b'"restart"' in block else []
            for id in _ID.findall(block):
                self._last = id
            for retry in _RETRY.findall(block):
                self.retry = int(retry) / 1000
            if self.waited is None and b" 200 " in block:
                self.waited = time.perf_counter() - self._began
        refused = data.startswith(b"HTTP/1.1") and not data.startswith(b"HTTP/1.1 200")
        return not self.stream.is_over and not refused


class Deployment:
    def __init__(self, old: Server, new: Server, readers: Sequence[Reader]) -> None:
        self._old, self._new, self._readers = old, new, readers
        self._poll = select.epoll()
        self._connected: dict[int, Reader] = {}
        self._due: list[tuple[float, int, Reader]] = []
        self.exit_seconds: float | None = None
        self._began = 0.0

    def run(self, writer: Writer) -> None:
        for first in range(0, len(self._readers), AT_ONCE):
            some = self._readers[first : first + AT_ONCE]
            for reader in some:
                self._connect(reader, self._old.port)
            self._until(lambda some=some: all(reader.waited is not None for reader in some))  # type: ignore[misc]
        with writer:
            self._until(lambda: all(reader.numbers for reader in self._readers))
            self._began = time.perf_counter()
            self._old.process.terminate()
            self._until(lambda: all(reader.connections > 1 and reader.waited is not None for reader in self._readers))
            written = writer.written + AFTERWARDS
            self._until(lambda: writer.written >= written and self.exit_seconds is not None)
            writer.stop()
            self._until(lambda: all(len(reader.numbers) >= writer.written for reader in self._readers))

    def _connect(self, reader: Reader, port: int) -> None:
        reader.connect(port)
        self._connected[reader.stream.socket.fileno()] = reader
        self._poll.register(reader.stream.socket, select.EPOLLIN)

    def _until(self, condition: Callable[[], bool]) -> None:
        """Read, and reconnect what is due, until a condition is true. Raises TimeoutError after SECONDS."""
        deadline = time.perf_counter() + SECONDS
        while not condition():
            if time.perf_counter() > deadline:
                raise TimeoutError("the clients do not come back, or miss events")
            for number, _ in self._poll.poll(0.05):
                reader = self._connected[number]
                if not reader.read():
                    self._poll.unregister(number)
                    self._connected.pop(number)
                    reader.stream.socket.close()
                    heapq.heappush(self._due, (time.perf_counter() + reader.retry, id(reader), reader))
            while self._due and self._due[0][0] <= time.perf_counter():
                self._connect(heapq.heappop(self._due)[2], self._new.port)
            if self._began and self.exit_seconds is None and self._old.process.poll() is not None:
                self.exit_seconds = time.perf_counter() - self._began


def ask(bench: Bench) -> Table:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the servers inherit it
    accounts = open_accounts(bench.services, CLIENTS)
    environments = [environment_for(bench.services, port, MAX_CONNECTIONS=str(2 * CLIENTS)) for port in (OLD, NEW)]
    readers = [Reader(account) for account in accounts]
    with serving("old", ["api"], environments[0]) as old, serving("new", ["api"], environments[1]) as new:
        deployment = Deployment(old, new, readers)
        writer = Writer(environments[0], [account.id for account in accounts])
        used = new.cpu_seconds
        with on_core(LOAD_CORE):
            deployment.run(writer)
        used = new.cpu_seconds - used
    waits = sorted(1000 * (reader.waited or SECONDS) for reader in readers)
    p50, p99 = (waits[int((len(waits) - 1) * share)] for share in (0.5, 0.99))
    exact = sum(reader.numbers == list(range(writer.written)) for reader in readers)
    told = sum(bool(reader.reasons) for reader in readers)
    connections = sum(reader.connections for reader in readers)
    seconds = deployment.exit_seconds or SECONDS
    return Table(
        f"SIGTERM with {CLIENTS:,} open streams",
        "the process ends within 10 s; each client receives each event once, in order",
        ("clients", "bye: restart", "all events once, in order", "exit s", "back p50 ms", "back p99 ms"),
        [[f"{CLIENTS:,}", f"{told:,}", f"{exact:,}", f"{seconds:.1f}", f"{p50:.0f}", f"{p99:.0f}"]],
        f"Each account has {writer.written} events, one each {PAUSE_SECONDS:.0f} s. Clients come back to another "
        f"process after `retry`, 2 to 8 s, or again after a 503, with {connections - CLIENTS:,} connections; `back` is "
        f"from the last one to the first bytes of its answer. The new process took {used * 1000 / CLIENTS:.1f} ms of "
        "CPU time for each client, its events included.",
        [
            at_most("SIGTERM with 2,000 streams: the process has ended in ≤ 10 s", seconds, 10, "s", 1),
            Verdict("each of 2,000 clients receives each event once", f"{exact:,}", exact == CLIENTS),
        ],
    )
