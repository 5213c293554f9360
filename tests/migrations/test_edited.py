"""A migration that was edited after it was applied is reported, because the edit would never be applied."""

from pathlib import Path

import psycopg
import pytest

from migrations.__main__ import MigrationError, migrate

FIRST, SECOND = "create table a (id int);", "create table b (id int);"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, table, statement in (("0001_a", "a", FIRST), ("0002_b", "b", SECOND)):
        (tmp_path / f"{name}.sql").write_text(statement)
        (tmp_path / f"{name}.rollback.sql").write_text(f"drop table {table};")
    return tmp_path


def test_an_edited_migration_is_named_until_the_edit_is_undone(empty: str, folder: Path) -> None:
    migrate(empty, folder)
    (folder / "0001_a.sql").write_text("create table a (id bigint);")
    with pytest.raises(MigrationError, match=r"^migrations/0001_a\.sql was edited after it was applied") as refused:
        migrate(empty, folder)
    assert "make reset" in str(refused.value)
    (folder / "0001_a.sql").write_text(FIRST)
    assert migrate(empty, folder) == []


def test_comments_may_change(empty: str, folder: Path) -> None:
    migrate(empty, folder)
    (folder / "0001_a.sql").write_text(f"-- Why this table is here.\n\n{FIRST}\n")
    assert migrate(empty, folder) == []


def test_a_rolled_back_migration_may_be_edited(empty: str, folder: Path) -> None:
    migrate(empty, folder)
    migrate(empty, folder, back=True)
    (folder / "0002_b.sql").write_text("create table b (id bigint);")
    assert migrate(empty, folder) == ["0002_b"]
    assert migrate(empty, folder) == []


def test_migrations_applied_without_digests_pass(empty: str, folder: Path) -> None:
    migrate(empty, folder)
    with psycopg.connect(empty) as connection:
        connection.execute("update _yoyo_log set comment = null")
    (folder / "0001_a.sql").write_text("create table a (id bigint);")
    assert migrate(empty, folder) == []
