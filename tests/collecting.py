"""Test names are unique, because pytest-xdist distributes tests by name and would run only one of two with the same."""

import gc
from collections import Counter
from collections.abc import Generator

import pytest

LONG = (
    *(f"tests/{name}" for name in ("deploy/", "faults/", "fuzz/", "worker/", "dev/", "users/test_attacker.py")),
    *(f"tests/test_{name}.py" for name in ("slice", "canary", "walkthrough", "journey", "any_uid", "server", "pooler")),
)
"""Run slow tests first, so that the workers finish at about the same time."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exempt all modules and tests from garbage collection, which would traverse them again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # of pytest-xdist
        items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    for item in items:
        label = getattr(item, "operation_label", None)  # of Schemathesis, which gives each operation's test one name
        if label is not None and item.id.params is None:
            item._id = item.id.with_params(label)
    twice = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"duplicate test names: {', '.join(twice)}")
