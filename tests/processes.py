"""The real processes, `python -m api` and `python -m worker`, and a mail server that a test looks into."""

import asyncio
import contextlib
import email
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from email.message import Message
from pathlib import Path
from typing import Self

import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session

from dev.ports import free_port
from tests.patient import SECONDS

ROOT = Path(__file__).parents[1]


class Process:
    """A process of ours, with what it said in `log`."""

    def __init__(
        self,
        module: str,
        environment: Mapping[str, str],
        log: Path,
        privileges: Sequence[str] = (),
        unread: bool = False,
        patient: bool = True,
    ) -> None:
        self.log = log
        command = ["tests.patient", *module.split()] if patient else module.split()
        with contextlib.ExitStack() as stack:
            output, held = full_pipe(stack) if unread else (stack.enter_context(log.open("ab")).fileno(), ())
            self.child = subprocess.Popen(
                [*privileges, sys.executable, "-m", *command],
                cwd=ROOT,
                env={"PATH": "/usr/bin:/bin", **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=held,
            )

    async def said(self, text: str, seconds: float = SECONDS) -> None:
        """Wait until the log holds the text."""
        async with asyncio.timeout(seconds):
            while text not in self.log.read_text():
                assert self.child.poll() is None, self.log.read_text()
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()

    async def stop(self) -> tuple[int, float]:
        """SIGTERM; the exit status, and after how many seconds."""
        began = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(self.child.wait, 60)
        return status, time.monotonic() - began


def full_pipe(stack: contextlib.ExitStack) -> tuple[int, tuple[int, ...]]:
    """The end to write to of a pipe that has no room, and what keeps it open: its other end."""
    ends = reading, writing = os.pipe()
    for end in ends:
        stack.callback(os.close, end)
    os.write(writing, b"." * fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096))
    return writing, (reading,)


class Processes:
    """Starts them with one environment, under the command `privileges`, and leaves none behind. Those that are not
    `patient` have the deadlines of production."""

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        privileges: Sequence[str] = (),
        *,
        patient: bool = True,
    ) -> None:
        self._privileges, self._patient = privileges, patient
        self.environment = {**environment, "PORT": str(free_port())}
        self.url = f"http://127.0.0.1:{self.environment['PORT']}"
        self._folder = folder
        self._started: list[Process] = []

    def start(self, module: str, *, unread: bool = False) -> Process:
        """`unread`: nobody reads what it says."""
        log = self._folder / f"{module}.log"
        process = Process(module, self.environment, log, self._privileges, unread, self._patient)
        self._started.append(process)
        return process

    @contextlib.asynccontextmanager
    async def web(self) -> AsyncIterator[httpx.AsyncClient]:
        """Start the web process; a client for it once it is ready."""
        await self._begin("api", "web starts")
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=15) as client:
            async with asyncio.timeout(60):
                while not await is_ready(client):  # noqa: ASYNC110  # it starts to listen without telling
                    await asyncio.sleep(0.02)
            yield client

    async def worker(self) -> Process:
        """Start a worker, and wait until it has begun."""
        return await self._begin("worker", "worker runs")

    async def _begin(self, module: str, told: str) -> Process:
        """Start it, and wait until it says so once more than those before it did."""
        process = self.start(module)
        before = process.log.read_text().count(told)
        async with asyncio.timeout(60):
            while process.log.read_text().count(told) == before:
                assert process.child.poll() is None, process.log.read_text()
                await asyncio.sleep(0.02)
        return process

    async def stop(self) -> None:
        """SIGTERM to all that run. Raises AssertionError unless each ends with status 0."""
        running = [process for process in self._started if process.child.poll() is None]
        for process, (status, _) in zip(running, await asyncio.gather(*(each.stop() for each in running)), strict=True):
            assert status == 0, process.log.read_text()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            if process.child.poll() is None:
                process.child.send_signal(signal.SIGCONT)
                process.kill()


async def is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/api/health/ready")).is_success
    except httpx.TransportError:
        return False


class MailServer:
    """SMTP on loopback; `answer` is what each mail gets."""

    def __init__(self) -> None:
        self.answer = "250 OK"
        self.mails: list[Message] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        if self.answer.startswith("2"):
            self.mails.append(email.message_from_bytes(envelope.content))
        return self.answer

    async def mail_to(self, address: str, seconds: float = SECONDS) -> Message:
        """The first mail to the address, as soon as it has come."""
        async with asyncio.timeout(seconds):
            while not (found := [mail for mail in self.mails if mail["To"] == address]):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return found[0]

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, hostname="localhost"), "127.0.0.1", 0)
        self.url = f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


def text_of(mail: Message) -> str:
    """The plain part."""
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            return payload.decode()
    raise AssertionError(mail)
