"""One experiment from its first call to its verdict, as a row of the table."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.experiments import Experiment
from tests.faults.oracle import Oracle, Verdict, drained, waiting
from tests.faults.rig import Rig

RECOVERY_SECONDS = 60.0
BEFORE_SECONDS = 1.0


@dataclass
class Row:
    """What came of an experiment; the seconds are the longest of its rounds, from the end of the harm."""

    experiment: Experiment
    injections: int = 0
    acked: int = 0
    answers: float = 0
    """Until the first of 20 good calls."""
    delivered: float = 0
    """Until what waited in the outbox then had arrived."""
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def faults(self) -> list[str]:
        """What must not be."""
        told = self.verdict
        disorder = [f"{told.disorder} keys out of order"] if told.disorder else []
        return [*(f"lost: {each}" for each in told.lost), *(f"invented: {each}" for each in told.invented), *disorder]


class Trials:
    """Experiments one after the other with one rig; the verdict is on everything since the first."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._oracle = Oracle(rig)
        self._before = Verdict()

    async def run(self, experiment: Experiment, rounds: int) -> Row:
        row, acked = Row(experiment), self._rig.ledger.acked
        async with self._load():
            for _ in range(rounds):
                await asyncio.sleep(BEFORE_SECONDS)
                row.injections += await experiment.harm(self._rig)
                await self._recover(row)
        verdict = await self._oracle.judge()
        row.acked = self._rig.ledger.acked - acked
        row.verdict = Verdict(
            verdict.lost,
            verdict.invented,
            verdict.disorder,
            verdict.events_twice - self._before.events_twice,
            verdict.mails_twice - self._before.mails_twice,
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
        ended = time.monotonic()
        ids = await waiting(self._rig)
        async with asyncio.timeout(RECOVERY_SECONDS):
            answers, delivered = await asyncio.gather(self._rig.ledger.good_since(ended), drained(self._rig, ids))
        row.answers = max(row.answers, answers - ended)
        row.delivered = max(row.delivered, delivered - ended)


def together(rows: Sequence[Row]) -> Row:
    """One experiment's trials as one row."""
    told = [row.verdict for row in rows]
    return Row(
        rows[0].experiment,
        sum(row.injections for row in rows),
        sum(row.acked for row in rows),
        max(row.answers for row in rows),
        max(row.delivered for row in rows),
        Verdict(
            told[-1].lost,
            told[-1].invented,
            told[-1].disorder,
            sum(each.events_twice for each in told),
            sum(each.mails_twice for each in told),
        ),
    )


def table(rows: Sequence[Row]) -> str:
    """In Markdown."""
    lines = [
        "| | experiment | injections | acked | lost | out of order | twice: events, mails | answers | delivered |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        told = row.verdict
        lost = len(told.lost) + len(told.invented)
        lines.append(
            f"| {row.experiment.number} | {row.experiment.what} | {row.injections} | {row.acked:,} | {lost} | "
            f"{told.disorder} | {told.events_twice}, {told.mails_twice} | {row.answers:.1f} s | {row.delivered:.1f} s |"
        )
    return "\n".join(lines)


def write(path: Path, text: str) -> None:
    """Between the two comments of the document."""
    head, _, rest = path.read_text().partition("<!-- table -->\n")
    _, _, tail = rest.partition("<!-- end of the table -->")
    path.write_text(f"{head}<!-- table -->\n{text}\n<!-- end of the table -->{tail}")
