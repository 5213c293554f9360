"""What every question is asked with: the stack, alternating rounds, medians and spread, and a table in Markdown."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from benchmarks.load import Load, drive
from benchmarks.servers import Server
from dev.stack import Services


class Table(msgspec.Struct, frozen=True):
    """An answer: the question, what was aimed for, and rows of text under a heading."""

    question: str
    aim: str
    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        lines = [
            " | ".join(self.heading),
            " | ".join("---" for _ in self.heading),
            *(" | ".join(row) for row in self.rows),
        ]
        table = "\n".join(f"| {line} |" for line in lines)
        return "\n\n".join(filter(None, [f"## {self.question}", f"Aimed for: {self.aim}", table, self.note]))


class Bench(msgspec.Struct, frozen=True):
    services: Services
    seconds: float
    rounds: int

    def alternate(
        self, servers: Sequence[Server], requests: Mapping[str, Callable[[int], Iterator[bytes]]], connections: int = 16
    ) -> dict[str, list[Load]]:
        """Rounds A B A B …, so that a machine whose speed drifts drifts for all; the first of each is not counted."""
        measured: dict[str, list[Load]] = {server.name: [] for server in servers}
        for turn in range(self.rounds + 1):
            for server in servers:
                load = drive(server.port, self.seconds if turn else 1.0, requests[server.name], connections)
                if turn:
                    measured[server.name].append(load)
        return measured


def median_row(name: str, loads: Sequence[Load], base: Sequence[Load]) -> list[str]:
    """Name, requests a second with their spread, latencies, and the ratio to `base`, round by round."""
    rates = [load.rate for load in loads]
    ratios = [load.rate / other.rate for load, other in zip(loads, base, strict=True)]
    return [
        name,
        f"{statistics.median(rates):,.0f}",
        f"{min(rates):,.0f}–{max(rates):,.0f}",
        f"{statistics.median(load.p50 for load in loads):.1f}",
        f"{statistics.median(load.p99 for load in loads):.1f}",
        f"{statistics.median(ratios):.2f}",
    ]


HEADING = ("", "requests/s", "lowest–highest", "p50 ms", "p99 ms", "× the floor")
