"""FAIL_AT in a process of this project."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

PASS = "from api.kernel.process.failpoints import passing\nfor point in 'abab':\n    print(point)\n    passing(point)"


def passing(environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Return exit status and output of a process that passes a, b, a, b."""
    command = [sys.executable, "-u", "-c", PASS]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, "".join(ended.stdout.split()), ended.stderr


@pytest.mark.parametrize(("at", "said"), [("a", "a"), ("b", "ab"), ("a:2", "aba"), ("b:2", "abab")])
def test_a_process_kills_itself_at_that_passing_of_the_point(at: str, said: str) -> None:
    assert passing({"FAIL_AT": at, "ENVIRONMENT": "development"})[:2] == (-9, said)


@pytest.mark.parametrize("at", ["", "c", "a:3"])
def test_it_ignores_points_that_are_not_named(at: str) -> None:
    assert passing({"FAIL_AT": at, "ENVIRONMENT": "development"})[:2] == (0, "abab")


@pytest.mark.parametrize("environment", [{}, {"ENVIRONMENT": "production"}])
def test_production_refuses_to_start_with_a_failpoint(environment: dict[str, str]) -> None:
    status, said, error = passing({"FAIL_AT": "a", **environment})
    assert (status, said) == (1, "")
    assert "unset it" in error
