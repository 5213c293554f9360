"""Indexes built concurrently, outside of any transaction."""

import psycopg
import pytest

from migrations.__main__ import migrate
from tests.migrations.test_migrations import schema


@pytest.mark.case(188)
def test_an_index_whose_concurrent_build_was_interrupted_is_built_again(empty: str) -> None:
    """C-188: the steps before the interruption stay, and an index may be left invalid."""
    migrate(empty)
    whole = schema(empty)
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("delete from _yoyo_migration where migration_id in ('0019_audit_subjects', '0020_sweeps')")
        connection.execute("drop index audit_entries_second")
    assert migrate(empty) == ["0019_audit_subjects", "0020_sweeps"]
    assert schema(empty) == whole
    with psycopg.connect(empty) as connection:
        assert connection.execute("select indexrelid::regclass from pg_index where not indisvalid").fetchall() == []
