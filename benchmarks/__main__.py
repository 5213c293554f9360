"""`make bench`: runs every benchmark and writes docs/benchmarks.md and docs/benchmarks.json. ARGS="me refresh" runs
some of them and only prints their tables; ARGS="--quick" shortens the rounds, ARGS="--seconds 0.3 --rounds 2" sets
them. A new benchmark is a module with `ask(bench) -> Table`, listed in QUESTIONS."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import (
    concurrency,
    enumeration,
    events,
    list,
    login,
    me,
    pauses,
    peers,
    plans,
    profile,
    refresh,
    restart,
    revocation,
    start,
    storm,
    streams,
    webhooks,
)
from benchmarks.bench import Bench
from benchmarks.results import write
from benchmarks.servers import REFERENCE, ROOT
from dev.stack import embedded
from migrations.__main__ import migrate

QUESTIONS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        me,
        concurrency,
        peers,
        list,
        plans,
        profile,
        events,
        webhooks,
        streams,
        restart,
        refresh,
        revocation,
        login,
        enumeration,
        storm,
        pauses,
        start,
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description="Run the benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(QUESTIONS))
    parser.add_argument("--quick", action="store_true", help="rounds of 1 s, fewer accounts and requests")
    parser.add_argument("--seconds", type=float, help="duration of a round")
    parser.add_argument("--rounds", type=int, help="number of rounds after the warm-up")
    chosen = parser.parse_args()
    if unknown := sorted({*chosen.names} - {*QUESTIONS}):
        parser.error(f"unknown: {', '.join(unknown)}; the benchmarks are {', '.join(QUESTIONS)}")
    if not Path(REFERENCE).exists():
        sys.exit("bench: the reference stack is not installed; run it as: make bench")
    seconds = chosen.seconds or (1.0 if chosen.quick else 4.0)
    rounds = chosen.rounds or (3 if chosen.quick else 5)
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder) / "stack") as services:
        migrate(services.database_url)
        bench = Bench(services, chosen.quick, seconds, rounds)
        tables = []
        for name in chosen.names or QUESTIONS:
            began = time.perf_counter()
            tables.append(QUESTIONS[name].ask(bench))
            print(f"\n{tables[-1].markdown()}\n\n({name}: {time.perf_counter() - began:.0f} s)", flush=True)
    if not chosen.names:
        write(ROOT / "docs", bench, tables)


if __name__ == "__main__":
    main()
