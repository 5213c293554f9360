"""The first half of the short mode of the fault suite; `make faults` is the long one. docs/reliability.md describes
it."""

import pytest

from tests.faults.experiments import Experiment
from tests.faults.rig import Rig
from tests.faults.short import HALVES, name_of, survive
from tests.faults.trial import Trials

pytestmark = pytest.mark.alone


@pytest.mark.timeout(240)
@pytest.mark.parametrize("experiment", HALVES[0], ids=name_of)
async def test_nothing_is_lost_and_the_order_is_kept(experiment: Experiment, trials: Trials, rig: Rig) -> None:
    await survive(experiment, trials, rig)


async def test_afterwards_the_audits_chain_is_valid(rig: Rig) -> None:
    assert await rig.audit() == 0, (rig.folder / "audit.log").read_text()
