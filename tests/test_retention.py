"""Everything that grows has a limit, and docs/operations.md says which."""

import re
from pathlib import Path

import pytest

from api.features import FEATURES
from api.kernel.context import Context
from worker.main import sweep_inbox, sweep_live
from worker.relay import sweep_published

pytestmark = pytest.mark.case(189)
SWEEPS = {sweep.run.__name__ for feature in FEATURES for sweep in feature.sweeps} | {
    sweep_inbox.__name__,
    sweep_live.__name__,
    sweep_published.__name__,
}


def retention(root: Path) -> dict[str, str]:
    """What docs/operations.md says removes a table's rows."""
    section = (root / "docs/operations.md").read_text().partition("## Retention\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \|[^|]+\| ([^|]+) \|$", section, re.MULTILINE))


async def test_every_table_has_a_line_that_says_what_removes_its_rows(context: Context, root: Path) -> None:
    """C-189: a new table needs one, and a sweep, unless it holds what somebody decides on."""
    rows = await context.db.fetch(
        "select table_name::text from information_schema.tables"
        " where table_schema = 'public' and table_type = 'BASE TABLE'"
    )
    tables = {row[0] for row in rows if "yoyo" not in row[0]}
    assert set(retention(root)) == tables


def test_every_sweep_that_is_named_is_one(root: Path) -> None:
    """C-189."""
    named = {name for removed in retention(root).values() for name in re.findall(r"sweep `(\w+)`", removed)}
    assert named <= SWEEPS
    assert len(named) == 7
