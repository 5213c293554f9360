"""`honcho start`, run with existing PostgreSQL, Redis and Kafka."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.kernel.settings import Settings
from dev.ports import free_port
from tests.dev.project import ROOT, ended
from tests.processes import is_ready


class Honcho:
    """A running `honcho start`."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.log, self.port = log, free_port()
        programs = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        with log.open("wb") as output:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "honcho", "start", "--port", str(self.port)],
                cwd=ROOT,
                env={"PATH": programs, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    async def ready(self) -> None:
        # C-337: honcho gives the Procfile's first process $PORT, and each next one a hundred more.
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False) as client:
            async with asyncio.timeout(60):
                while not await is_ready(client):  # it reports no event when it listens
                    assert self.child.poll() is None, self.log.read_text()
                    await asyncio.sleep(0.05)

    async def said(self, text: str) -> None:
        async with asyncio.timeout(60):
            while text not in self.log.read_text():  # noqa: ASYNC110  # a growing file has no event
                await asyncio.sleep(0.05)

    def family(self, word: bytes = b"") -> set[int]:
        """Return the processes started in its environment, including itself, whose command line contains the word."""
        mark = f"HONCHO_TEST={self.log}".encode()
        found = set()
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                marked = process.name.isdecimal() and mark in (process / "environ").read_bytes().split(b"\0")
                if marked and word in (process / "cmdline").read_bytes():
                    found.add(int(process.name))
        return found


@pytest.fixture
async def honcho(environment: dict[str, str], cloned: Settings, tmp_path: Path) -> AsyncIterator[Honcho]:
    log = tmp_path / "honcho.log"
    own = {**environment, "DATABASE_URL": cloned.database_url, "HONCHO_TEST": str(log), "WEB_CONCURRENCY": "2"}
    started = Honcho(own, log)
    yield started
    for pid in started.family():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    started.child.wait()


async def test_honcho_start_migrates_and_stays_up(honcho: Honcho) -> None:
    await honcho.ready()
    await honcho.said("waiting, so that honcho keeps the other processes running")
    await honcho.said("worker runs")
    assert honcho.child.poll() is None
    family = honcho.family()
    honcho.child.send_signal(signal.SIGTERM)
    await asyncio.to_thread(honcho.child.wait, 60)
    assert ended(family)


async def test_after_a_kill_of_honcho_the_port_is_free(honcho: Honcho) -> None:
    await honcho.ready()
    await honcho.said("worker runs")
    processes = honcho.family() - honcho.family(b"honcho")
    assert len(processes) >= 5  # release, the parent of web, two of its children, worker
    honcho.child.kill()
    assert await asyncio.to_thread(ended, processes, 60)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", honcho.port))


@pytest.mark.parametrize("unread", [True, False])
def test_a_honcho_killed_during_a_start_counts_as_ended(environment: dict[str, str], unread: bool) -> None:
    """C-337: it is no ancestor any more, and its pipe has no reader. A pipe with a reader shows that honcho runs, in
    another namespace of processes."""
    program = (
        "import select, sys; from api.kernel.process.supervision import supervisor; it = supervisor();"
        "sys.exit('none' if it is None else int(select.select([it], [], [], 0)[0] == [it]))"
    )
    named = {**environment, "HONCHO_PROCESS_NAME": "web.1"}
    reader, writer = os.pipe()
    if unread:
        os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=named, stdout=writer, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writer)
        if not unread:
            os.close(reader)
    assert (done.returncode, done.stderr.strip()) == (1, b"" if unread else b"none")


async def test_web_processes_end_when_their_parent_is_killed(honcho: Honcho) -> None:
    await honcho.ready()
    children, web = honcho.family(b"multiprocessing"), honcho.family(b"-m\0api\0")
    assert children
    assert len(web) == 1
    os.kill(web.pop(), signal.SIGKILL)
    assert await asyncio.to_thread(ended, children, 60)
