"""`make faults`: the long mode. Experiments at random, for so many minutes or until 100,000 calls were acknowledged.
The table goes into docs/reliability.md."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.experiments import EXPERIMENTS, Experiment
from tests.faults.rig import Rig
from tests.faults.trial import Row, Trials, table, together, write

ENOUGH = 100_000
RATE = 50.0
DOCUMENT = Path("docs/reliability.md")


async def run(minutes: float, seed: int) -> dict[Experiment, list[Row]]:
    """Every experiment once, in an order of the seed's, and then others. Stops at the first that lost something."""
    rows: dict[Experiment, list[Row]] = {experiment: [] for experiment in EXPERIMENTS}
    ends, chance = time.monotonic() + minutes * 60, random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        async with Rig(Path(folder), RATE, seed) as rig:
            trials, following = Trials(rig), chance.sample(EXPERIMENTS, len(EXPERIMENTS))
            while time.monotonic() < ends and rig.ledger.acked < ENOUGH:
                experiment = following.pop() if following else chance.choice(EXPERIMENTS)
                row = await trials.run(experiment, 1)
                rows[experiment].append(row)
                found = [*row.faults, *rig.ledger.broken]
                sys.stdout.write("\n    ".join([table([row]).splitlines()[-1], *found]) + "\n")
                sys.stdout.flush()
                if found:
                    break
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rows = asyncio.run(run(asked.minutes, asked.seed))
    found = [together(each) for each in rows.values() if each]
    acked, injections = sum(row.acked for row in found), sum(row.injections for row in found)
    told = f"{acked:,} calls acknowledged, {injections} injections, {RATE:.0f} calls a second, seed {asked.seed}."
    write(DOCUMENT, f"{told}\n\n{table(found)}")
    sys.exit(any(row.faults for row in found))


if __name__ == "__main__":
    main()
