"""The cost of a column, an endpoint and a feature; the rule is in docs/style.md."""

from pathlib import Path

import pytest

from tests.copies import run
from tests.cost import CHANGES, LIMIT, TESTS, committed, files_of


@pytest.mark.timeout(600)
def test_a_column_changes_few_files_and_the_tests_pass(tmp_path: Path, environment: dict[str, str]) -> None:
    """Makes the changes in a copy and runs its tests."""
    parts = ("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL")
    # The copy has its own PostgreSQL, because its schema differs.
    shared = {name: environment[name] for name in parts} | {"DATABASE_URL": ""}
    copy = committed(tmp_path)
    touched = {name: files_of(copy, change, shared) for name, change in CHANGES.items()}
    assert len(touched["a column that clients see"]) <= LIMIT, touched
    assert len(touched["an endpoint"]) <= LIMIT, touched
    run(copy, "pytest", "-q", "-p", "no:cacheprovider", *TESTS, environ=shared)
