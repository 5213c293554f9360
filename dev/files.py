"""Atomic writes of private files."""

import os
import secrets
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` atomically, readable only by the owner (mode 0600)."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    unfinished.replace(path)


def kept_secret(path: Path) -> str:
    """Return the secret in `path`, 64 hexadecimal digits. Created on the first call."""
    if not path.exists():
        write_whole(path, secrets.token_hex(32).encode())
    return path.read_text()
