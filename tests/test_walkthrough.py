"""The last walkthrough of docs/architecture.md, done to the letter in a copy of this repository, then `make new`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.new import NewError, mounted, singular, walkthrough, write


@pytest.fixture(scope="module")
def copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository's files, those of the walkthrough, and the snapshot that `make openapi` would write."""
    target = tmp_path_factory.mktemp("walkthrough") / "copy"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((root / name).read_bytes())
    files = walkthrough(root)
    assert len(files) == 12
    for name, code in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(code, "utf-8")
    run(target, "dev.new", "blog_entries")
    return target


def run(copy: Path, *command: str, **environ: str) -> str:
    """What a command of the copy's prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=copy,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_feature_is_served_and_keeps_every_rule(copy: Path, environment: dict[str, str]) -> None:
    """Its own test calls it over HTTP; the contract tests hold its SQL, its events and its document."""
    parts = ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL")
    # A stack of the copy's own but for what costs time to start: PostgreSQL must be its own, the schema is another.
    shared = {name: environment[name] for name in parts if name != "DATABASE_URL"} | {"DATABASE_URL": ""}
    document = subprocess.run(
        [
            sys.executable,
            "-c",
            "from api.features import FEATURES; from api.kernel.contract.openapi import document; "
            "print(document(FEATURES).decode(), end='')",
        ],
        cwd=copy,
        capture_output=True,
        check=True,
    ).stdout
    assert b'"operationId": "writeNote"' in document
    assert b'"operationId": "writeBlogEntry"' in document
    (copy / "docs/openapi.json").write_bytes(document)
    tests = ["tests/notes", "tests/blog_entries", "tests/test_sql.py", "tests/test_openapi.py"]
    printed = run(copy, "pytest", "-q", "-p", "no:cacheprovider", *tests, **shared)
    assert "passed" in printed
    assert "failed" not in printed


def test_the_copy_passes_the_checks(copy: Path) -> None:
    folders = ["api/notes", "tests/notes", "api/blog_entries", "tests/blog_entries"]
    run(copy, "ruff", "check", "--no-cache", *folders)
    run(copy, "ruff", "format", "--no-cache", "--check", *folders, "api/features.py")
    run(copy, "mypy", "-p", "api.notes", "-p", "api.blog_entries", "--cache-dir", str(copy.parent / "mypy"))


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
        ("sheep", "name it with ONE="),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_and_nothing_is_written(root: Path, feature: str, message: str) -> None:
    before = (root / "api/features.py").read_text()
    with pytest.raises(NewError, match=message):
        write(root, feature)
    assert (root / "api/features.py").read_text() == before


@pytest.mark.parametrize(
    ("plural", "one"),
    [("articles", "article"), ("stories", "story"), ("boxes", "box"), ("matches", "match"), ("classes", "class")],
)
def test_the_singular_of_a_regular_plural_is_known(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_the_list_of_features_stays_as_the_formatter_writes_it() -> None:
    listed = '"""Doc."""\n\nfrom api import audit, users\n\nFEATURES = (users.feature, audit.feature)\n'
    assert mounted(listed, "notes") == (
        '"""Doc."""\n\nfrom api import audit, notes, users\n\n'
        "FEATURES = (users.feature, audit.feature, notes.feature)\n"
    )
    with pytest.raises(NewError, match="by hand"):
        mounted("FEATURES = tuple(found())\n", "notes")
