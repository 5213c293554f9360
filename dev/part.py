"""One program of the stack: starting it with its own log, waiting for it, stopping it.

A part never outlives the process that started it, even if that process is killed with SIGKILL: the kernel then signals
it (PR_SET_PDEATHSIG, set by `setpriv`)."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # the working directory of `python -m dev.…`
START_SECONDS = 30.0
STOP_SECONDS = 4.0
POLL_SECONDS = 0.01


class StackError(Exception):
    """The stack cannot start, or had to stop. The message is shown in the terminal."""


class Part:
    """A running program, its name and its log file. The constructor starts it.

    `ready` is a pattern of the log line that reports readiness, `privileges` a command that runs the program,
    `stop_signal` the signal that ends it. The kernel ties a program to the *thread* that starts it: start parts from
    the main thread."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        logs: Path,
        *,
        ready: str = "",
        privileges: Sequence[str] = (),
        stop_signal: signal.Signals = signal.SIGTERM,
        env: dict[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self.ready = ready
        self.stop_signal = stop_signal
        # setpriv comes last in the command, because a change of user clears the death signal.
        chain = (*(privileges or ["setpriv"]), "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--", *command)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                chain,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C must reach only this process, which stops the parts in order
                env=env,
                cwd=cwd,
            )

    def wait(self) -> str:
        """Wait until the program has logged that it is ready. Returns the match.

        Raises StackError if the program ends first, or after 30 s."""
        deadline = time.monotonic() + START_SECONDS
        while not (match := re.search(self.ready, self.log.read_text(errors="replace"), re.MULTILINE)):
            if self.process.poll() is not None:
                raise self.failure("could not start")
            if time.monotonic() > deadline:
                raise self.failure(f"is not ready after {START_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
        return match.group()

    def finish(self) -> None:
        """Wait for a program that ends by itself. Raises StackError unless its exit status is 0."""
        try:
            status = self.process.wait()
        finally:
            stop([self])
        if status:
            raise self.failure(f"failed with status {status}")

    def failure(self, what: str) -> StackError:
        """Return the error for this part: what happened, and the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return StackError("\n    ".join([f"{self.name} {what}; the end of {self.log}:", *lines]))


def stop(parts: Sequence[Part]) -> None:
    """Stop all parts concurrently. Kills those still running after 4 s."""
    for part in parts:
        if part.process.poll() is None:
            part.process.send_signal(part.stop_signal)
    deadline = time.monotonic() + STOP_SECONDS
    for part in parts:
        try:
            part.process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(part.process.pid, signal.SIGKILL)
            part.process.wait()
