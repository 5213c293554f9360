"""The short mode of the fault suite; `make faults` is the long one. docs/reliability.md describes it."""

from collections.abc import AsyncIterator

import pytest

from tests.faults.experiments import EXPERIMENTS, Experiment
from tests.faults.rig import Rig
from tests.faults.trial import Trials, explained

pytestmark = pytest.mark.alone
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


@pytest.fixture(scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with Rig(tmp_path_factory.mktemp("faults"), rate=25, seed=1) as started:
        yield started


@pytest.fixture(scope="module")
def trials(rig: Rig) -> Trials:
    return Trials(rig, PATIENCE)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("experiment", SHORT, ids=[f"{each.number} {each.what}" for each in SHORT])
async def test_nothing_is_lost_and_the_order_is_kept(experiment: Experiment, trials: Trials, rig: Rig) -> None:
    with explained(rig):
        row = await trials.run(experiment, experiment.short)
        assert [*row.faults, *row.late, *rig.ledger.broken] == []
        assert row.acked > 20


async def test_afterwards_the_audits_chain_is_valid(rig: Rig) -> None:
    assert await rig.audit() == 0, (rig.folder / "audit.log").read_text()
