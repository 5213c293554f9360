"""What a column, an endpoint and a feature cost: docs/style.md has the rule."""

from pathlib import Path

import pytest

from tests.copies import run
from tests.cost import CHANGES, LIMIT, TESTS, committed, files_of


@pytest.mark.timeout(600)
def test_a_column_touches_few_files_and_the_tests_hold_it(tmp_path: Path, environment: dict[str, str]) -> None:
    """The changes are made in a copy, whose tests must pass with them."""
    parts = ("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL")
    # PostgreSQL is the copy's own, since its schema is another.
    shared = {name: environment[name] for name in parts} | {"DATABASE_URL": ""}
    copy = committed(tmp_path)
    touched = {name: files_of(copy, change, shared) for name, change in CHANGES.items()}
    assert len(touched["a column that clients see"]) <= LIMIT, touched
    assert len(touched["an endpoint"]) <= LIMIT, touched
    run(copy, "pytest", "-q", "-p", "no:cacheprovider", *TESTS, environ=shared)
