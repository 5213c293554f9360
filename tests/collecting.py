"""Which tests run, and in what order."""

import gc
from collections import Counter
from collections.abc import Generator

import pytest

LONGEST = (
    "tests/test_example_articles.py",
    "tests/fuzz/test_api.py",
    "tests/test_removal.py",
    "tests/test_walkthrough.py",
    "tests/dev/test_cost.py",
    "tests/deploy/",
    "tests/faults/",
    "tests/fuzz/",
    "tests/dev/",
    "tests/worker/",
    "tests/migrations/",
    "tests/users/test_attacker.py",
    *(f"tests/test_{name}.py" for name in ("slice", "canary", "journey", "any_uid", "server", "pooler")),
)
"""Run first, in this order, so that the workers finish at about the same time."""


def rank(item: pytest.Item) -> int:
    """Return the item's place in LONGEST."""
    return next((place for place, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST))


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
    """Test names are unique, because pytest-xdist distributes tests by name and would run only one of two with the
    same."""
    if hasattr(config, "workerinput"):  # of pytest-xdist
        items.sort(key=rank)
    for item in items:
        label = getattr(item, "operation_label", None)  # of Schemathesis, which gives each operation's test one name
        if label is not None and item.id.params is None:
            item._id = item.id.with_params(label)
    twice = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"duplicate test names: {', '.join(twice)}")
