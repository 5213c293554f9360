"""Where each microsecond of GET /users/me goes: py-spy samples the event loop's thread under load. It must not stop the
process to sample: the process would stop at its next system call, and all the time would be attributed to that."""

import collections
import functools
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import psutil

from benchmarks.accounts import ME, Account, gets, open_accounts
from benchmarks.bench import Bench, Table, grid
from benchmarks.load import LOAD_CORE, drive, on_core
from benchmarks.production import as_in_production
from benchmarks.servers import ROOT, Server, this_backend

QUESTION = "Where each microsecond of GET /users/me goes"
PY_SPY = str(ROOT / ".bench/bin/py-spy")
A_SECOND = 250
# The folders of this project, the packages and Python on this machine.
_FOLDERS = re.compile(rf"^{re.escape(str(ROOT))}/(?!\.)|^.*/site-packages/|^.*/lib/python3\.\d+/")
FUNCTIONS = 25
# The first pattern that matches a function's name and file decides.
PARTS = {
    "uvloop: the loop, reading sockets": r"^Runner\.run ",
    "uvicorn, httptools, writing answers": r"uvicorn/|api/kernel/wire/",
    "encoding and the answer": r"^Endpoint\._encoded|starlette/responses",
    "Starlette": r"starlette/|api/kernel/http/cors|api/app\.py",
    "telemetry": r"api/kernel/telemetry",
    "OpenTelemetry": r"opentelemetry/",
    "problems": r"api/kernel/errors",
    "auth": r"api/kernel/(identity/auth|http/callers)|joserfc/|authlib/",
    "limits and Redis": r"^Endpoint\._limit |api/kernel/(identity/|data/(cache|redis))|redis/",
    "database and sql": r"api/kernel/data/",
    "the pipeline, routing, decoding": r"api/kernel/",
    "asyncpg": r"asyncpg/",
    "features": r"api/[a-z]+/",
    "asyncio": r"[( ]asyncio/",
    "logging and its JSON": r"[( ](logging|json)/",
    "the rest": r"",
}


SHARED = [name for name in PARTS if name.startswith(("uv", "Starlette", "asyncpg", "asyncio"))]


class Profile(msgspec.Struct, frozen=True):
    """CPU time of the event loop's thread per request in microseconds, by function."""

    functions: dict[str, float]
    lost: float
    """The share of samples that py-spy could not read."""

    @property
    def total(self) -> float:
        return sum(self.functions.values())

    def part(self, name: str) -> float:
        return sum(cost for function, cost in self.functions.items() if _part(function) == name)


def ask(bench: Bench) -> Table:
    accounts = open_accounts(bench.services)
    try:
        with this_backend(bench.services) as server:
            plain = _profile(server, bench, accounts)
        with as_in_production(bench.services, accounts) as server:
            production = _profile(server, bench, accounts)
    except subprocess.CalledProcessError as error:
        reason = error.stdout.strip().splitlines()[-1]
        return Table(QUESTION, "", ("", "µs"), [], f"Not measured; py-spy failed: {reason}")
    parts = [(name, plain.part(name), production.part(name)) for name in PARTS]
    parts.append(("total", plain.total, production.total))
    names = plain.functions.keys() | production.functions.keys()
    functions = [(f"`{name}`", plain.functions.get(name, 0), production.functions.get(name, 0)) for name in names]
    functions.sort(key=lambda row: -max(row[1:]))
    heading = ("this backend", "with limits, 1% of traces and the access log")
    shared = sum(plain.part(name) for name in SHARED)
    note = (
        f"CPU time of the event loop's thread for one request, distributed by {A_SECOND} samples a second over the "
        "innermost Python function; C code (uvloop, httptools, asyncpg's protocol, msgspec) is attributed to "
        f"its caller. The parts shared with the floor (uvloop, uvicorn, Starlette, asyncpg, asyncio) take {shared:.0f} "
        f"of {plain.total:.0f} µs. {plain.lost:.0%} of the samples could not be read, because py-spy does not stop the "
        f"process. The most expensive functions:\n\n{grid(('µs in', *heading), _text(functions[:FUNCTIONS]))}"
    )
    return Table(QUESTION, "", ("µs of CPU in", *heading), _text(parts), note)


def _text(rows: Iterable[tuple[str, float, float]]) -> list[list[str]]:
    return [[name, *(f"{cost:.1f}" for cost in costs)] for name, *costs in rows]


def _profile(server: Server, bench: Bench, accounts: Sequence[Account]) -> Profile:
    seconds = round(max(5.0, 2 * bench.seconds))
    requests = functools.partial(gets, ME, accounts)
    drive(server.port, 1.0, requests)
    with tempfile.TemporaryDirectory() as folder, on_core(LOAD_CORE):
        raw = Path(folder) / "raw"
        options = ["--format=raw", f"--rate={A_SECOND}", f"--duration={seconds}", "--threads", "--full-filenames"]
        command = [PY_SPY, "record", *options, "--nonblocking", f"--output={raw}", f"--pid={server.process.pid}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as spy:
            before = _loop_seconds(server)
            load = drive(server.port, seconds + 0.5, requests)
            busy = _loop_seconds(server) - before
            output, _ = spy.communicate(timeout=30)
        if spy.returncode:
            raise subprocess.CalledProcessError(spy.returncode, command, output)
        read, unread = re.findall(r"(?:Samples|Errors): (\d+)", output)
        samples = collections.Counter[str]()
        for function, count in _samples(raw.read_text("utf-8")):
            samples[function] += count
    lost = int(unread) / (int(read) + int(unread))
    each = busy * 1e6 / (load.rate * (seconds + 0.5)) / samples.total()
    return Profile({name: count * each for name, count in samples.items()}, lost)


def _loop_seconds(server: Server) -> float:
    """Return the CPU seconds of the process' first thread, which runs the event loop."""
    threads = psutil.Process(server.process.pid).threads()
    return float(sum(each.user_time + each.system_time for each in threads if each.id == server.process.pid))


def _samples(raw: str) -> Iterator[tuple[str, int]]:
    """Yield the innermost functions of the loop's thread, each with its file, and their counts."""
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        if "MainThread" in thread and frames:
            name, _, path = frames[-1].rpartition(" (")
            yield f"{name} ({_FOLDERS.sub('', path.rpartition(':')[0])})", int(count)


def _part(function: str) -> str:
    return next(name for name, pattern in PARTS.items() if re.search(pattern, function))
