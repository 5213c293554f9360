"""`make faults`: the long mode: random experiments for the given minutes. Writes the table into docs/reliability.md."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.experiments import EXPERIMENTS, Experiment
from tests.faults.rig import Rig
from tests.faults.soak import Soak
from tests.faults.trial import Row, Trials, ends, explained, line, table, together, write

RATE = 120.0
SOAK = 1 / 3
DOCUMENT = Path("docs/reliability.md")


class Run:
    """Runs every experiment once, in an order that depends on the seed, then random ones; in the last part of the time
    only those that keep web and worker alive, to measure their memory. Stops at the first fault."""

    def __init__(self, rig: Rig, minutes: float, seed: int) -> None:
        self.rows: dict[Experiment, list[Row]] = {experiment: [] for experiment in EXPERIMENTS}
        self.soak = Soak(rig)
        self.bad = False
        self.minutes = 0.0
        self._rig, self._trials, self._chance = rig, Trials(rig, patience=1), random.Random(seed)
        self._began, self._seconds = time.monotonic(), minutes * 60
        self._following = self._chance.sample(EXPERIMENTS, len(EXPERIMENTS))
        self._gentle: list[Experiment] = []

    async def run(self) -> None:
        while (elapsed := time.monotonic() - self._began) < self._seconds:
            with explained(self._rig):
                row = await self._trials.run(self._next(elapsed / self._seconds), 1)
            self.rows[row.experiment].append(row)
            if await self.soak.look():
                self._gentle.append(row.experiment)
            faults = [*row.faults, *self._rig.ledger.broken]
            self.bad = self.bad or bool(faults or row.late)
            self._tell(line(row), *faults, *row.late)
            if faults:
                self._tell(*ends(self._rig))
                break
        self.minutes = (time.monotonic() - self._began) / 60

    def _next(self, part: float) -> Experiment:
        if self._following:
            return self._following.pop()
        return self._chance.choice(self._gentle if self._gentle and part > 1 - SOAK else EXPERIMENTS)

    def _tell(self, *lines: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        told = "\n      ".join(lines)
        sys.stdout.write(f"{minutes:2}:{seconds:02} {self._rig.ledger.acked:,} acked {told}\n")
        sys.stdout.flush()


async def run(minutes: float, seed: int) -> bool:
    """Return whether there was a fault."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        async with Rig(Path(folder), RATE, seed) as rig:
            long = Run(rig, minutes, seed)
            await long.run()
            whole = await rig.audit() == 0
    found = [together(rows) for rows in long.rows.values() if rows]
    acked, injections = sum(row.acked for row in found), sum(row.injections for row in found)
    told = f"{acked:,} calls acknowledged in {long.minutes:.0f} minutes, {injections} injections, seed {seed}."
    soak = f"{long.soak.told()} The audit's chain is {'whole' if whole else 'broken'}."
    sys.stdout.write(f"{told} {soak}\n")
    write(DOCUMENT, f"{told} {soak}\n\n{table(found)}")
    return long.bad or not whole


def main() -> None:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    sys.exit(asyncio.run(run(asked.minutes, asked.seed)))


if __name__ == "__main__":
    main()
