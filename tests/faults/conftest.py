"""A running system for each file of experiments."""

from collections.abc import AsyncIterator

import pytest

from tests.faults.rig import Rig
from tests.faults.short import PATIENCE
from tests.faults.trial import Trials


@pytest.fixture(scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with Rig(tmp_path_factory.mktemp("faults"), rate=25, seed=1) as started:
        yield started


@pytest.fixture(scope="module")
def trials(rig: Rig) -> Trials:
    return Trials(rig, PATIENCE)
