"""Processes whose standard output is not read, or is closed."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from api.kernel.settings import Settings
from dev.ports import free_port
from tests.processes import ROOT, is_ready

PIPE_BYTES = 4096
REQUESTS = 400
"""Their log lines are several times the size of the pipe."""


@pytest.fixture
def own(environment: dict[str, str], cloned: Settings) -> dict[str, str]:
    return {**environment, "DATABASE_URL": cloned.database_url, "PORT": str(free_port()), "PATH": "/usr/bin:/bin"}


def start(module: str, environment: dict[str, str], output: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", module]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("closed", [False, True], ids=["unread", "closed"])
async def test_web_serves_and_stops_while_its_output_is_not_read(own: dict[str, str], closed: bool) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    web = start("api", own, writing)
    os.close(writing)
    if closed:
        os.close(reading)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{own['PORT']}", trust_env=False) as client:
            async with asyncio.timeout(60):
                while not await is_ready(client):
                    assert web.poll() is None
                    await asyncio.sleep(0.02)
            for _ in range(REQUESTS):
                assert (await client.get("/api/health")).is_success
        web.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(web.wait, 15) == 0
    finally:
        web.kill()
        if not closed:
            os.close(reading)


@pytest.mark.parametrize("module", ["api.system", "api.audit", "api.keys", "api.operations roles", "migrations"])
async def test_a_command_whose_reader_has_gone_exits_with_success(
    own: dict[str, str], module: str, tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    errors = tmp_path / "errors"
    with errors.open("wb") as kept:
        command = [sys.executable, "-m", *module.split()]
        done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=own, stdout=writing, stderr=kept)
    os.close(writing)
    assert "Broken" not in errors.read_text()
    # Without a worker `api.system` reports a fault in its output and its status.
    assert done.returncode == (1 if module == "api.system" else 0)


@pytest.mark.parametrize("module", ["api.system", "migrations"])
async def test_a_command_whose_output_cannot_be_written_says_so(own: dict[str, str], module: str) -> None:
    """C-338: as on a full disk; without a traceback."""
    full = os.open("/dev/full", os.O_WRONLY)
    command = [sys.executable, "-m", module]
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=own, stdout=full, stderr=subprocess.PIPE)
    os.close(full)
    assert (done.returncode, done.stderr) == (1, b"the output cannot be written: No space left on device\n")
