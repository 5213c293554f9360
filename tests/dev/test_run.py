import ast
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.processes import what_is_missing
from tests.dev.project import Project, ended


def environment_of_web(project: Project) -> list[str | None]:
    answer: list[str | None] = ast.literal_eval(get(project, "/environment").text)
    return answer


def get(project: Project, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{project.port}{path}", trust_env=False)


def test_run_starts_everything_twice_and_leaves_nothing(project: Project) -> None:
    (project.folder / ".env").write_text("# local\nGREETING='hello # there' # why\nPORT=1\n")
    run = project.run().until_ready()
    first, family = project.services(), run.family()
    secret, public_url, database_url, greeting, port, web_dir = environment_of_web(project)
    assert (public_url, greeting, port) == (f"http://localhost:{project.port}", "hello # there", str(project.port))
    assert database_url == first["database_url"]
    assert web_dir is None, "there is no application in web/"
    for address in (first["web_url"], f"{first['web_url']}/api/docs", first["mail_url"], ".data/mail", ".data"):
        assert address in run.output
    assert first["kafka_bootstrap_servers"] in run.output
    assert "10000/hour by address, 100000/hour by account" in run.output
    assert httpx.get(first["mail_url"], trust_env=False).status_code == 200
    begun = time.monotonic()
    assert run.stop(signal.SIGINT) == 130
    assert time.monotonic() - begun < 30
    assert ended(family, seconds=0)
    assert len(family) > 10

    run = project.run(PUBLIC_URL="https://mine.example").until_ready()
    second = project.services()
    assert {**second, "kafka_bootstrap_servers": ""} == {**first, "kafka_bootstrap_servers": ""}
    assert environment_of_web(project)[:2] == [secret, "https://mine.example"]
    family = run.family()
    assert run.stop(signal.SIGTERM) == 143
    assert ended(family, seconds=0)
    for name in ("services.json", "secret_key", "postgres/password"):
        assert (project.data / name).stat().st_mode & 0o077 == 0


def test_kill_9_leaves_nothing_and_the_next_start_works(project: Project) -> None:
    run = project.run().until_ready()
    family = run.family()
    assert run.stop(signal.SIGKILL) == -signal.SIGKILL
    project.run().until_ready()
    assert ended(family)


def test_kill_9_of_its_process_group_leaves_nothing(project: Project) -> None:
    """C-337: honcho's processes are in the group, web and worker are not."""
    run = project.run().until_ready()
    family = run.family()
    ours = {pid for pid in family if b"dev\0run" in Path(f"/proc/{pid}/cmdline").read_bytes()}
    assert len(ours) == 3
    for pid in ours:
        os.kill(pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    assert ended(family)


def test_a_process_that_ignores_sigterm_is_killed_within_ten_seconds(project: Project) -> None:
    run = project.run().until_ready()
    family = run.family()
    get(project, "/hang")
    begun = time.monotonic()
    run.stop()
    assert time.monotonic() - begun < 30
    assert ended(family, seconds=0)


def test_when_web_ends_all_end(project: Project) -> None:
    run = project.run().until_ready()
    family = run.family()
    with pytest.raises(httpx.RemoteProtocolError):
        get(project, "/exit")
    assert run.wait() == 1
    assert "web ended with status 3" in run.output
    assert ended(family, seconds=0)


def test_when_a_service_ends_all_end(project: Project) -> None:
    run = project.run().until_ready()
    family = run.family()
    (broker,) = (pid for pid in family if b"dev.kafka" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(broker, signal.SIGKILL)
    assert run.wait() == 1
    assert "kafka was killed by SIGKILL" in run.output
    assert ended(family, seconds=0)


def test_a_second_copy_and_exec_on_the_same_folder(project: Project) -> None:
    run = project.run().until_ready()
    second = project.run()
    assert second.wait() == 1
    assert second.output == ".data is in use by another `make run`: stop it, or set DATA_DIR.\n"
    # exec finds the stack's own port, not that of its caller.
    shell = project.dev("exec", "sh", "-c", "echo $DATABASE_URL $PORT $SECRET_KEY", PORT="1")
    secret = (project.data / "secret_key").read_text()
    assert shell.communicate()[0].split() == [project.services()["database_url"], str(project.port), secret]
    run.stop()
    shell = project.dev("exec", "true")
    assert shell.communicate()[0] == "Nothing runs on .data: start it with `make run`.\n"
    assert shell.returncode == 1


def test_a_taken_port_is_named_before_anything_starts(project: Project) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", project.port))
        other.listen()
        run = project.run()
        assert run.wait() == 1
    assert run.output == f"Port {project.port} is in use by another program: stop it, or set PORT.\n"
    assert not project.data.exists()


def test_an_invalid_port_is_refused(project: Project) -> None:
    run = project.run(PORT="http")
    assert run.wait() == 1
    assert run.output == "PORT is http: it must be a number from 1 to 65535.\n"


def test_an_invalid_line_of_the_env_file_is_named(project: Project) -> None:
    (project.folder / ".env").write_text("# fine\n\nexport FINE=\nSECRET_KEY: value\n")
    run = project.run()
    assert run.wait() == 1
    assert run.output == ".env, line 4: expected KEY=VALUE or a # comment.\n"


def test_failing_migrations_stop_the_start(project: Project) -> None:
    (project.folder / "migrations.py").write_text("raise SystemExit('column already exists')")
    run = project.run(
        KAFKA_BOOTSTRAP_SERVERS="elsewhere:9092", REDIS_URL="redis://elsewhere", SMTP_URL="smtp://elsewhere"
    )
    assert run.wait() == 1
    assert "migrations failed with status 1" in run.output
    assert "column already exists" in run.output
    assert "Traceback" not in run.output


@pytest.mark.parametrize(
    ("report", "missing"),
    [
        ({"status": "ok"}, ""),
        ({}, "web does not answer"),
        ({"status": "degraded"}, "a dependency is down; see `make status`"),
        ({"status": 503, "title": "Service Unavailable"}, '{"status": 503, "title": "Service Unavailable"}'),
    ],
)
def test_missing_packages_and_programs(report: dict[str, Any], missing: str) -> None:
    assert what_is_missing(report) == missing
