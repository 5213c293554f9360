"""web and worker of the Procfile, run by honcho together with the parts of the stack: if one ends, all are stopped."""

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
"""The signal that stops each process before a restart: web must free its port; the worker returns its tasks."""
READY_SECONDS = 30
STOP_SECONDS = 4
POLL_SECONDS = 0.1


class Orphanable(Process):  # type: ignore[misc]
    """A Procfile process that is killed, with its children, when `make run` is killed; honcho would leave it
    running."""

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """Run in honcho's process for this command; honcho defines the signature."""
        threading.Thread(target=self._follow, daemon=True).start()
        super().run(events, ignore_signals)

    def _follow(self) -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        if self._child is not None:
            with suppress(ProcessLookupError):  # all have ended
                os.killpg(self._child.pid, signal.SIGKILL)
        os._exit(1)


class Processes(Manager):  # type: ignore[misc]
    """Runs until a signal arrives, or a process or a part ends; `failure` then names it."""

    def __init__(self, procfile: Path, env: dict[str, str], parts: Sequence[Part], banner: str) -> None:
        """`banner` is printed when everything is ready. Raises StackError if the Procfile lacks web or worker."""
        super().__init__()
        self._process_ctor = Orphanable
        commands = parse_procfile(procfile.read_text()).processes if procfile.exists() else {}
        for name, how in NAMES.items():
            if name not in commands:
                raise StackError(f"{procfile.resolve()} has no line `{name}: …`: run this where the project's is.")
            # Replaces the shell, which would report a clean end as death by signal. If honcho's process for this
            # command is killed together with its group, the kernel kills the command.
            reload = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "dev.reload", how, commands[name]]
            self.add_process(name, f"exec {shlex.join(reload)}", env=env)
        self.failure: str | None = None
        self._parts, self._banner, self._port = parts, banner, int(env["PORT"])
        self._stopping = threading.Event()

    def terminate(self) -> None:
        """Start stopping everything. Called by honcho on a signal or the end of a process, and by the watch.

        honcho's own method fails until each process has reported its number, which takes a moment."""
        if not self._stopping.is_set():
            self.failure = self._ended()
            self._stopping.set()

    def _start(self) -> None:
        super()._start()
        # Started late, because a process should not fork while it has threads.
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        try:
            self._await_end()
        finally:
            while not self._all_started():
                time.sleep(POLL_SECONDS)
            super().terminate()
            # honcho kills lingering processes only after a process has ended; this covers the case that none does.
            time.sleep(STOP_SECONDS)
            self.kill()

    def _await_end(self) -> None:
        """Return when everything must stop. Meanwhile, print the banner once everything is ready."""
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
        """Return which process or part has ended, and how; None while all run."""
        ended = [(name, process.get("returncode")) for name, process in self._processes.items()]
        ended += [(part.name, part.process.poll()) for part in self._parts]
        for name, status in ended:
            if status is not None:
                how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
                return f"{name} {how}"
        return None


def health(port: int) -> dict[str, Any]:
    """Return the web process's /api/health/full, or {} if it does not answer."""
    connection = http.client.HTTPConnection("localhost", port, timeout=1)  # unlike urllib, uses no proxy
    try:
        connection.request("GET", "/api/health/full", headers={"Accept": "application/json"})
        report = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):  # not started yet, or another server's answer
        return {}
    finally:
        connection.close()
    return report if isinstance(report, dict) else {}


def what_is_missing(report: dict[str, Any]) -> str:
    """Return why the application is not ready, by its health report; "" if it is."""
    if report.get("status") == "ok":
        return ""
    if not report:
        return "web does not answer"
    if report.get("status") == "degraded":
        return "a dependency is down; see `make status`"
    return json.dumps(report)
