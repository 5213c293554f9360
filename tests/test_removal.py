"""The checklist of docs/architecture.md that removes a feature, run in a copy of this repository."""

import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from api.kernel.context import Context
from tests.copies import copy_to, run, write_snapshots
from tests.worker.jobs import add_tasks

pytestmark = [pytest.mark.case(325), pytest.mark.timeout(400)]
TASK = "notifications.send_notification"


def steps(root: Path) -> list[str]:
    """Return the shell blocks of the checklist."""
    text = (root / "docs/architecture.md").read_text("utf-8").partition("## Walkthrough: remove a feature")[2]
    blocks = re.findall(r"\n\n((?:        .*\n)+)", text)
    return [textwrap.dedent(block).strip() for block in blocks]


@pytest.fixture(scope="module")
def copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy without the feature, after steps 2 and 3."""
    target = copy_to(root, tmp_path_factory.mktemp("removal") / "copy")
    code, manual, snapshots, orphans = steps(root)
    for step in (code, manual):
        subprocess.run(["bash", "-euc", step], cwd=target, check=True, timeout=30)
    assert snapshots.splitlines() == [
        "make openapi events variables api-page",
        "python -m tests.coverage_table",
        "python -m tests.personal_table",
    ]
    assert orphans == f"python -m api.operations orphans discard --type {TASK} --yes"
    return target


def test_no_reference_to_the_feature_remains(copy: Path, environment: dict[str, str]) -> None:
    """In code, SQL, tests, schemas and the manual; the tests that cover all features pass."""
    parts = ("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL")
    shared = {name: environment[name] for name in parts} | {"DATABASE_URL": ""}
    write_snapshots(copy)
    for table in ("coverage_table", "personal_table", "variables_table"):
        run(copy, f"tests.{table}")
    run(copy, "ruff", "check", "--no-cache", "api", "worker", "tests")
    run(copy, "ruff", "format", "--no-cache", "--check", "api/features.py")
    named = re.compile(r"\bnotifications\b")
    # The example, the history, and the page that `make api-page` writes: it lists the loggers of all features.
    told = {"docs/architecture.md", "docs/changelog.md", "docs/api.md", "tests/test_removal.py"}
    left = [
        str(path.relative_to(copy))
        for folder in ("api", "worker", "sql", "tests", "docs")
        for path in (copy / folder).rglob("*")
        if path.is_file() and path.suffix in (".py", ".sql", ".md", ".json", ".yaml")
        if named.search(path.read_text("utf-8"))
    ]
    assert set(left) <= told
    tests = [
        "tests/test_lists.py",
        "tests/test_house.py",
        "tests/test_openapi.py",
        "tests/test_events_docs.py",
        "tests/test_coverage_table.py",
        "tests/test_twice.py",
        "tests/test_access.py::test_every_route_has_its_row",
        "tests/test_sql.py::test_every_file_is_bound_by_exactly_one_signature",
        "tests/worker/test_topics.py",
    ]
    printed = run(copy, "pytest", "-q", "-p", "no:cacheprovider", *tests, environ=shared)
    assert "passed" in printed
    assert "failed" not in printed


async def test_remaining_rows_are_listed_and_discarded(copy: Path, live: Context, environment: dict[str, str]) -> None:
    """The previous release left pending tasks."""
    await add_tasks(live.db, TASK, 3)
    await add_tasks(live.db, "users.send_reset", 1)
    own = environment | {"DATABASE_URL": live.settings.database_url}
    assert f"3  {TASK}: pending, no such task" in run(copy, "api.operations", "orphans", "list", environ=own)
    run(copy, "api.operations", "orphans", "discard", "--type", TASK, "--yes", environ=own)
    left = await live.db.fetch("select task from outbox_tasks")
    assert [row["task"] for row in left] == ["users.send_reset"]
