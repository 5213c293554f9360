"""The compared servers: each a process on the first core, with the same PostgreSQL, Redis and environment."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import psycopg
import redis

from api.kernel.identity.auth import derive_key
from benchmarks.load import SERVER_CORE, on_core
from dev.stack import Services

ROOT = Path(__file__).parents[1]
REFERENCE = str(ROOT / ".bench/bin/python")
"""The interpreter of the reference stack's environment, separate from this project's."""
SECRET_KEY = "benchmarks-only: 1f6c0d5b8e2a4793b5d1c7e9f3a2b4c6"
PUBLIC_URL = "http://localhost:8000"


class Server:
    """A running server, its port, and its process statistics."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: dict[str, str],
        program: Sequence[str] = (sys.executable, "-m"),
        stdout: int | None = None,
    ) -> None:
        self.name = name
        self.port = int(environment["PORT"])
        began = time.perf_counter()
        with on_core(SERVER_CORE):
            self.process = subprocess.Popen([*program, *command], cwd=ROOT, env=environment, stdout=stdout)
        self._await()
        self.seconds_to_ready = time.perf_counter() - began

    def _await(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self.get("/api/users/me")
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} did not start; its status is {self.process.poll()}")

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        return self.send("GET", path, headers or {})

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
        """Send one request outside the load. Returns its status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def post_json(self, path: str, value: object) -> tuple[int, bytes]:
        return self.send("POST", path, {"content-type": "application/json"}, json.dumps(value).encode())

    @property
    def megabytes(self) -> float:
        """Return the resident memory of the process."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time of the process and its threads, user and system, from its CPU-time clock
        (clock_getcpuclockid(3))."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


def environment_for(services: Services, port: int, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": services.database_url,
        "REDIS_URL": services.redis_url,
        "KAFKA_BOOTSTRAP_SERVERS": services.kafka_bootstrap_servers,
        "SMTP_URL": services.smtp_url,
        "SECRET_KEY": SECRET_KEY,
        "FLOOR_KEY": derive_key(SECRET_KEY, "access-token").hex(),
        "PUBLIC_URL": PUBLIC_URL,
        "ENVIRONMENT": "development",
        "WEB_DIR": "web/public",  # not web/dist, which grows with the application
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_ANONYMOUS": "off",
        "RATE_LIMIT_SIGNED_IN": "off",
        "RATE_LIMIT_CREDENTIALS": "off",
        "PORT": str(port),
        **more,
    }


@contextlib.contextmanager
def serving(
    name: str,
    command: Sequence[str],
    environment: dict[str, str],
    program: Sequence[str] = (sys.executable, "-m"),
    stdout: int | None = None,
) -> Iterator[Server]:
    """Run a server for the length of a block: a module with this interpreter, or another program with arguments.
    `stdout` is a file descriptor."""
    server = Server(name, command, environment, program, stdout)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def data_on_the_servers_core(services: Services) -> Iterator[None]:
    """Run PostgreSQL and Redis on the servers' core for the length of a block, so that their work for a server counts
    against its rate, and the load has a core of its own. Services that are not on this machine are left alone."""
    with psycopg.connect(services.database_url) as database:
        postgres = psutil.Process(database.info.backend_pid).ppid()
    with redis.Redis.from_url(services.redis_url) as cache:
        numbers = (postgres, int(cache.info("server")["process_id"]))
    local = [psutil.Process(number) for number in numbers if psutil.pid_exists(number)]
    local = [process for process in local if process.name().startswith(("postgres", "redis"))]

    def run_on(cores: list[int]) -> None:
        for process in local:
            for each in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.cpu_affinity(cores)

    run_on([SERVER_CORE])
    try:
        yield
    finally:
        run_on(sorted(os.sched_getaffinity(0)))


def this_backend(services: Services, module: Sequence[str] = ("api",)) -> contextlib.AbstractContextManager[Server]:
    return serving("this backend", module, environment_for(services, 9201))


def reference_stack(services: Services) -> contextlib.AbstractContextManager[Server]:
    return serving(
        "reference stack: FastAPI + FastAPI Users + SQLAlchemy",
        ["benchmarks.serve", "reference_stack:app"],
        environment_for(services, 9220),
        (REFERENCE, "-m"),
    )
