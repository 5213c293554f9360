"""Every attack of tests/attacks, once, with a test for each."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.attacks.attack import ATTACKS
from tests.attacks.run import Verdict, chosen, run

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Verdict]]:
    with contextlib.closing(run(chosen([]), tmp_path_factory.mktemp("attacks"))) as found:
        yield {verdict.attack.name: verdict for verdict in found}


@pytest.mark.parametrize("name", [attack.name for attack in ATTACKS])
def test_held(verdicts: dict[str, Verdict], name: str) -> None:
    verdict = verdicts[name]
    assert verdict.held, verdict.evidence
    if verdict.evidence.startswith("skipped"):
        pytest.skip(verdict.evidence)
