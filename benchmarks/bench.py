"""Shared parts of the benchmarks: the stack, alternating rounds, medians and spread, and Markdown tables."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from benchmarks.load import CONNECTIONS, Answered, Load, Requests, drive
from benchmarks.servers import Server
from dev.stack import Services

Measure = Callable[[float], Load]
"""Measures a round of the given number of seconds."""


class Verdict(msgspec.Struct, frozen=True):
    """A target as text, the measured value as text, whether the target is met, and both as numbers."""

    aim: str
    measured: str
    met: bool
    value: float | None = None
    target: float | None = None
    unit: str = ""


def at_least(aim: str, value: float, target: float, unit: str = "×", digits: int = 2) -> Verdict:
    return Verdict(aim, f"{value:,.{digits}f} {unit}", value >= target, value, target, unit)


def at_most(aim: str, value: float, target: float, unit: str, digits: int = 2) -> Verdict:
    return Verdict(aim, f"{value:,.{digits}f} {unit}", value <= target, value, target, unit)


class Table(msgspec.Struct, frozen=True):
    """The result of a benchmark: the question, the target, and rows of text under a heading."""

    question: str
    aim: str
    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    verdicts: Sequence[Verdict] = ()

    def markdown(self) -> str:
        aim = f"Target: {self.aim}" if self.aim else ""
        rows = grid(self.heading, self.rows) if self.rows else ""
        return "\n\n".join(filter(None, [f"## {self.question}", aim, rows, self.note]))


def grid(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format rows of text as a Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, ["---"] * len(heading), *rows))


class Bench(msgspec.Struct, frozen=True):
    services: Services
    quick: bool
    seconds: float
    """Duration of a round."""
    rounds: int

    def alternate(self, measures: Mapping[str, Measure]) -> dict[str, list[Load]]:
        """Run rounds A B A B …, so that a drift of the machine's speed affects all. The first round of each is a
        warm-up."""
        measured: dict[str, list[Load]] = {name: [] for name in measures}
        for turn in range(self.rounds + 1):
            for name, measure in measures.items():
                load = measure(self.seconds if turn else min(self.seconds / 2, 1.0))
                assert not load.refused, f"{name}: {load.refused} answers were refusals"
                if turn:
                    measured[name].append(load)
        return measured


def loading(
    server: Server, requests: Requests, connections: int = CONNECTIONS, answered: Answered | None = None
) -> Measure:
    """Return the measurement of this load on that server."""
    return lambda seconds: drive(server.port, seconds, requests, connections, answered)


def ratio(loads: Sequence[Load], base: Sequence[Load]) -> float:
    """Return the median ratio of requests per second to `base`, round by round."""
    return statistics.median(load.rate / other.rate for load, other in zip(loads, base, strict=True))


def median_row(name: str, loads: Sequence[Load], base: Sequence[Load]) -> list[str]:
    """Return a row: name, requests per second with their spread, latencies, and the ratio to `base`."""
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
