"""Every table has a limit, documented in docs/operations.md."""

import re
from pathlib import Path

import pytest

from api.features import FEATURES
from api.kernel.context import Context
from worker.main import sweep_answers, sweep_inbox, sweep_live
from worker.relay import sweep_published
from worker.schedules import sweeps_of

pytestmark = pytest.mark.case(189)
SWEEPS = {sweep.run.__name__ for feature in FEATURES for sweep in feature.sweeps} | {
    sweep_answers.__name__,
    sweep_inbox.__name__,
    sweep_live.__name__,
    sweep_published.__name__,
    *(sweep.run.__name__ for sweep in sweeps_of([])),
}


def retention(root: Path) -> dict[str, str]:
    """Return the sweeps of each table in docs/operations.md."""
    section = (root / "docs/operations.md").read_text().partition("## Retention\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \|[^|]+\| ([^|]+) \|$", section, re.MULTILINE))


async def test_every_table_documents_the_removal_of_its_rows(context: Context, root: Path) -> None:
    """C-189: by a comment in its migration, `comment on table notes is 'Retention: …'`, or by a row in the manual."""
    rows = await context.db.fetch(
        "select relname::text, coalesce(obj_description(oid, 'pg_class'), '') from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname not like '%yoyo%'"
    )
    commented = {name for name, comment in rows if comment.startswith("Retention: ")}
    documented = set(retention(root))
    missing = {name for name, _ in rows} - commented - documented
    assert not missing, f"write in the migration: comment on table {missing.pop()} is 'Retention: …';"
    assert documented <= {name for name, _ in rows}, "the manual has a row for a table that does not exist"


def test_every_named_sweep_exists(root: Path) -> None:
    """C-189."""
    named = {name for removed in retention(root).values() for name in re.findall(r"sweep `(\w+)`", removed)}
    assert named <= SWEEPS
    assert named
