"""The demo accounts of `make run`: a superuser and thirty others, created once in an empty embedded database.

The password is derived from the secret key of the data folder: it is random, and the same if a start was interrupted.
It is in demo.json, for the banner and for scripts."""

import base64
import hmac
import json
import os
import sys
from pathlib import Path

import msgspec

from dev.files import kept_secret, write_whole
from dev.part import Part, StackError

EMAIL = "admin@example.com"
"""The superuser's address, the first in demo.csv."""


class Demo(msgspec.Struct, frozen=True):
    """The superuser's address, and the password of all demo accounts."""

    email: str
    password: str


def prepare(data_dir: Path, env: dict[str, str]) -> Demo | None:
    """Return the demo accounts of the data folder, created at the first start. None outside of development, with a
    database of the caller's own, and where the first start found other accounts."""
    if os.environ.get("DATABASE_URL") or env["ENVIRONMENT"] != "development":
        return None
    path = data_dir / "demo.json"
    if not path.exists():
        part = Part(
            "demo",
            [sys.executable, "-m", "dev.demo_accounts", path.resolve()],
            data_dir / "logs",
            env=env,
            cwd=Path.cwd(),
        )
        try:
            part.finish()
        except StackError:
            print(f"The demo accounts were not created; the reason is in {part.log}.", flush=True)
            return None
    return msgspec.json.decode(path.read_bytes(), type=Demo | None)


def password(data_dir: Path) -> str:
    """Return the password of the data folder's demo accounts: 100 random bits in four groups."""
    digest = hmac.digest(kept_secret(data_dir / "secret_key").encode(), b"demo accounts", "sha256")
    letters = base64.b32encode(digest).decode().lower()[:20]
    return "-".join(letters[start : start + 5] for start in range(0, 20, 5))


def remember(path: Path, demo: Demo | None) -> None:
    """Write demo.json; null if the database belongs to other accounts."""
    write_whole(path, json.dumps(demo and msgspec.to_builtins(demo), indent=2).encode() + b"\n")
