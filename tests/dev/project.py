"""A minimal project for `python -m dev run`: its web process answers, dies and hangs on demand."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from dev.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
EXTERNAL = ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL")

WEB = """
import http.server, os, signal
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/exit":
            os._exit(3)
        if self.path == "/hang":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.send_response(200)
        self.end_headers()
        names = ("SECRET_KEY", "PUBLIC_URL", "DATABASE_URL", "GREETING", "PORT", "WEB_DIR")
        environment = repr([os.environ.get(name) for name in names])
        self.wfile.write(b'{"status": "ok"}' if "health" in self.path else environment.encode())
http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""


class Run:
    """A running `python -m dev run`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""
        self._limit = threading.Timer(90, process.kill)
        self._limit.start()

    def until_ready(self) -> "Run":
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if "Ctrl-C stops everything" in line:
                return self
        raise AssertionError(self.output)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and wait. Returns the exit status; `output` has all output."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        assert self.process.stdout is not None
        if not self.process.stdout.closed:
            self.output += self.process.communicate()[0]
            self._limit.cancel()
            self._limit.join()
        return self.process.returncode

    def family(self) -> set[int]:
        """Return the process and all its descendants."""
        parents = {int(path.name): _parent(path) for path in Path("/proc").iterdir() if path.name.isdecimal()}
        family = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return family


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs: list[Run] = []
        self.data = folder / ".data"
        self.port = free_port()
        (folder / "web.py").write_text(WEB)
        (folder / "migrations.py").write_text("import os; assert os.environ['DATABASE_URL'].startswith('postgres')")
        (folder / "Procfile").write_text("release: false\nweb: python web.py\nworker: sleep 1000\n")

    def dev(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        inherited = {name: value for name, value in os.environ.items() if name not in EXTERNAL}
        return subprocess.Popen(
            [sys.executable, "-m", "dev", *arguments],
            cwd=self.folder,
            env={**inherited, "PYTHONPATH": str(ROOT), "PORT": str(self.port), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, **env: str) -> Run:
        self.runs.append(Run(self.dev("run", **env)))
        return self.runs[-1]

    def services(self) -> dict[str, Any]:
        services: dict[str, Any] = json.loads((self.data / "services.json").read_bytes())
        return services


def ended(processes: set[int], seconds: float = 60) -> bool:
    """Return whether all these processes ended within that time."""
    deadline = time.monotonic() + seconds
    while any(_is_alive(pid) for pid in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)  # there is no event for processes that are not children
    return True


def _is_alive(pid: int) -> bool:
    return _stat(Path(f"/proc/{pid}"))[:1] not in ([], ["Z"])


def _parent(path: Path) -> int:
    return int((_stat(path) or ["", "0"])[1])


def _stat(path: Path) -> list[str]:
    """Return the fields of /proc/…/stat from the state on, or [] without such a process (proc_pid_stat(5))."""
    try:
        return (path / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
