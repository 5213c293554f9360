"""Time-outs of PostgreSQL and Redis are one minute in the tests' process, and hashing is cheap, as in processes that
tests start with tests/patient.py. The marks `deadlines` and `hashing` restore the production values for a test."""

from collections.abc import Iterator

import pytest

import worker.main
from api.kernel.identity import passwords
from tests.patient import DEADLINES, HASHING, SECONDS

KINDS = {"deadlines": DEADLINES | {(worker.main, "REDIS_SECONDS"): SECONDS}, "hashing": HASHING}
PRODUCTION = {kind: {each: getattr(*each) for each in changed} for kind, changed in KINDS.items()}


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Also applies to fixtures of a module or the session."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            passwords, "_lower_priority", lambda: None
        )  # the lowest priority would wait for all other tests
        for changed in KINDS.values():
            for (module, name), value in changed.items():
                patched.setattr(module, name, value)
        yield


@pytest.fixture(autouse=True)
def production(request: pytest.FixtureRequest, patience: None) -> Iterator[None]:
    """Restore the values that the test's marks name."""
    with pytest.MonkeyPatch.context() as patched:
        for kind, values in PRODUCTION.items():
            if request.node.get_closest_marker(kind):
                for (module, name), value in values.items():
                    patched.setattr(module, name, value)
        yield
