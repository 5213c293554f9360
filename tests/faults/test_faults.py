"""The short mode of the fault suite; `make faults` is the long one. docs/reliability.md says what it proves."""

import os
from collections.abc import AsyncIterator

import pytest

from tests.faults.experiments import EXPERIMENTS, Experiment
from tests.faults.rig import Rig
from tests.faults.trial import Trials

# Some five minutes, and two or three of thirty-second leases in each: for whoever asks, until it has run long enough
# elsewhere to be asked of every change.
pytestmark = pytest.mark.skipif("FAULTS" not in os.environ, reason="takes minutes; FAULTS=1 runs it")
SHORT = [experiment for experiment in EXPERIMENTS if experiment.short]


@pytest.fixture(scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with Rig(tmp_path_factory.mktemp("faults"), rate=25, seed=1) as started:
        yield started


@pytest.fixture(scope="module")
def trials(rig: Rig) -> Trials:
    return Trials(rig)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("experiment", SHORT, ids=[f"{each.number} {each.what}" for each in SHORT])
async def test_nothing_is_lost_and_all_stays_in_order(experiment: Experiment, trials: Trials, rig: Rig) -> None:
    row = await trials.run(experiment, experiment.short)
    assert row.faults == []
    assert rig.ledger.broken == []
    assert row.acked > 20
