"""`make bench-check`: compares what requests, the start and an idle process cost with hand-written servers in the same
run, and fails if a ratio is above 2 × the recorded one. Requests are compared by the CPU time of the server's
process, which hardly depends on other work of the machine, and by the least of several rounds, as other work only adds
to it. A ratio above its bound is measured again before the check fails. `--record` writes ratios.json."""

import argparse
import contextlib
import functools
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchmarks.accounts import ME, gets, open_accounts, rows
from benchmarks.bench import grid
from benchmarks.load import CONNECTIONS, Answered, Requests, drive
from benchmarks.production import as_in_production
from benchmarks.refresh import refreshes, statements
from benchmarks.servers import Server, environment_for, serving, this_backend
from dev.stack import Services, embedded
from migrations.__main__ import migrate

RATIOS = Path(__file__).with_name("ratios.json")
MOST = 2.0
"""Far above the noise: the CPU time of a start was 1.6 × the floor's on a quiet machine, and 2.3 × on a busy one."""
REQUESTS = 960
"""Requests of a line in a round."""
PATIENT = ("tests.patient", "api")
"""This backend with long deadlines: on a busy machine, a slow PostgreSQL is not a failed one."""
ROUNDS = 5
TRIES = 3
READ, WRITE = "floor: GET by hand", "floor: two statements by hand"


class Line(msgspec.Struct, frozen=True):
    """The requests to a server, and the line that they are compared with."""

    server: Server
    requests: Requests
    floor: str
    answered: Answered | None = None

    def cost(self) -> float:
        """Return the CPU microseconds of the server for each request."""
        each = REQUESTS // CONNECTIONS
        before = self.server.cpu_seconds
        load = drive(self.server.port, 600, lambda n: itertools.islice(self.requests(n), each), answered=self.answered)
        assert not load.refused, f"{self.server.name}: {load.refused} answers were refusals"
        return (self.server.cpu_seconds - before) * 1e6 / (each * CONNECTIONS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-check", description="Compare costs with the recorded ratios.")
    parser.add_argument("--record", action="store_true", help="write the measured ratios to benchmarks/ratios.json")
    record = parser.parse_args().record
    recorded: dict[str, float] = {} if record else json.loads(RATIOS.read_text("utf-8"))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder) / "stack") as services:
        migrate(services.database_url)
        measured = _measure(services, recorded)
    print(_table(measured, recorded))
    if record:
        RATIOS.write_text(json.dumps({name: round(ratio, 3) for name, ratio in measured.items()}, indent=2) + "\n")
    elif missing := sorted(measured.keys() ^ recorded.keys()):
        sys.exit(f"bench-check: measured or recorded only: {', '.join(missing)}; run `make bench-check ARGS=--record`")
    above = slower(measured, recorded)
    if above:
        sys.exit(
            f"bench-check: more than {MOST} × the recorded ratio: {', '.join(above)}. Run `make bench ARGS=profile` "
            "to find the cause; after a deliberate change, record the ratios with `make bench-check ARGS=--record`."
        )
    print(f"bench-check: no ratio is above {MOST} × the recorded one ({time.perf_counter() - began:.0f} s)")


def _measure(services: Services, recorded: Mapping[str, float]) -> dict[str, float]:
    """Return each line's ratio to its floor, measured again while one is above its bound."""
    accounts = open_accounts(services)
    rows(services, "update users set is_superuser = true where id = $1", accounts[0].id)
    with contextlib.ExitStack() as running:
        start = running.enter_context
        floor = start(serving(READ, ["benchmarks.serve", "floor:query"], environment_for(services, 9210)))
        writing = start(serving(WRITE, ["benchmarks.serve", "floor:statements"], environment_for(services, 9214)))
        with this_backend(services) as idle:
            measured = {
                "start, CPU time": idle.cpu_seconds / floor.cpu_seconds,
                "memory of an idle process": idle.megabytes / floor.megabytes,
            }
        ours = start(this_backend(services, PATIENT))
        production = start(as_in_production(services, accounts, PATIENT))
        reading = functools.partial(gets, ME, accounts)
        listing = functools.partial(gets, "/api/users?limit=20", [accounts[0]] * CONNECTIONS)
        refreshing, answered = refreshes(accounts)
        lines = {
            READ: Line(floor, reading, READ),
            "GET /users/me": Line(ours, reading, READ),
            "GET /users/me with limits, 1% of traces and the access log": Line(production, reading, READ),
            "GET /users, a page of 20": Line(ours, listing, READ),
            WRITE: Line(writing, functools.partial(statements, 2, accounts, {}), WRITE),
            "POST /auth/refresh": Line(ours, refreshing, WRITE, answered),
        }
        least: dict[str, float] = {}
        for _ in range(TRIES):
            for turn in range(ROUNDS + 1):
                for name, line in lines.items():
                    cost = line.cost()
                    if turn:  # the first round is a warm-up
                        least[name] = min(cost, least.get(name, cost))
            ratios = {name: least[name] / least[line.floor] for name, line in lines.items() if name != line.floor}
            if not slower(ratios, recorded):
                break
    return measured | ratios


def slower(measured: Mapping[str, float], recorded: Mapping[str, float]) -> list[str]:
    """Return the names of the ratios above their bounds."""
    return [name for name, ratio in measured.items() if ratio > MOST * recorded.get(name, ratio)]


def _table(measured: Mapping[str, float], recorded: Mapping[str, float]) -> str:
    text = [(name, f"{ratio:.2f}", f"{recorded.get(name, ratio):.2f}") for name, ratio in measured.items()]
    return grid(("× the same by hand", "measured", "recorded"), text)


if __name__ == "__main__":
    main()
