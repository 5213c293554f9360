"""The services of a deployment, each with TLS and a password, with certificates of one private authority: Debian's
PostgreSQL and Redis, Apache Kafka, a mail server, and nginx in front."""

import email
import email.policy
import logging
import os
import re
import secrets
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from dev import apache_kafka, postgres
from dev.part import Part, stop
from dev.ports import free_port
from tests.authority import LOOPBACK, Authority, server_context, write

AUTHORITY = Authority()
USERNAME, PASSWORD = "rest_angular", secrets.token_urlsafe(18)
MAIL_SECONDS = 15.0
LISTENER = """
listeners={broker},CLIENTS://127.0.0.1:{port},{controller}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENTS:SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.certificate.chain={certificate}
ssl.keystore.key={key}
"""
NGINX = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
access_log off;
client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{site}
}}
"""


def missing() -> list[str]:
    """Return the missing programs, as Debian's packages."""
    found = {
        "nginx": shutil.which("nginx"),
        "redis-server": _with_tls(Path(shutil.which("redis-server") or "redis-server")),
        "postgresql": postgresql_programs(),
    }
    return [package for package, program in found.items() if not program]


def postgresql_programs() -> Path | None:
    """Return the folder of the newest PostgreSQL with TLS; the one in the wheel has none."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
    return next((program.parent for program in programs if _with_tls(program)), None)


def _with_tls(program: Path) -> bool:
    return "libssl" in subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def start_postgresql(folder: Path, parts: list[Part]) -> str:
    """Start one that accepts only TLS. Returns the application's URL."""
    programs, place, port = postgresql_programs(), folder / "postgres", free_port()
    first, _ = postgres.start(place, folder, port, durable=False, programs=programs)
    try:
        first.wait()
    finally:
        stop([first])
    owner = (place / "data").stat()
    for file in write(place, AUTHORITY.sign("postgres", LOOPBACK)):
        os.chown(file, owner.st_uid, owner.st_gid)
    (place / "data" / "pg_hba.conf").write_text("hostssl all all all scram-sha-256\n")
    settings = "ssl=on", f"ssl_cert_file={place}/server.crt", f"ssl_key_file={place}/server.key"
    part, url = postgres.start(place, folder, port, durable=True, programs=programs, more=settings)
    parts.append(part)
    part.wait()
    return url.replace("127.0.0.1", "localhost")


def start_redis(folder: Path, parts: list[Part]) -> str:
    place, port = _folder(folder, "redis"), free_port()
    certificate, key = write(place, AUTHORITY.sign("redis", LOOPBACK))
    tls = f"--port 0 --tls-port {port} --tls-auth-clients no --tls-cert-file {certificate} --tls-key-file {key}"
    command: list[str | Path] = ["redis-server", *tls.split(), "--bind", "127.0.0.1", "--dir", place, "--save", ""]
    part = Part("redis", [*command, "--requirepass", PASSWORD], folder, ready="Ready to accept connections")
    parts.append(part)
    part.wait()
    return f"rediss://:{PASSWORD}@localhost:{port}/0"


def start_kafka(folder: Path, parts: list[Part]) -> Callable[[], dict[str, str]]:
    """Begin to start a broker. Returns a function that waits until it answers, and returns its variables."""
    if not apache_can_be_had():
        embedded = Part("kafka", [sys.executable, "-m", "dev.kafka"], folder, ready=r"^127\.0\.0\.1:\d+$")
        parts.append(embedded)
        return lambda: {"KAFKA_BOOTSTRAP_SERVERS": embedded.wait()}
    [properties] = apache_kafka.make(folder / "kafka", scram=[f"SCRAM-SHA-512=[name={USERNAME},password={PASSWORD}]"])
    text, port = properties.read_text(), free_port()
    listeners = re.search("^listeners=(BROKER:[^,]*),(CONTROLLER:.*)$", text, re.MULTILINE)
    assert listeners is not None
    certificate, key = (pem.replace("\n", "\\n") for pem in AUTHORITY.sign("kafka", LOOPBACK))
    rest = re.sub("^(listeners|listener.security.protocol.map)=.*\n", "", text, flags=re.MULTILINE)
    more = {"broker": listeners[1], "controller": listeners[2], "port": port, "certificate": certificate, "key": key}
    properties.write_text(rest + LISTENER.format(**more))
    part, _ = apache_kafka.start(properties, folder)
    parts.append(part)

    def variables() -> dict[str, str]:
        part.wait()
        return {
            "KAFKA_BOOTSTRAP_SERVERS": f"kafka+ssl://localhost:{port}",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": USERNAME,
            "KAFKA_SASL_PASSWORD": PASSWORD,
        }

    return variables


def apache_can_be_had() -> bool:
    return all(shutil.which(program) for program in ("java", "mvn"))


def start_nginx(folder: Path, parts: list[Part], site: str) -> None:
    """Start nginx with the documentation's server block."""
    place = _folder(folder, "nginx")
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = place / "nginx.conf"
    configuration.write_text(NGINX.format(folder=place, site=site, user=user))
    part = Part("nginx", ["nginx", "-e", place / "nginx-error.log", "-c", configuration], folder)
    parts.append(part)


class Mails:
    """A mail server that requires STARTTLS and AUTH."""

    def __init__(self, folder: Path) -> None:
        self.mails: list[EmailMessage] = []
        self.encrypted: list[bool] = []
        context = server_context(_folder(folder, "smtp"), AUTHORITY.sign("smtp", LOOPBACK))
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=_authenticate,
        )
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's warnings about itself
        self._controller.start()
        self.url = f"smtp+starttls://{USERNAME}:{PASSWORD}@localhost:{self._controller.port}"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.encrypted.append(bool(session.ssl) and bool(session.authenticated))
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"

    def token_to(self, address: str) -> str:
        """Return the link in the first mail to the address, once it has arrived. Raises AssertionError."""
        deadline = time.monotonic() + MAIL_SECONDS
        while not (found := [mail for mail in self.mails if mail["To"] == address]):
            assert time.monotonic() < deadline, f"no mail to {address} within {MAIL_SECONDS:.0f} s"
            time.sleep(0.05)
        assert all(self.encrypted), "a mail came without TLS or without a password"
        body = found[0].get_body(("plain",))
        assert body is not None
        link = re.search(r"#token=(\S+)", body.get_content())
        assert link, body.get_content()
        return link[1]

    def stop(self) -> None:
        self._controller.stop()


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and given == LoginPassword(USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=True)


def trusting_context() -> ssl.SSLContext:
    """Return the context of a client that trusts only the private authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=AUTHORITY.pem)
    return context
