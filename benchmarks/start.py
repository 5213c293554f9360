"""From start to ready, and the memory of a process, idle and after its load."""

import itertools
import statistics

from benchmarks.bench import Bench, Table
from benchmarks.load import drive, request
from benchmarks.me import sign_in
from benchmarks.servers import reference_stack, this_backend


def ask(bench: Bench) -> Table:
    rows = []
    for serve in (this_backend, reference_stack):
        starts, idle, loaded = [], [], []
        for _ in range(bench.rounds):
            with serve(bench.services) as server:
                starts.append(server.seconds_to_ready)
                idle.append(server.megabytes)
                me = request("GET", "/api/users/me", {"authorization": f"Bearer {sign_in(server)}"})
                drive(server.port, bench.seconds, lambda _, me=me: itertools.repeat(me))
                loaded.append(server.megabytes)
        figures = (statistics.median(starts), statistics.median(idle), statistics.median(loaded))
        rows.append([server.name, f"{figures[0]:.2f}", f"{figures[1]:.0f}", f"{figures[2]:.0f}"])
    return Table(
        "Start to the first answer; memory of one process",
        "web ≤ 1.0 s without the embedded parts, ≤ 80 MB",
        ("", "s to the first answer", "MB idle", "MB after load"),
        rows,
    )
