"""docs/examples/articles, mounted in a copy of this repository as its README describes: without edits except in
api/features.py and generated files. Runs the example's own tests and those that cover all features."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev.new import mounted
from tests.copies import check_types, copy_to, run, write_snapshots

EXAMPLE = "docs/examples/articles"
PARTS = ("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL")
OVER_EVERY_FEATURE = [
    "tests/test_access.py",
    "tests/test_api_page.py",
    "tests/test_events_docs.py",
    "tests/personal/test_document.py",
    "tests/personal/test_tables.py",
    "tests/test_house.py",
    "tests/test_lists.py",
    "tests/test_openapi.py",
    "tests/test_retention.py",
    "tests/test_routes_read.py",
    "tests/test_sql.py",
    "tests/test_twice.py",
]


@pytest.fixture(scope="module")
def copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the copy, with the example added by the README's command and line."""
    target = copy_to(root, tmp_path_factory.mktemp("example") / "copy")
    readme = (root / EXAMPLE / "README.md").read_text("utf-8")
    [command] = re.findall(r"^    (cp -r .+)$", readme, re.MULTILINE)
    subprocess.run(["bash", "-c", command], cwd=target, check=True)
    features = target / "api/features.py"
    features.write_text(mounted(features.read_text("utf-8"), "articles"), "utf-8")
    return target


def test_the_example_adds_files_and_replaces_none(root: Path) -> None:
    """No file of the kernel, of another feature or of the tests changes."""
    files = [path.relative_to(root / EXAMPLE) for path in (root / EXAMPLE).rglob("*") if path.is_file()]
    assert len(files) > 60
    replaced = {str(path) for path in files if (root / path).exists() and path.parent.name != "__pycache__"}
    assert replaced == {"README.md"}, "the README's command does not copy this file"


@pytest.mark.timeout(400)
def test_the_example_passes_its_tests_and_those_of_all_features(copy: Path, environment: dict[str, str]) -> None:
    # The copy has its own PostgreSQL, because its schema differs, and shares the services that are slow to start.
    parts = {name: environment[name] for name in PARTS} | {"DATABASE_URL": ""}
    write_snapshots(copy)
    run(copy, "tests.personal_table")
    run(copy, "tests.variables_table")
    run(copy, "tests.api_page", environ=parts)
    printed = run(copy, "pytest", "-q", "-p", "no:cacheprovider", "tests/articles", *OVER_EVERY_FEATURE, environ=parts)
    assert "passed" in printed
    assert "failed" not in printed


@pytest.mark.timeout(400)
def test_the_example_passes_the_checks(root: Path, copy: Path) -> None:
    run(copy, "ruff", "check", "--no-cache", "api", "tests/articles")
    run(copy, "ruff", "format", "--no-cache", "--check", "api", "tests/articles")
    check_types(root, copy, "api.articles", "tests.articles")
    lint = Path(sys.executable).with_name("lint-imports")
    linted = subprocess.run([lint, "--no-cache"], cwd=copy, capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout
