"""One experiment from its first call to its verdict, as a row of the table."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.faults.experiments import Experiment
from tests.faults.oracle import EVENTS, TASKS, Oracle, Verdict, delivered, waiting
from tests.faults.rig import Rig

RECOVERY_SECONDS = 90.0
BEFORE_SECONDS = 1.0
TOLD = 5
"""The number of faults of each kind that are reported in full."""


@dataclass(frozen=True)
class Limits:
    """Seconds from the end of the harm."""

    answers: float = 5
    events: float = 10
    tasks: float = 32
    """A task's lease, and the interval of polling for it."""


STRICTER = {
    "F-1": Limits(answers=3),
    "F-2": Limits(answers=3),
    "F-5": Limits(events=2),
    "F-6": Limits(events=2),
    "F-18": Limits(answers=2),
}


@dataclass
class Row:
    """The results of an experiment; the seconds are the maximum of its rounds, from the end of the fault."""

    experiment: Experiment
    patience: float
    injections: int = 0
    acked: int = 0
    failed: list[str] = field(default_factory=list)
    """Calls that were not served."""
    harmed: list[float] = field(default_factory=list)
    """Durations of successful calls during the fault."""
    answers: float = 0
    """Until the first of 20 successful calls."""
    events: float = 0
    """Until all pending rows of that time were in Kafka."""
    tasks: float = 0
    """Until all pending rows of that time were done."""
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def faults(self) -> list[str]:
        """Return violations."""
        told, refused = self.verdict, [] if self.experiment.outage else self.failed
        kinds = {"lost": told.lost, "invented": told.invented, "refused service": refused}
        faults = [f"{kind}: {each}" for kind, found in kinds.items() for each in found[:TOLD]]
        more = [f"{kind}: {len(found)} in all" for kind, found in kinds.items() if len(found) > TOLD]
        return faults + more + ([f"{told.disorder} keys out of order"] if told.disorder else [])

    @property
    def late(self) -> list[str]:
        """Return recoveries beyond their limits."""
        limits = STRICTER.get(self.experiment.number, Limits())
        took = {"answers": (self.answers, limits.answers), "events": (self.events, limits.events)}
        took["tasks"] = (self.tasks, limits.tasks)
        return [
            f"late: {what} after {seconds:.1f} s, not {limit * self.patience:.0f}"
            for what, (seconds, limit) in took.items()
            if seconds > limit * self.patience
        ]


def ends(rig: Rig) -> list[str]:
    """Return the ends of the processes' logs."""
    return [service.process.log.read_text()[-3000:] for service in (rig.web, rig.worker)]


@contextlib.contextmanager
def explained(rig: Rig) -> Iterator[None]:
    """On a failure, print the ends of the processes' logs."""
    try:
        yield
    except Exception as error:
        error.add_note("\n".join(ends(rig)))
        raise


class Trials:
    """Experiments in sequence on one rig; the verdict covers everything since the first. `patience` multiplies the
    limits of recoveries."""

    def __init__(self, rig: Rig, patience: float) -> None:
        self._rig = rig
        self._patience = patience
        self._oracle = Oracle(rig)
        self._before = Verdict()

    async def run(self, experiment: Experiment, rounds: int) -> Row:
        ledger, row = self._rig.ledger, Row(experiment, self._patience)
        acked, failed = ledger.acked, len(ledger.failed)
        async with self._load():
            for _ in range(rounds):
                await asyncio.sleep(BEFORE_SECONDS)
                began = time.monotonic()
                row.injections += await experiment.harm(self._rig)
                row.harmed += ledger.good_between(began, time.monotonic())
                await self._recover(row)
        verdict = await self._oracle.judge()
        row.acked, row.failed = ledger.acked - acked, ledger.failed[failed:]
        row.verdict = replace(
            verdict,
            events_twice=verdict.events_twice - self._before.events_twice,
            mails_twice=verdict.mails_twice - self._before.mails_twice,
        )
        self._before = verdict
        return row

    @contextlib.asynccontextmanager
    async def _load(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._rig.ledger.run())
            try:
                yield
            finally:
                self._rig.ledger.end()

    async def _recover(self, row: Row) -> None:
        ended, rig = time.monotonic(), self._rig
        waits = [delivered(rig, kind, await waiting(rig, kind)) for kind in (EVENTS, TASKS)]
        async with asyncio.timeout(RECOVERY_SECONDS):
            answers, events, tasks = await asyncio.gather(rig.ledger.good_since(ended), *waits)
        row.answers = max(row.answers, answers - ended)
        row.events = max(row.events, events - ended)
        row.tasks = max(row.tasks, tasks - ended)


def together(rows: Sequence[Row]) -> Row:
    """Return one experiment's trials as one row."""
    return Row(
        rows[0].experiment,
        rows[0].patience,
        sum(row.injections for row in rows),
        sum(row.acked for row in rows),
        [each for row in rows for each in row.failed],
        [each for row in rows for each in row.harmed],
        max(row.answers for row in rows),
        max(row.events for row in rows),
        max(row.tasks for row in rows),
        replace(
            rows[-1].verdict,
            events_twice=sum(row.verdict.events_twice for row in rows),
            mails_twice=sum(row.verdict.mails_twice for row in rows),
        ),
    )


COLUMNS = ("", "experiment", "injections", "acked", "failed", "p99", "lost", "out of order", "twice: events, mails")
TIMES = ("answers", "events", "tasks")


def line(row: Row) -> str:
    """Return a row of the table."""
    told, experiment = row.verdict, row.experiment
    p99 = f"{statistics.quantiles(row.harmed, n=100)[-1] * 1000:.0f} ms" if len(row.harmed) > 1 else "–"
    return (
        f"| {experiment.number} | {experiment.what} | {row.injections} | {row.acked:,} | {len(row.failed):,} | {p99} | "
        f"{len(told.lost) + len(told.invented)} | {told.disorder} | {told.events_twice}, {told.mails_twice} | "
        f"{row.answers:.1f} s | {row.events:.1f} s | {row.tasks:.1f} s |"
    )


def table(rows: Sequence[Row]) -> str:
    """Return the table in Markdown."""
    columns = (*COLUMNS, *TIMES)
    return "\n".join([f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *map(line, rows)])


def write(path: Path, text: str) -> None:
    """Write the text between the two comments of the document."""
    head, _, rest = path.read_text().partition("<!-- table -->\n")
    _, _, tail = rest.partition("<!-- end of the table -->")
    path.write_text(f"{head}<!-- table -->\n{text}\n<!-- end of the table -->{tail}")
