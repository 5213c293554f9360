"""Which tests run, in what order, and which of them measure the coverage of the kernel."""

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
MEASURED = (
    "tests/kernel/",
    "tests/test_server",
    "tests/worker/",
    "tests/plans/",
    "tests/operations/",
    "tests/mails/",
    "tests/personal/",
    "tests/audit/",
    "tests/test_events_docs.py",
    "tests/test_lists.py",
    "tests/users/test_register.py",
    "tests/sessions/test_counting.py",
    "tests/sessions/test_throttling.py",
    "tests/observe/test_scraping.py",
)
"""The tests that measure the coverage. Python's tracer slows down all code by half, also that which is not measured."""


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Pause the measurement of coverage for the tests that are not in MEASURED."""
    plugin = item.config.pluginmanager.getplugin("_cov")
    coverage = plugin.cov_controller if plugin else None
    if coverage and coverage.started != item.nodeid.startswith(MEASURED):
        coverage.pause() if coverage.started else coverage.resume()
    return (yield)
