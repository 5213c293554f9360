"""`python -m dev.reload SIGNAL COMMAND`: runs a shell command and restarts it when a file of the application changes.
With SIGNAL TERM the next process starts while the previous one ends; KILL is for a process that needs its port.

A command that ends before any change ends this program with its status. After a change it may fail, for example because
a file was saved half-written: the next change restarts it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

FOLDERS = ("api", "worker", "sql")
POLL_SECONDS = 0.2
STOP_SECONDS = 4.0


class Reloader:
    def __init__(self, command: str, how: signal.Signals, folders: list[Path]) -> None:
        self._command, self._how, self._folders = command, how, folders
        self._stopping = False
        self._ending: list[tuple[subprocess.Popen[bytes], float]] = []
        """Ending processes, and the time at which each is killed."""

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Wait for the command, which was sent the signal too: it is of the same process group."""
        self._stopping = True

    def run(self) -> int:
        """Return the command's exit status, -N where signal N ended it."""
        changed, files = False, snapshot(self._folders)
        child = self._start()
        while (status := child.poll()) is None or (changed and not self._stopping):
            time.sleep(POLL_SECONDS)
            self._kill_late(time.monotonic())
            if not self._stopping and (now := snapshot(self._folders)) != files:
                names = sorted({os.path.relpath(path) for path, _ in now.items() ^ files.items()})
                print(f"reloads: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}", flush=True)
                changed, files = True, now
                self._end(child)
                child = self._start()
        self._kill_late(float("inf"))
        return status

    def _start(self) -> "subprocess.Popen[bytes]":
        command = (
            f"exec setpriv --pdeathsig KILL -- {self._command}"  # which does not outlive a reloader that is killed
        )
        return subprocess.Popen(command, shell=True)  # noqa: S602  # a line of the Procfile

    def _end(self, child: "subprocess.Popen[bytes]") -> None:
        """Stop the command: KILL at once with its descendants; TERM while the next one already starts."""
        if child.poll() is not None:
            return
        if self._how == signal.SIGKILL:
            for process in [*psutil.Process(child.pid).children(recursive=True), child]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            child.wait()
        else:
            child.send_signal(self._how)
            self._ending.append((child, time.monotonic() + STOP_SECONDS))

    def _kill_late(self, now: float) -> None:
        for child, late in self._ending:
            if child.poll() is None and now > late:
                child.kill()
                child.wait()
        self._ending = [(child, late) for child, late in self._ending if child.poll() is None]


def snapshot(folders: list[Path]) -> dict[str, int]:
    """Return the modification time of each file."""
    return dict(entry for folder in folders for entry in _files(folder))


def _files(folder: Path | str) -> Iterator[tuple[str, int]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.endswith("~") or entry.name == "__pycache__":
                    continue
                if entry.is_dir():
                    yield from _files(entry.path)
                else:
                    yield entry.path, entry.stat().st_mtime_ns
    except FileNotFoundError:  # removed meanwhile, or absent in this project
        return


def main() -> int:
    how, command = sys.argv[1:]
    reloader = Reloader(command, signal.Signals[f"SIG{how}"], [Path(folder) for folder in FOLDERS])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, reloader.stop)
    status = reloader.run()
    if status < 0:  # exit like the command
        if status != -signal.SIGKILL:  # it has no handler, and setting one is an error
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    sys.exit(main())
