"""From start to ready, and the memory of a process, idle and after its load."""

import itertools
import statistics

from benchmarks.bench import Bench, Table
from benchmarks.load import drive, request
from benchmarks.me import sign_in
from benchmarks.servers import REFERENCE, environment_for, serving

SERVERS = (
    ("this backend, web", ["api"], 9201, None),
    ("reference stack", ["benchmarks.serve", "reference_stack:app"], 9220, REFERENCE),
)


def ask(bench: Bench) -> Table:
    rows = []
    for name, command, port, python in SERVERS:
        starts, idle, loaded = [], [], []
        for _ in range(bench.rounds):
            with serving(name, command, environment_for(bench.services, port), python) as server:
                starts.append(server.seconds_to_ready)
                idle.append(server.megabytes)
                me = request("GET", "/api/users/me", {"authorization": f"Bearer {sign_in(server)}"})
                drive(port, bench.seconds, lambda _, me=me: itertools.repeat(me))
                loaded.append(server.megabytes)
        figures = (statistics.median(starts), statistics.median(idle), statistics.median(loaded))
        rows.append([name, f"{figures[0]:.2f}", f"{figures[1]:.0f}", f"{figures[2]:.0f}"])
    return Table(
        "Start to the first answer; memory of one process",
        "web ≤ 1.0 s without the embedded parts, ≤ 80 MB",
        ("", "s to the first answer", "MB idle", "MB after load"),
        rows,
    )
