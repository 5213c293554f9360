"""A copy of this repository, to change and to run in."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def copy_to(root: Path, target: Path) -> Path:
    """The files that Git knows or would add, in a repository of their own. Returns `target`."""
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
    subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)
    return target


def run(copy: Path, *command: str, status: int = 0, environ: Mapping[str, str] | None = None) -> str:
    """Run `python -m` in the copy; what it prints. Raises AssertionError where its status is another one."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=copy,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


_OPENAPI = """
import pathlib
from api.features import FEATURES
from api.kernel.contract.openapi import document
pathlib.Path("docs/openapi.json").write_bytes(document(FEATURES))
"""
_EVENTS = """
import pathlib, sys
from api.features import FEATURES
from api.kernel.contract.asyncapi import write
sys.exit("\\n".join(write(FEATURES, pathlib.Path("docs"))) or 0)
"""


def write_snapshots(copy: Path) -> None:
    """What `make openapi events` does."""
    for program in (_OPENAPI, _EVENTS):
        subprocess.run([sys.executable, "-c", program], cwd=copy, check=True, timeout=60)
