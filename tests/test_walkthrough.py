"""The last walkthrough of docs/architecture.md, done to the letter in a copy of this repository."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


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
    text = (root / "docs/architecture.md").read_text("utf-8").partition("## Walkthrough: add a feature")[2]
    blocks = re.findall(r"^\*\*`(.+?)`\*\*\n\n((?:(?:    .*)?\n)+)", text, re.MULTILINE)
    assert len(blocks) == 12
    for name, code in blocks:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(textwrap.dedent(code).strip() + "\n", "utf-8")
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
    (copy / "docs/openapi.json").write_bytes(document)
    tests = ["tests/notes", "tests/test_sql.py", "tests/test_openapi.py"]
    printed = run(copy, "pytest", "-q", "-p", "no:cacheprovider", *tests, **shared)
    assert "passed" in printed
    assert "failed" not in printed


def test_the_copy_passes_the_checks(copy: Path) -> None:
    run(copy, "ruff", "check", "--no-cache", "api/notes", "tests/notes")
    run(copy, "ruff", "format", "--no-cache", "--check", "api/notes", "tests/notes", "api/features.py")
    run(copy, "mypy", "-p", "api.notes", "--cache-dir", str(copy.parent / "mypy"))
