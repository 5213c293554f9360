"""`make quick` runs the tests of the changed files."""

import subprocess
import sys
from pathlib import Path

import pytest

from dev.quick import ALWAYS, changed, nearest_tests
from tests.dev.project import ROOT


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("api/users/names.py", ["tests/users/test_names.py", "tests/users"]),
        ("api/kernel/http/paging.py", ["tests/kernel/test_paging.py", "tests/kernel"]),
        ("api/superuser.py", ["tests/test_superuser.py"]),
        ("sql/users/insert.sql", ["tests/users"]),
        ("worker/relay.py", ["tests/worker/test_relay.py", "tests/worker"]),
        ("migrations/0002_users.sql", ["tests/migrations"]),
        ("dev/reload.py", ["tests/dev/test_reload.py", "tests/dev"]),
        ("tests/test_sql.py", ["tests/test_sql.py"]),
        ("tests/users/people.py", ["tests/users"]),
        ("tests/users/test_gone.py", []),
        ("README.md", []),
    ],
)
def test_the_nearest_tests_come_first(name: str, expected: list[str]) -> None:
    assert nearest_tests([name], ROOT) == [ALWAYS, *expected]


def test_edited_and_new_files_have_changed(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        subprocess.run(["git", *author, *arguments], cwd=tmp_path, check=True, capture_output=True)

    for name in ("kept.py", "edited.py", "removed.py", ".gitignore"):
        (tmp_path / name).write_text("ignored.py\n")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    (tmp_path / "edited.py").write_text("2")
    (tmp_path / "removed.py").unlink()
    for name in ("new.py", "ignored.py"):
        (tmp_path / name).touch()
    assert changed(tmp_path) == ["edited.py", "removed.py", "new.py"]


def test_skipped_tests_are_counted(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_one(): pass\ndef test_two(): pass\n")
    program = (
        "import pytest; from dev.quick import Budget; budget = Budget(0.0);"
        "pytest.main(['--quiet', 'test_it.py'], plugins=[budget]); print(budget.left_out)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "2", done.stdout + done.stderr
