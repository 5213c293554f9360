"""The digest of each applied file, in the comment of yoyo's log: it names a file that was edited after it was applied.
yoyo itself remembers the name alone, and never applies the edit."""

import hashlib
from pathlib import Path
from typing import Any


def digest(file: Path) -> str:
    """SHA-256 of the statements. Comments and blank lines may change."""
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    return hashlib.sha256("\n".join(line for line in lines if line and not line.startswith("--")).encode()).hexdigest()


def note(backend: Any, migration: Any) -> None:
    """Remember the file as it is, in the transaction that applies it."""
    values = {"digest": digest(Path(migration.path)), "id": migration.id}
    backend.execute("update _yoyo_log set comment = :digest where migration_id = :id and operation = 'apply'", values)


def edited(backend: Any, applied: list[Any]) -> list[str]:
    """The names of applied files whose statements have changed. Those applied by releases that kept no digest pass."""
    rows = backend.execute("select migration_id, comment from _yoyo_log where operation = 'apply'").fetchall()
    noted = {id: comment for id, comment in rows if comment}
    return [
        Path(migration.path).name
        for migration in reversed(applied)
        if noted.get(migration.id, "") not in ("", digest(Path(migration.path)))
    ]
