"""`python -m tests.deploy.deployment`: deploys by docs/operations.md alone, under a uid without a name, on a read-only
tree, with TLS on every connection, and runs a user's first minutes there. Prints one line for each step; at the first
that fails, prints the logs and exits with 1."""

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from api.kernel.config.connections import Kafka
from api.kernel.settings import load
from dev.part import ROOT, Part, stop
from dev.ports import free_port
from tests.authority import LOOPBACK, write
from tests.deploy import first_minutes, manual, servers

UV = Path(sys.executable).with_name("uv")
PYTHONS = ("/usr/bin/python3", sys.executable)
UID = "54321"
UNPRIVILEGED = f"setpriv --reuid={UID} --regid={UID} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs"
HOME = "/opt/rest-angular"
OK_SECONDS, END_SECONDS = 40.0, 10.0
TAIL = 12
EXPECTED_USERS = ("users.registered", "users.verified", "users.updated", "users.updated")
EXPECTED_SESSIONS = ("sessions.started", "sessions.ended") * 2


class Deployment:
    """State shared by the steps: the folder, the settings, and the running processes."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.logs = folder / "app", folder / "logs"
        self.logs.mkdir()
        self.parts: list[Part] = []
        self.variables: dict[str, str] = {}
        self.front = free_port()
        self.origin = f"https://localhost:{self.front}"
        self.mails = servers.Mails(folder)
        self.ca = folder / "private-ca.pem"
        self.ca.write_text(servers.AUTHORITY.pem)
        self.python = next(each for each in PYTHONS if _any_uid_may_run(each)) if os.geteuid() == 0 else sys.executable
        self.privileges = UNPRIVILEGED.split() if os.geteuid() == 0 else []

    @property
    def kafka(self) -> Kafka:
        return load(self.variables).kafka

    def install(self) -> str:
        """Run the documentation's commands, with uv instead of pip, which takes a minute for the same lock file."""
        for line in manual.block("install").replace(HOME, str(self.tree)).splitlines():
            words = line.split()
            if words[0].endswith("/pip"):
                line = f"{UV} pip sync --quiet --python {self.tree}/.venv/bin/python --require-hashes {words[-1]}"
            elif words[1:3] == ["-m", "venv"]:
                line = f"{UV} venv --quiet --python {self.python} {words[-1]}"
            self._run(line.split(), cwd=ROOT, env={**os.environ, "VIRTUAL_ENV": ""})
        return f"{len(list((self.tree / '.venv').glob('lib/*/site-packages/*.dist-info')))} packages"

    def configure(self) -> str:
        """Start the services, and give each variable of the documentation its value, and no other."""
        kafka = servers.start_kafka(self.logs, self.parts)
        given = {
            "DATABASE_URL": servers.start_postgresql(self.logs, self.parts),
            "REDIS_URL": servers.start_redis(self.logs, self.parts),
            "SMTP_URL": self.mails.url,
            "SECRET_KEY": secrets.token_urlsafe(36),
            "PUBLIC_URL": self.origin,
            "PORT": str(free_port()),
            **kafka(),
        }
        encrypted = given["KAFKA_BOOTSTRAP_SERVERS"].startswith("kafka+ssl://")
        given |= {name: str(self.ca) for name in ("DATABASE_CA_CERT", "REDIS_CA_CERT", "SMTP_CA_CERT")}
        given |= {"KAFKA_TRUSTED_CERT": str(self.ca)} if encrypted else {}
        documented = manual.settings().keys()
        assert given.keys() == documented if encrypted else given.keys() <= documented, given.keys() ^ documented
        self.variables = given
        return "Kafka with SASL_SSL" if encrypted else "there is no Java or Maven: Kafka is embedded and in PLAINTEXT"

    def release(self) -> str:
        """Run it twice: the second run does nothing."""
        first, second = (self._our(manual.processes()["release"]) for _ in range(2))
        assert "the schema is current" in second, second
        return first.strip().splitlines()[-1]

    def start(self) -> str:
        for name, ready in (("web", "web starts"), ("worker", "worker runs")):
            command = manual.processes()[name]
            env = self._environment()
            part = Part(name, command, self.logs, ready=ready, privileges=self.privileges, env=env, cwd=self.tree)
            self.parts.append(part)
        for part in self.parts[-2:]:
            part.wait()
        uids = {os.stat(f"/proc/{part.process.pid}").st_uid for part in self.parts[-2:]}
        assert uids == {int(UID) if self.privileges else os.geteuid()}, uids
        return f"uid {uids.pop()}"

    def proxy(self) -> str:
        place = self.logs.parent / "proxy"
        place.mkdir()
        certificate, key = write(place, servers.AUTHORITY.sign("app", LOOPBACK))
        site = manual.block("nginx")
        for told, ours in (
            ("listen 443 ssl", f"listen 127.0.0.1:{self.front} ssl"),
            ("127.0.0.1:8000", f"127.0.0.1:{self.variables['PORT']}"),
            ("app.example.com", "localhost"),
            ("/etc/ssl/app.crt", str(certificate)),
            ("/etc/ssl/app.key", str(key)),
        ):
            assert told in site, f"the documented configuration of nginx lacks {told}"
            site = site.replace(told, ours)
        servers.start_nginx(self.logs, self.parts, site)
        with first_minutes.browser(self.origin) as client:
            deadline = time.monotonic() + 10
            while True:
                with contextlib.suppress(OSError, httpx.TransportError):
                    if client.get("/api/health/ready").status_code == 200:
                        return self.origin
                assert time.monotonic() < deadline, "/api/health/ready does not answer 200 through nginx"
                time.sleep(0.05)

    def show(self) -> str:
        with first_minutes.browser(self.origin) as client:
            page = client.get("/users/me@example.com", headers={"accept": "text/html"})
        assert "<app-root" in page.text, page.text
        return "the built application, at a deep link"

    def register(self) -> str:
        with first_minutes.browser(self.origin) as client:
            self.account = first_minutes.register(client)
            first_minutes.verify(client, self.mails)
        return "mailed by STARTTLS with AUTH"

    def sign_in(self) -> str:
        with first_minutes.browser(self.origin) as client:
            first_minutes.use_cookies(client, self.origin)
        with first_minutes.browser(self.origin) as client:
            first_minutes.use_tokens(client)
        return "by cookie, by token: signed in, PATCH, signed out"

    def publish(self) -> str:
        for topic, expected in (("users", EXPECTED_USERS), ("sessions", EXPECTED_SESSIONS)):
            asyncio.run(first_minutes.events_of(self.kafka, self.account, topic, expected))
        return "users and sessions, in order"

    def consume(self) -> str:
        asyncio.run(first_minutes.command(self.kafka, "grace@example.com"))
        self.mails.token_to("grace@example.com")
        return "users.commands: an account was opened, and its owner invited"

    def status(self) -> str:
        """Wait for `ok`, which needs the consumers' lag; the worker counts it every ten seconds."""
        deadline = time.monotonic() + OK_SECONDS
        while "unread" in (shown := self._our(["python", "-m", "api.system"])):
            assert time.monotonic() < deadline, shown
            time.sleep(1)
        assert shown.startswith("ok,"), shown
        return "ok"

    def promote(self) -> str:
        return self._our(["python", "-m", "api.superuser", first_minutes.CREDENTIALS["email"]]).strip()

    def end(self) -> str:
        ours = [part for part in self.parts if part.name in ("web", "worker")]
        began = time.monotonic()
        for part in ours:
            part.process.terminate()
        statuses = {part.name: part.process.wait(END_SECONDS) for part in ours}
        assert set(statuses.values()) == {0}, statuses
        return f"status 0 after {time.monotonic() - began:.1f} s"

    def evidence(self) -> str:
        """Return the end of each log."""
        logs = {log.name: log.read_text(errors="replace").splitlines() for log in sorted(self.logs.glob("*.log"))}
        return "\n".join(f"--- {name}\n" + "\n".join(lines[-TAIL:]) for name, lines in logs.items() if lines)

    def close(self) -> None:
        stop(self.parts)
        self.mails.stop()

    def _environment(self) -> dict[str, str]:
        return {"PATH": f"{self.tree}/.venv/bin:/usr/bin:/bin", **self.variables}

    def _our(self, command: list[str]) -> str:
        return self._run([*self.privileges, *command], cwd=self.tree, env=self._environment())

    def _run(self, command: list[str], cwd: Path, env: dict[str, str]) -> str:
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, f"{command} ends with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout


def _any_uid_may_run(python: str) -> bool:
    command = [*UNPRIVILEGED.split(), python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main() -> int:
    if lacking := servers.missing():
        print(f"deployment: needs {', '.join(lacking)} (Debian: apt-get install {' '.join(lacking)})", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="deployment-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with contextlib.closing(Deployment(folder)) as made:
            return run(made)


def run(made: Deployment) -> int:
    steps = [
        made.install, made.configure, made.release, made.start, made.proxy, made.show, made.register, made.sign_in,
        made.publish, made.consume, made.status, made.promote, made.end,
    ]  # fmt: skip
    began = time.monotonic()
    for step in steps:
        start, title = time.monotonic(), step.__name__.replace("_", " ")
        try:
            told = step()
        except Exception as error:  # noqa: BLE001  # of any kind; the logs have the reason
            print(f"FAILED  {title}: {error or repr(error)}\n{made.evidence()}", flush=True)
            return 1
        print(f"ok  {time.monotonic() - start:5.1f} s  {title:<12}{told}", flush=True)
    print(f"deployed, used and stopped in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
