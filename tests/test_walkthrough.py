"""The last walkthrough of docs/architecture.md, run in a copy of this repository, then `make new`."""

import re
from pathlib import Path

import pytest

from dev.new import NewError, mounted, singular, walkthrough, write
from tests.copies import check_types, copy_to, run, write_snapshots

PACKAGES = ("api.notes", "api.blog_entries")


@pytest.fixture(scope="module")
def copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return this repository's files, those of the walkthrough, and the snapshot that `make openapi` would write."""
    target = copy_to(root, tmp_path_factory.mktemp("walkthrough") / "copy")
    files = walkthrough(root)
    assert len(files) == 15
    for name, code in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(code, "utf-8")
    run(target, "dev.new", "blog_entries")
    return target


@pytest.mark.timeout(400)
def test_the_feature_is_served_and_follows_all_rules(copy: Path, environment: dict[str, str]) -> None:
    """Its own test calls it over HTTP; the tests that cover all features find its cases in its folder."""
    parts = ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL")
    # The copy shares the services that are slow to start. PostgreSQL is its own, because the schema differs.
    shared = {name: environment[name] for name in parts if name != "DATABASE_URL"} | {"DATABASE_URL": ""}
    write_snapshots(copy)
    run(copy, "tests.api_page", environ=shared)
    assert '"operationId":"writeNote"' in (copy / "docs/openapi.json").read_text().replace(" ", "")
    assert '"operationId":"writeBlogEntry"' in (copy / "docs/openapi.json").read_text().replace(" ", "")
    assert "### `POST /notes`" in (copy / "docs/api.md").read_text()
    tests = [
        "tests/notes",
        "tests/blog_entries",
        "tests/test_retention.py",
        "tests/personal/test_tables.py",
        "tests/test_openapi.py",
        "tests/test_events_docs.py",
        "tests/test_lists.py",
        "tests/test_house.py",
        "tests/test_access.py::test_every_route_has_its_row",
        "tests/test_access.py::test_access_table[anonymous]",
        "tests/test_routes_read.py::test_every_get_is_answered_in_a_read_only_transaction[GET /notes]",
        "tests/test_sql.py::test_every_file_is_bound_by_exactly_one_signature",
        "tests/test_sql.py::test_a_statement_fits_its_signature[notes.insert]",
        "tests/test_sql.py::test_a_statement_fits_its_signature[notes.list_mine]",
        "tests/test_sql.py::test_a_statement_fits_its_signature[blog_entries.list_mine]",
    ]
    printed = run(copy, "pytest", "-q", "-p", "no:cacheprovider", *tests, environ=shared)
    assert "passed" in printed
    assert "failed" not in printed


@pytest.mark.timeout(300)
def test_the_copy_passes_the_checks(root: Path, copy: Path) -> None:
    folders = ["api/notes", "tests/notes", "api/blog_entries", "tests/blog_entries"]
    run(copy, "ruff", "check", "--no-cache", *folders)
    run(copy, "ruff", "format", "--no-cache", "--check", *folders, "api/features.py")
    check_types(root, copy, *PACKAGES)


@pytest.mark.timeout(300)
def test_the_type_checker_refuses_writes_outside_of_the_transaction(root: Path, copy: Path) -> None:
    """C-320: an event, a task and a row, each on `context.db` inside the block."""
    handlers = (copy / "api/notes/routes.py").read_text()
    wrong = handlers.replace("queries.insert(db,", "queries.insert(context.db,").replace(
        "record(db,", "record(context.db,"
    )
    wrong += (
        "\n\nasync def remind(context: Context, tell: Task[Note], note: Note) -> None:"
        "\n    await tell.defer(context.db, note)\n"
    )
    mistakes = copy / "api/notes/mistakes.py"
    mistakes.write_text(wrong.replace("import Context, ", "import Context, Task, "))
    try:
        told = check_types(root, copy, *PACKAGES, status=1)
    finally:
        mistakes.unlink()
    expected = 'has incompatible type "Database"; expected "Transaction"  [arg-type]'
    for name in ("insert", "record", "defer"):
        assert re.search(rf'mistakes\.py:\d+: error: Argument 1 to "{name}".* {re.escape(expected)}', told), told
    assert "Found 3 errors in 1 file" in told


def test_a_new_feature_has_the_next_migration(copy: Path) -> None:
    assert "create table blog_entries" in (copy / "migrations/0901_blog_entries.sql").read_text()
    assert (copy / "migrations/0901_blog_entries.rollback.sql").read_text() == "drop table blog_entries;\n"


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ("Articles", "use a plural noun in lower case"),
        ("2fa", "use a plural noun in lower case"),
        ("../x", "use a plural noun in lower case"),
        ("users", "api/users exists"),
        ("kernel", "api/kernel exists"),
        ("sheep", "set it with ONE="),
    ],
)
def test_an_invalid_name_is_refused_and_nothing_is_written(root: Path, feature: str, message: str) -> None:
    before = (root / "api/features.py").read_text()
    with pytest.raises(NewError, match=message):
        write(root, feature)
    assert (root / "api/features.py").read_text() == before


@pytest.mark.parametrize(
    ("plural", "one"),
    [("articles", "article"), ("stories", "story"), ("boxes", "box"), ("matches", "match"), ("classes", "class")],
)
def test_the_singular_of_a_regular_plural_is_found(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_the_list_of_features_keeps_the_formatters_style() -> None:
    listed = '"""Doc."""\n\nfrom api import audit, users\n\nFEATURES = (users.feature, audit.feature)\n'
    assert mounted(listed, "notes") == (
        '"""Doc."""\n\nfrom api import audit, notes, users\n\n'
        "FEATURES = (users.feature, audit.feature, notes.feature)\n"
    )
    with pytest.raises(NewError, match="by hand"):
        mounted("FEATURES = tuple(found())\n", "notes")
