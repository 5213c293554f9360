"""How long the event loop stands still, and how long for the garbage collector, by the process's own metrics."""

import functools
import re

from benchmarks.accounts import ME, gets, open_accounts
from benchmarks.bench import Bench, Table, Verdict
from benchmarks.load import drive
from benchmarks.servers import Server, environment_for, serving

CONNECTIONS = 32
TOKEN = "benchmarks-only-" + 32 * "0"
PAUSE_MS, STALL_MS = 10, 50


def ask(bench: Bench) -> Table:
    accounts = open_accounts(bench.services, 500)
    environment = environment_for(bench.services, 9204, METRICS_TOKEN=TOKEN)
    with serving("this backend", ["api"], environment) as server:
        requests = functools.partial(gets, ME, accounts)
        load = drive(server.port, bench.rounds * bench.seconds, requests, CONNECTIONS)
        stall, pause = _longest(server, "event_loop_stall_max_seconds"), _longest(server, "gc_pause_max_seconds")
    return Table(
        f"Longest stalls at {CONNECTIONS} connections",
        f"garbage collector ≤ {PAUSE_MS} ms, event loop ≤ {STALL_MS} ms",
        (
            "GET /users/me",
            "longest pause by the garbage collector, ms",
            "longest stall of the event loop, ms",
            "p99 ms",
        ),
        [["this backend, with metrics", f"{pause:.1f}", f"{stall:.1f}", f"{load.p99:.1f}"]],
        "Includes waits for the core, which the server shares with PostgreSQL.",
        [
            Verdict(f"longest pause by the garbage collector ≤ {PAUSE_MS} ms", f"{pause:.1f} ms", pause <= PAUSE_MS),
            Verdict(f"longest stall of the event loop ≤ {STALL_MS} ms", f"{stall:.1f} ms", stall <= STALL_MS),
        ],
    )


def _longest(server: Server, metric: str) -> float:
    """Return a gauge in milliseconds."""
    _, text = server.get("/metrics", {"authorization": f"Bearer {TOKEN}"})
    return 1000 * float(re.findall(rf"^{metric} (\S+)$", text.decode(), re.M)[0])
