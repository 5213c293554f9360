"""Commands of ours, as an operator runs them: with their output in a pipe, or at a terminal."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from tests.processes import ROOT


async def run(environment: Mapping[str, str], module: str, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.patient", module, *arguments],
        cwd=ROOT,
        env=dict(environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


async def at_terminal(
    environment: Mapping[str, str], module: str, *arguments: str, answers: Sequence[tuple[str, str]] = ()
) -> tuple[int, str]:
    """Exit status, and all that the terminal shows. Each answer is typed once its prompt is there."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(  # noqa: ASYNC220  # it takes no time, and asyncio's has no use for a terminal
        [sys.executable, "-m", "tests.patient", module, *arguments],
        cwd=ROOT,
        env=dict(environment),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_at_a_terminal,
    )
    os.close(theirs)
    try:
        shown = await asyncio.to_thread(_converse, ours, list(answers))
        status = await asyncio.to_thread(child.wait, 60)
    finally:
        child.kill()
        os.close(ours)
    assert "Traceback" not in shown
    return status, shown


def _at_a_terminal() -> None:
    os.close(os.open(os.ttyname(0), os.O_RDWR))  # which makes it the controlling one
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored, where a shell runs these tests in the background


def _converse(terminal: int, answers: list[tuple[str, str]]) -> str:
    shown = b""
    while True:
        try:
            read = os.read(terminal, 1024)
        except OSError:  # how Linux says that nobody holds the other end
            read = b""
        shown += read
        if not read:
            return shown.decode()
        if answers and answers[0][0].encode() in shown:
            os.write(terminal, answers.pop(0)[1].encode() + b"\n")
