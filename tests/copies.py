"""A copy of this repository, to modify and run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def copy_to(root: Path, target: Path) -> Path:
    """Copy the files that Git tracks or would add into a repository of their own. Returns `target`. Their bytecode is
    copied too, because compiling all modules again would take longer than most of what is done with a copy."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source = root / name
        if source.is_file():
            compiled = source.parent.glob(f"__pycache__/{source.stem}.*.pyc") if source.suffix == ".py" else ()
            for path in (source, *compiled):
                copied = target / path.relative_to(root)
                copied.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copied)  # with the time of modification, by which Python recognises bytecode
    subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)
    return target


def run(copy: Path, *command: str, status: int = 0, environ: Mapping[str, str] | None = None) -> str:
    """Run `python -m` in the copy and return its output. Raises AssertionError if its status differs."""
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


def check_types(root: Path, copy: Path, *packages: str, status: int = 0) -> str:
    """Run mypy on packages of the copy and return its output. Starts with the results of `make check` for the files
    that are the same, if there are any: mypy compares contents."""
    cache = copy.parent / "mypy"
    if not cache.exists() and (root / ".mypy_cache").exists():
        shutil.copytree(root / ".mypy_cache", cache)
    named = [word for package in packages for word in ("-p", package)]
    return run(copy, "mypy", *named, "--cache-dir", str(cache), status=status)


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
    """Do what `make openapi events` does."""
    for program in (_OPENAPI, _EVENTS):
        subprocess.run([sys.executable, "-c", program], cwd=copy, check=True, timeout=60)
