"""C-211: a uid without a passwd entry or a home, on a read-only tree, as Kubernetes and OpenShift start containers."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from api.kernel.context import Context
from api.kernel.settings import Settings
from tests.conftest import with_database
from tests.factories import PASSWORD
from tests.processes import MailServer, Processes

UID = "54321"
# May read every folder, because the project may be in a private one, and write to none.
PRIVILEGES = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
PRIVILEGES += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or subprocess.run([*PRIVILEGES, "true"], check=False, capture_output=True).returncode != 0,
    reason="needs to be root, to switch the user",
)


def test_the_release_process_runs(environment: dict[str, str], settings: Settings, root: Path) -> None:
    name = f"uid_{os.getpid()}"
    with psycopg.connect(settings.database_url, autocommit=True) as admin:
        admin.execute(f'create database "{name}"')
        try:
            url = with_database(settings, name)
            own = {"PATH": "/usr/bin:/bin", **environment, "DATABASE_URL": url}
            for expected in ("migration(s) done", "the schema is current"):
                ended = subprocess.run(
                    [*PRIVILEGES, sys.executable, "-m", "migrations"],
                    cwd=root,
                    env=own,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert (ended.returncode, ended.stderr) == (0, "")
                assert expected in ended.stdout
            with psycopg.connect(url) as connection:
                [[by]] = connection.execute("select distinct username from _yoyo_log").fetchall()
            assert by == f"uid {UID}"
        finally:
            admin.execute(f'drop database if exists "{name}" with (force)')


def test_a_database_url_without_a_user_is_refused_and_nothing_crashes(environment: dict[str, str], root: Path) -> None:
    own = {"PATH": "/usr/bin:/bin", **environment, "DATABASE_URL": "postgresql://127.0.0.1:1/app"}
    for module in ("api", "worker", "migrations"):
        ended = subprocess.run(
            [*PRIVILEGES, sys.executable, "-m", module], cwd=root, env=own, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 1
        assert "DATABASE_URL must name a role" in ended.stderr
        assert "Traceback" not in ended.stderr


async def test_web_and_worker_run(
    environment: dict[str, str], cloned: Settings, live: Context, mail_server: MailServer, tmp_path: Path
) -> None:
    own = {"DATABASE_URL": cloned.database_url, "KAFKA_PREFIX": cloned.kafka.prefix, "SMTP_URL": mail_server.url}
    with Processes(environment | own, tmp_path, PRIVILEGES) as processes:
        await processes.worker()
        async with processes.web() as client:
            await register(client)
            assert await mail_server.mail_to("ada@example.com")


async def register(client: httpx.AsyncClient) -> None:
    registered = await client.post("/api/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
    assert registered.status_code == 201
