"""`python -m dev.quick`: lint, types, and the tests of the changes since the last commit, in about 20 s.

mypy's daemon checks the types; its first run takes half a minute. Tests that do not fit into BUDGET are counted and
left to `make test`."""

import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from dev.part import ROOT

BUDGET = 15.0
"""Seconds for the tests, including the services that they start."""
PROGRAMS = Path(sys.executable).parent
ALWAYS = "tests/test_house.py"


class Budget:
    """Skips the tests that would begin after the deadline."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self.left_out = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> bool | None:
        if time.monotonic() < self._deadline:
            return None
        self.left_out += 1
        return True


def changed(root: Path) -> list[str]:
    """Return the files that differ from the last commit, including new ones. Raises CalledProcessError outside a
    repository."""
    names: list[str] = []
    for command in ("git diff --name-only -z --relative HEAD", "git ls-files --others --exclude-standard -z"):
        done = subprocess.run(command.split(), cwd=root, stdout=subprocess.PIPE, text=True, check=True)
        names += filter(None, done.stdout.split("\0"))
    return names


def nearest_tests(names: Iterable[str], root: Path) -> list[str]:
    """Return the tests of these files, nearest first: for api/users/names.py tests/users/test_names*.py, then all of
    tests/users; for sql/users/ and helpers in tests/users/ all of tests/users."""
    near, far = [ALWAYS], []
    for path in map(Path, names):
        room, *inner = path.parts[:-1] or (".",)
        folder = Path("tests", *inner[:1]) if room in ("api", "sql", "tests") else Path("tests", room)
        if room == "tests" and path.name.startswith("test_") and path.suffix == ".py":
            near.append(str(path))
        elif path.suffix in (".py", ".sql") and (root / folder).is_dir():
            near += sorted(str(test.relative_to(root)) for test in (root / folder).glob(f"test_{path.stem}*.py"))
            if folder != Path("tests"):
                far.append(str(folder))
    return [test for test in dict.fromkeys([*near, *far]) if (root / test).exists()]


def main() -> int:
    started = time.monotonic()
    if any(
        subprocess.call([PROGRAMS / "ruff", *command])
        for command in (["check", "--quiet"], ["format", "--check", "--quiet"])
    ):
        return 1
    types = subprocess.Popen([PROGRAMS / "dmypy", "run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tests = nearest_tests(changed(ROOT), ROOT)
    print("tests:", " ".join(tests), flush=True)
    budget = Budget(BUDGET)
    failed = pytest.main(["--quiet", "--no-header", *tests], plugins=[budget])
    told = types.communicate()[0]
    print(told, end="")
    if budget.left_out:
        print(f"{budget.left_out} tests were not run within {BUDGET:.0f} s: make test ARGS='{' '.join(tests)}'")
    print(f"{time.monotonic() - started:.0f} s")
    return 1 if failed or types.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
