"""Starts the targets: the development stack like `make run`, and production processes behind nginx."""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from dev.ports import free_port
from tests.attacks.collector import Collector
from tests.attacks.mail import Mailbox
from tests.attacks.nginx import configuration
from tests.attacks.site import ROOT, Site

STRIPPED = (
    "DATABASE_URL",
    "REDIS_URL",
    "KAFKA_BOOTSTRAP_SERVERS",
    "SMTP_URL",
    "PUBLIC_URL",
    "ENVIRONMENT",
    "SECRET_KEY",
)
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
HOST = "app.example.com"


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._secret = secrets.token_urlsafe(48)
        self.collector = Collector()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._sites: dict[str, Site] = {}
        self._lock = threading.RLock()
        self.data = folder / "data"
        self.dev = self._develop()
        self._database("production")

    @property
    def docs_off(self) -> dict[str, str]:
        """Return the setting that closes /api/docs and the OpenAPI document, {} if .env.example has none."""
        found = re.search(r"^#?\s*([A-Z_]*(?:DOCS|OPENAPI)[A-Z_]*)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
        return {found[1]: "false"} if found else {}

    def close(self) -> None:
        self.collector.close()
        for process in reversed(self._processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self._processes):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def production(self, **settings: str) -> Site:
        """Return a web process with production settings behind nginx; the same one for the same settings."""
        with self._lock:
            name = json.dumps(settings, sort_keys=True)
            if name not in self._sites:
                self._sites[name] = self._produce("production", settings)
            return self._sites[name]

    def alone(self, locale: str | None = None) -> Site:
        """Production with its own database, Redis and worker; `locale` is the database's."""
        with self._lock:
            name = f"alone_{len(self._sites)}"
            self._database(name, locale)
            self._sites[name] = self._produce(name, {})
            return self._sites[name]

    def parts(self) -> list[psutil.Process]:
        """Every process of the development stack."""
        return list(psutil.Process(self._processes[0].pid).children(recursive=True))

    def banner(self) -> str:
        return self.dev.log.read_text("utf-8", "replace").split("Ctrl-C stops")[0]

    def _develop(self) -> Site:
        port = free_port()
        inherited = {name: value for name, value in os.environ.items() if name not in STRIPPED}
        environment = {**inherited, "PORT": str(port), "DATA_DIR": str(self.data), "WEB": "off"}
        log = self.folder / "development.log"
        process = self._start([sys.executable, "-m", "dev", "run"], environment, log)
        _wait_for(lambda: "Ctrl-C stops everything" in log.read_text("utf-8", "replace"), process, log)
        services = json.loads((self.data / "services.json").read_bytes())
        told = subprocess.run(
            [
                sys.executable,
                "-m",
                "dev",
                "exec",
                sys.executable,
                "-c",
                "import os, json; print(json.dumps(dict(os.environ)))",
            ],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            check=True,
        )
        self._services = services
        return Site(
            host=f"localhost:{port}",
            origin=f"http://localhost:{port}",
            port=port,
            direct=port,
            streaming=0,
            environment=json.loads(told.stdout),
            mailbox=Mailbox(self.data / "mail"),
            log=log,
            web=_web_of(process.pid),
        )

    def _database(self, name: str, locale: str | None = None) -> None:
        """Create a database of that name beside the development one, migrated, with its worker."""
        url = self._services["database_url"]
        with psycopg.connect(url, autocommit=True) as admin:
            how = f" template template0 encoding 'UTF8' locale '{locale}'" if locale else ""
            admin.execute(f'create database "{name}"{how}'.encode())
        environment = self._environment(name, {})
        subprocess.run([sys.executable, "-m", "migrations"], cwd=ROOT, env=environment, check=True, capture_output=True)
        log = self.folder / f"worker-{name}.log"
        process = self._start([sys.executable, "-m", "worker"], environment, log)
        _wait_for(lambda: "worker runs" in log.read_text("utf-8", "replace"), process, log)

    def _environment(self, name: str, settings: dict[str, str]) -> dict[str, str]:
        services = self._services
        number = 1 + sum(map(ord, name)) % 14 if name != "production" else 15
        base = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": services["database_url"].rpartition("/")[0] + f"/{name}",
            "REDIS_URL": services["redis_url"].rpartition("/")[0] + f"/{number}",
            "KAFKA_BOOTSTRAP_SERVERS": services["kafka_bootstrap_servers"],
            "KAFKA_PREFIX": f"{name}.",
            "SMTP_URL": services["smtp_url"],
            "SECRET_KEY": self._secret,
            "PUBLIC_URL": f"https://{HOST}",
            "ENVIRONMENT": "production",
            "HOST": "127.0.0.1",
            "TRUSTED_PROXIES": "127.0.0.1",
            "LOG_FORMAT": "json",
        }
        return {key: value for key, value in (base | settings).items() if value}

    def _produce(self, database: str, settings: dict[str, str]) -> Site:
        port = free_port()
        environment = self._environment(database, settings) | {"PORT": str(port)}
        log = self.folder / f"web-{port}.log"
        process = self._start([sys.executable, "-m", "api"], environment, log)
        url = f"http://127.0.0.1:{port}/api/health/ready"
        _wait_for(lambda: _answers(url), process, log)
        front, streaming = self._nginx(port) if NGINX else (port, 0)
        return Site(
            host="localhost" if settings.get("ENVIRONMENT") == "development" else HOST,
            origin=environment["PUBLIC_URL"],
            port=front,
            direct=port,
            streaming=streaming,
            environment=environment,
            mailbox=self.dev.mailbox,
            log=log,
            web=psutil.Process(process.pid),
            behind_nginx=bool(NGINX),
        )

    def _nginx(self, port: int) -> tuple[int, int]:
        folder = self.folder / f"nginx-{port}"
        folder.mkdir()
        front, streaming = free_port(), free_port()
        (folder / "nginx.conf").write_text(configuration(folder, port, front, streaming))
        assert NGINX
        log = folder / "output.log"
        command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        process = self._start(command, {"PATH": os.environ["PATH"]}, log)
        _wait_for(lambda: _answers(f"http://127.0.0.1:{front}/api/health/live"), process, log)
        return front, streaming

    def _start(self, command: list[str], environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        self._processes.append(process)
        return process


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url, headers={"host": HOST}, trust_env=False, timeout=5).status_code == 200
    return False


def _wait_for(ready: Any, process: "subprocess.Popen[bytes]", log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        said = log.read_text("utf-8", "replace")[-2000:]
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.1)


def _web_of(pid: int) -> psutil.Process:
    """Return the process `python -m api` of a development stack."""
    for child in psutil.Process(pid).children(recursive=True):
        if child.cmdline()[-2:] == ["-m", "api"]:
            return child
    raise AssertionError("the development stack has no web process")
