"""`make run` restarts web and worker after a change of a file, and keeps the services running."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.reload import snapshot
from tests.dev.project import ROOT, Project
from tests.patient import SECONDS


class Reloading:
    """A `python -m dev.reload` in its own folder; its command writes a line to `log` at each start."""

    def __init__(self, folder: Path) -> None:
        (folder / "api").mkdir()
        self.log, self.code = folder / "log", folder / "api" / "code.sh"
        self.code.write_text("echo started >> log; exec sleep 1000")
        self._folder = folder

    def start(self, how: str = "TERM") -> subprocess.Popen[str]:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dev.reload", how, "sh api/code.sh"],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self.process

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def reloading(tmp_path: Path) -> Iterator[Reloading]:
    made = Reloading(tmp_path)
    yield made
    made.stop()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("how", ["TERM", "KILL"])
def test_a_change_restarts_the_command(reloading: Reloading, how: str) -> None:
    reloading.start(how)
    until(lambda: reloading.lines() == ["started"])
    reloading.code.write_text("echo again >> log; exec sleep 1000")
    until(lambda: reloading.lines() == ["started", "again"])
    assert reloading.process.stdout is not None
    assert reloading.process.stdout.readline() == "reloads: api/code.sh\n"
    os.killpg(reloading.process.pid, signal.SIGTERM)
    assert reloading.process.wait(SECONDS) == -signal.SIGTERM


def test_a_failing_command_waits_for_the_next_change(reloading: Reloading) -> None:
    reloading.start()
    until(lambda: reloading.lines() == ["started"])
    reloading.code.write_text("echo broken >> log; exit 1")
    until(lambda: reloading.lines() == ["started", "broken"])
    reloading.code.write_text("echo mended >> log; exec sleep 1000")
    until(lambda: reloading.lines() == ["started", "broken", "mended"])


def test_it_ends_on_sigterm_even_after_its_command_ended(reloading: Reloading) -> None:
    reloading.start()
    until(lambda: reloading.lines() == ["started"])
    reloading.code.write_text("echo broken >> log; exit 3")
    until(lambda: reloading.lines() == ["started", "broken"])
    os.killpg(reloading.process.pid, signal.SIGTERM)
    assert reloading.process.wait(SECONDS) in (3, -signal.SIGTERM)  # it may still be ending


def test_it_ends_with_a_command_that_ends_before_any_change(reloading: Reloading) -> None:
    reloading.code.write_text("exit 7")
    assert reloading.start().wait(SECONDS) == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_like_a_killed_command(reloading: Reloading, number: signal.Signals) -> None:
    reloading.code.write_text(f"kill -{number.value} $$")
    assert reloading.start().wait(SECONDS) == -number


def test_caches_and_backups_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    before = snapshot([tmp_path])
    (tmp_path / "__pycache__").mkdir()
    for name in ("__pycache__/a.pyc", ".a.py.swp", "a.py~"):
        (tmp_path / name).touch()
    assert snapshot([tmp_path]) == before
    (tmp_path / "b.sql").touch()
    assert snapshot([tmp_path]) != before


def test_run_reloads_web_and_keeps_the_services(project: Project) -> None:
    (project.folder / "api").mkdir()
    code = project.folder / "api" / "routes.py"
    code.write_text("one")
    run = project.run().until_ready()

    def pids(word: bytes) -> set[int]:
        found = set()
        for pid in run.family():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                if word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    found.add(pid)
        return found

    web, parts = pids(b"web.py"), pids(b"dev.kafka") | pids(b"dev.mail")
    code.write_text("two")
    until(lambda: pids(b"web.py") and not pids(b"web.py") & web)
    assert pids(b"dev.kafka") | pids(b"dev.mail") == parts
    assert run.stop() == 143
    assert "reloads: api/routes.py" in run.output
