"""Memory, files and connections of the processes, measured after each trial, when no work is pending."""

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults.rig import Rig

SETTLED_SECONDS = 60.0
"""Seconds until a new process has filled its caches."""
CONNECTIONS = "select count(*) from pg_stat_activity where usename = current_user and pid <> pg_backend_pid()"


@dataclass(frozen=True)
class Look:
    """A measurement of one process."""

    pid: int
    seconds: float
    megabytes: float
    files: int


class Soak:
    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._looks: dict[str, list[Look]] = {"web": [], "worker": []}
        self._connections: list[int] = []

    async def look(self) -> bool:
        """Return whether both processes are those of the last measurement."""
        for name, service in (("web", self._rig.web), ("worker", self._rig.worker)):
            pid = service.process.child.pid
            process = Path(f"/proc/{pid}")
            pages = int((process / "statm").read_text().split()[1])
            megabytes, files = pages * os.sysconf("SC_PAGESIZE") / 1e6, len(os.listdir(process / "fd"))
            self._looks[name].append(Look(pid, time.monotonic(), megabytes, files))
        self._connections.append((await self._rig.rows(CONNECTIONS))[0]["count"])
        return all(len(looks) > 1 and looks[-1].pid == looks[-2].pid for looks in self._looks.values())

    def told(self) -> str:
        """Return one line: growth of the processes that were running at the end; files and connections, first and
        last."""
        processes = [f"{name} {_growth(looks)}" for name, looks in self._looks.items()]
        return f"{'; '.join(processes)}; connections to PostgreSQL {_back(self._connections)}."


def _growth(looks: list[Look]) -> str:
    lived = [look for look in looks if look.pid == looks[-1].pid]
    settled = [look for look in lived if look.seconds - lived[0].seconds > SETTLED_SECONDS]
    growth = "has just begun"
    if len(settled) > 2:
        minutes = [(look.seconds - settled[0].seconds) / 60 for look in settled]
        slope = statistics.linear_regression(minutes, [look.megabytes for look in settled]).slope
        growth = f"{settled[-1].megabytes:.0f} MB, {slope:+.2f} MB/min over its last {minutes[-1]:.1f} min"
    return f"{growth}, files {_back([look.files for look in looks])}"


def _back(counts: list[int]) -> str:
    return f"{counts[0]} → {counts[-1]} (at most {max(counts)})"
