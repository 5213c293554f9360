"""The Makefile recreates an unusable virtual environment."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dev.project import ROOT

STAMP = ".venv/.from-lock"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A Makefile with a lock file, and a virtual environment installed from it."""
    shutil.copy2(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements-dev.txt").touch()
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (programs / "python").chmod(0o755)
    (tmp_path / STAMP).touch()
    return tmp_path


def installs(checkout: Path) -> bool:
    """Return whether `make` would install the lock file, by a dry run."""
    plan = subprocess.run(["make", "--dry-run", STAMP], cwd=checkout, capture_output=True, text=True, check=True).stdout
    return "uv pip sync" in plan


def test_an_installed_environment_is_kept(checkout: Path) -> None:
    assert not installs(checkout)


def test_an_environment_with_a_replaced_python_is_recreated(checkout: Path) -> None:
    python = checkout / ".venv/bin/python"
    python.unlink()
    python.symlink_to(checkout / "removed/python3.10")
    assert installs(checkout)


def test_an_environment_without_its_packages_is_recreated(checkout: Path) -> None:
    # As after an update of the system's Python from 3.11 to 3.12, which has another folder of packages.
    (checkout / ".venv/bin/python").write_text("#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    assert installs(checkout)


def test_an_interrupted_installation_is_removed_first(checkout: Path) -> None:
    (checkout / STAMP).unlink()
    left = checkout / ".venv/half-installed"
    left.touch()
    # Stops after the recipe's first lines: this Python cannot create a virtual environment.
    said = make_with(checkout, '[ "$1" = -m ] && { echo "No space left on device" >&2; exit 1; }')
    assert not left.exists()
    assert "No space left on device" in said
    assert "has no venv module" not in said, "the failure is reported alone"


def test_a_python_without_its_venv_module_is_named_with_the_package(checkout: Path) -> None:
    """C-337."""
    (checkout / STAMP).unlink()
    assert "has no venv module (Debian: apt-get install python3-venv)" in make_with(
        checkout, 'case "$2" in *ensurepip*) exit 1;; esac'
    )


def make_with(checkout: Path, first: str) -> str:
    """Return `make`'s standard error with a Python that runs this line of shell first."""
    python = checkout / "python"
    python.write_text(f'#!/bin/sh\n{first}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    command = ["make", f"PYTHON={python}", STAMP]
    made = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    return made.stderr
