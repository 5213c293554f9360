"""Each test has a name of its own, by which pytest-xdist gives it to one of its workers: of two with one name it would
run one."""

from collections import Counter

import pytest

LONG = (
    *(f"tests/{name}" for name in ("deploy/", "faults/", "fuzz/", "worker/", "dev/", "users/test_attacker.py")),
    *(f"tests/test_{name}.py" for name in ("slice", "canary", "walkthrough", "journey", "any_uid", "server", "pooler")),
)
"""What takes long comes first, so that the workers end together."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # of pytest-xdist
        items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    for item in items:
        label = getattr(item, "operation_label", None)  # of Schemathesis, which gives each operation's test one name
        if label is not None and item.id.params is None:
            item._id = item.id.with_params(label)
    twice = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"several tests have one name: {', '.join(twice)}")
