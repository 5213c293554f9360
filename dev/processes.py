"""web and worker out of the Procfile, under honcho, together with the parts of the stack: one ends, all end."""

import http.client
import json
import multiprocessing
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.process import Process

from dev.part import Part, StackError

NAMES = {"web": "KILL", "worker": "TERM"}
"""And the signal that stops each before it is started again: web leaves its port; the worker gives its tasks back."""
READY_SECONDS = 30
STOP_SECONDS = 4
POLL_SECONDS = 0.1


class Orphanable(Process):  # type: ignore[misc]
    """A Procfile process that is killed, with all it started, when `make run` is: honcho would leave it running."""

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """Run in honcho's process for this command; the signature is honcho's."""
        threading.Thread(target=self._follow, daemon=True).start()
        super().run(events, ignore_signals)

    def _follow(self) -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        if self._child is not None:
            with suppress(ProcessLookupError):  # all of them have ended by themselves
                os.killpg(self._child.pid, signal.SIGKILL)
        os._exit(1)


class Processes(Manager):  # type: ignore[misc]
    """Runs until a signal comes, or a process or a part ends; `failure` then says which one did."""

    def __init__(self, procfile: Path, env: dict[str, str], parts: Sequence[Part], banner: str) -> None:
        """`banner` is printed when all is ready. Raises StackError when the Procfile lacks web or worker."""
        super().__init__()
        self._process_ctor = Orphanable
        commands = parse_procfile(procfile.read_text()).processes if procfile.exists() else {}
        for name, how in NAMES.items():
            if name not in commands:
                raise StackError(f"{procfile.resolve()} has no line `{name}: …`: run this where the project's is.")
            # In the shell's place: what it would say of a clean end is the signal that it died of itself. Where
            # honcho's process for this command is killed as well, with its group, the kernel kills the command.
            reload = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "dev.reload", how, commands[name]]
            self.add_process(name, f"exec {shlex.join(reload)}", env=env)
        self.failure: str | None = None
        self._parts, self._banner, self._port = parts, banner, int(env["PORT"])
        self._stopping = threading.Event()

    def terminate(self) -> None:
        """Begin to stop everything: called by honcho on a signal or when a process has ended, and by the watch.

        honcho's own would fail before each process has told its number, which takes it a moment.
        """
        if not self._stopping.is_set():
            self.failure = self._ended()
            self._stopping.set()

    def _start(self) -> None:
        super()._start()
        # Only now, because a process should not fork while it has threads.
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        try:
            self._await_end()
        finally:
            while not self._all_started():
                time.sleep(POLL_SECONDS)
            super().terminate()
            # honcho kills what lingers only after some process has ended; this holds when none does.
            time.sleep(STOP_SECONDS)
            self.kill()

    def _await_end(self) -> None:
        """Return when everything has to stop; on the way, say once that all is ready."""
        deadline: float | None = time.monotonic() + READY_SECONDS
        while not self._stopping.wait(POLL_SECONDS):
            if self._ended():
                self.terminate()
            elif deadline:
                missing = what_is_missing(health(self._port))
                late = time.monotonic() > deadline
                if late or not missing:
                    deadline = None
                    print(f"Not ready after {READY_SECONDS} s: {missing}" if missing else self._banner, flush=True)

    def _ended(self) -> str | None:
        """Which process or part has ended, and how; None while all run."""
        ended = [(name, process.get("returncode")) for name, process in self._processes.items()]
        ended += [(part.name, part.process.poll()) for part in self._parts]
        for name, status in ended:
            if status is not None:
                how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
                return f"{name} {how}"
        return None


def health(port: int) -> dict[str, Any]:
    """What /api/health/full of the web process says, {} while it says nothing."""
    connection = http.client.HTTPConnection("localhost", port, timeout=1)  # unlike urllib, knows of no proxy
    try:
        connection.request("GET", "/api/health/full", headers={"Accept": "application/json"})
        report = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):  # not up yet, or something else's answer
        return {}
    finally:
        connection.close()
    return report if isinstance(report, dict) else {}


def what_is_missing(report: dict[str, Any]) -> str:
    """Why the application is not ready, by its health report; "" when it is."""
    if report.get("status") == "ok":
        return ""
    if not report:
        return "web does not answer"
    if report.get("status") == "degraded":
        return "a part that it needs is down, and `make status` says which"
    return json.dumps(report)
