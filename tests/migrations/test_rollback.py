"""C-234: `python -m migrations rollback` in production, and with another database's name."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from migrations.__main__ import migrate
from tests.commands import at_terminal
from tests.migrations.test_migrations import NAMES, applied, environ_of, run

PRODUCTION = {"ENVIRONMENT": "production", "PUBLIC_URL": "https://app.example.com"}


@pytest.mark.case(234)
async def test_a_rollback_in_production_needs_the_databases_name(empty: str, root: Path) -> None:
    assert migrate(empty) == NAMES
    name = urlsplit(empty).path[1:]
    for arguments, told in (
        (["rollback"], "name the database with --database NAME"),
        (["rollback", "--database", "staging"], "the database is not 'staging'; nothing was undone."),
        (["rollback", "--database"], "usage: "),
        (["--database", name], "usage: "),
    ):
        ended = run(root, empty, *arguments, **PRODUCTION)
        assert (ended.returncode, ended.stdout, told in ended.stderr) == (1, "", True), ended.stderr
    own = environ_of(empty) | PRODUCTION
    prompt = f"undoes the newest migration of the production database {name}. Type its name: "
    for typed in ("staging", "", "\x03"):
        status, shown = await at_terminal(own, "migrations", "rollback", answers=[(prompt, typed)])
        assert (status, "taking back" in shown) == (1, False), shown
    assert applied(empty) == NAMES
    status, shown = await at_terminal(own, "migrations", "rollback", answers=[(prompt, name)])
    assert (status, f"taking back {NAMES[-1]}" in shown) == (0, True), shown
    ended = run(root, empty, "rollback", "--database", name, **PRODUCTION)
    assert (ended.returncode, ended.stdout.splitlines()[0]) == (0, f"taking back {NAMES[-2]}")


@pytest.mark.case(234)
def test_another_databases_name_is_refused_in_development_too(empty: str, root: Path) -> None:
    assert migrate(empty) == NAMES
    assert run(root, empty, "rollback", "--database", "staging").returncode == 1
    assert applied(empty) == NAMES
