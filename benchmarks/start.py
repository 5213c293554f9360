"""From start to readiness, and a process's memory: idle and over a million requests."""

import functools
import itertools
import statistics
from collections.abc import Iterator, Sequence

from benchmarks.accounts import ME, Account, gets, login, open_accounts
from benchmarks.bench import Bench, Table, at_most
from benchmarks.load import drive
from benchmarks.servers import Server, reference_stack, this_backend

CONNECTIONS = 16
LOGINS = 96
SECONDS_AT_MOST = 600


def ask(bench: Bench) -> Table:
    total = 30_000 if bench.quick else 1_000_000
    counts = (total // 100, total // 10, total)
    accounts = open_accounts(bench.services)
    rows, figures = [], []
    for serve in (reference_stack, this_backend):
        starts, idle = [], []
        for _ in range(bench.rounds):
            with serve(bench.services) as server:
                starts.append(server.seconds_to_ready)
                idle.append(server.megabytes)
        figures = [statistics.median(starts), statistics.median(idle)]
        rows.append([server.name, f"{figures[0]:.2f}", f"{figures[1]:.0f}", *[""] * (1 + len(counts))])
    with this_backend(bench.services) as server:
        loaded = list(_over_requests(server, accounts, counts))
    rows[-1][3:] = [f"{megabytes:.0f}" for megabytes in loaded]
    growth = loaded[-1] / loaded[-2]
    return Table(
        "Start to the first answer; memory of one process",
        "web ≤ 0.45 s without the embedded services, ≤ 60 MB idle, ≤ 85 MB loaded, and flat over a million requests",
        (
            "",
            "s to the first answer",
            "MB idle",
            f"MB after {LOGINS} logins",
            *(f"MB after {count:,}" for count in counts),
        ),
        rows,
        f"After all requests the memory is {growth:.3f} × that after a tenth of them. The logins before added "
        f"{loaded[0] - figures[1]:.0f} MB: a hash needs 19 MiB, which the allocator may keep for each hashing thread.",
        [
            at_most("start to the first answer ≤ 0.45 s", figures[0], 0.45, "s"),
            at_most("memory of an idle process ≤ 60 MB", figures[1], 60, "MB", 0),
            at_most("memory after logins and requests ≤ 85 MB", loaded[-1], 85, "MB", 0),
            at_most(f"flat over {total:,} requests: ≤ 1.05 × a tenth", growth, 1.05, "×", 3),
        ],
    )


def _over_requests(server: Server, accounts: Sequence[Account], counts: Sequence[int]) -> Iterator[float]:
    """Yield the process's megabytes after logins, for which each hashing thread keeps memory, and then after given
    total numbers of GET /users/me."""
    drive(server.port, SECONDS_AT_MOST, lambda n: itertools.repeat(login(accounts[n].email), LOGINS // CONNECTIONS))
    yield server.megabytes
    for before, count in itertools.pairwise((0, *counts)):
        each = (count - before) // CONNECTIONS
        drive(server.port, SECONDS_AT_MOST, functools.partial(_some, each, accounts), CONNECTIONS)
        yield server.megabytes


def _some(count: int, accounts: Sequence[Account], number: int) -> Iterator[bytes]:
    return itertools.islice(gets(ME, accounts, number, CONNECTIONS), count)
