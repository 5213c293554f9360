"""What every question is asked with: the stack, alternating rounds, medians and spread, and a table in Markdown."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from benchmarks.load import Answered, Load, Requests, drive
from benchmarks.servers import Server
from dev.stack import Services

Measure = Callable[[float], Load]
"""A round of so many seconds."""


class Verdict(msgspec.Struct, frozen=True):
    """What was aimed for, what this run measured, and whether that is enough."""

    aim: str
    measured: str
    met: bool


class Table(msgspec.Struct, frozen=True):
    """An answer: the question, what was aimed for, and rows of text under a heading."""

    question: str
    aim: str
    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    verdicts: Sequence[Verdict] = ()

    def markdown(self) -> str:
        aim = f"Aimed for: {self.aim}" if self.aim else ""
        rows = grid(self.heading, self.rows) if self.rows else ""
        return "\n\n".join(filter(None, [f"## {self.question}", aim, rows, self.note]))


def grid(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of text as a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows))


class Bench(msgspec.Struct, frozen=True):
    services: Services
    quick: bool
    seconds: float
    """How long a round is."""
    rounds: int

    def alternate(self, measures: Mapping[str, Measure]) -> dict[str, list[Load]]:
        """Rounds A B A B …, so that a machine whose speed drifts drifts for all; the first of each is not counted."""
        measured: dict[str, list[Load]] = {name: [] for name in measures}
        for turn in range(self.rounds + 1):
            for name, measure in measures.items():
                load = measure(self.seconds if turn else min(self.seconds / 2, 1.0))
                assert not load.refused, f"{name}: {load.refused} answers were refusals"
                if turn:
                    measured[name].append(load)
        return measured


def loading(server: Server, requests: Requests, connections: int = 16, answered: Answered | None = None) -> Measure:
    """What a round of this load on that server measures."""
    return lambda seconds: drive(server.port, seconds, requests, connections, answered)


def ratio(loads: Sequence[Load], base: Sequence[Load]) -> float:
    """How many times `base`'s requests a second, round by round; the median."""
    return statistics.median(load.rate / other.rate for load, other in zip(loads, base, strict=True))


def median_row(name: str, loads: Sequence[Load], base: Sequence[Load]) -> list[str]:
    """Name, requests a second with their spread, latencies, and the ratio to `base`."""
    rates = [load.rate for load in loads]
    return [
        name,
        f"{statistics.median(rates):,.0f}",
        f"{min(rates):,.0f}–{max(rates):,.0f}",
        f"{statistics.median(load.p50 for load in loads):.1f}",
        f"{statistics.median(load.p99 for load in loads):.1f}",
        f"{ratio(loads, base):.2f}",
    ]


HEADING = ("", "requests/s", "lowest–highest", "p50 ms", "p99 ms", "× the floor")
