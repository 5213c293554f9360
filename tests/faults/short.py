"""The experiments of the short mode, in two halves that run side by side: they wait more than they work."""

from tests.faults.experiments import EXPERIMENTS, Experiment
from tests.faults.rig import Rig
from tests.faults.trial import Trials, explained

PATIENCE = 3
"""Limits for a machine that runs other programs, too."""
LEASES = [each for each in EXPERIMENTS if each.number in ("F-4", "F-5", "F-11", "F-12")]


async def expire_leases(rig: Rig) -> int:
    """Experiments whose tasks wait for the end of their lease, run together so that they wait once."""
    return sum([await each.harm(rig) for each in reversed(LEASES)])


SHORT = [
    Experiment(", ".join(each.number for each in LEASES), "tasks wait for their lease", expire_leases, 1),
    *(each for each in EXPERIMENTS if each.short and each not in LEASES),
]
HALF = 5
HALVES = SHORT[:HALF], SHORT[HALF:]
"""The first half has fewer, because tasks wait half a minute for their lease."""


def name_of(experiment: Experiment) -> str:
    return f"{experiment.number} {experiment.what}"


async def survive(experiment: Experiment, trials: Trials, rig: Rig) -> None:
    """Run the experiment. Raises AssertionError if something was lost, out of order or late."""
    with explained(rig):
        row = await trials.run(experiment, experiment.short)
        assert [*row.faults, *row.late, *rig.ledger.broken] == []
        assert row.acked > 20
