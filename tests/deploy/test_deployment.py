"""C-250: the deployment of docs/operations.md works, and `make deployment`, which follows it, reports a failed step."""

import contextlib
from pathlib import Path

import pytest

from api.kernel.settings import load
from tests.deploy import manual, servers
from tests.deploy.deployment import Deployment, run
from tests.deploy.test_files import documented


def test_the_settings_of_the_manual_are_complete() -> None:
    named = manual.settings()
    assert named.keys() <= documented()
    given = {name: servers.AUTHORITY.pem if name.endswith("_CERT") else value for name, value in named.items()}
    loaded = load(given | {"SECRET_KEY": "tests-only: 7c1f0b52e6d94a83b1c5d7e9f2a4c6e8"})
    assert "sslmode=verify-full" in loaded.database_url
    assert loaded.redis_url.startswith("rediss://")
    assert (loaded.kafka.tls, loaded.kafka.sasl_mechanism, loaded.smtp.tls) == (True, "SCRAM-SHA-512", "starttls")


def test_the_copied_folders_are_all_that_the_procfile_starts() -> None:
    copied = manual.block("install").splitlines()[1].split()[2:-1]
    assert {command[2] for command in manual.processes().values()} <= set(copied)
    assert all((manual.ROOT / name).exists() for name in copied)


def test_a_failed_step_ends_it_with_the_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.closing(Deployment(tmp_path)) as made:
        (made.logs / "web.log").write_text("web cannot start\n")
        monkeypatch.setattr(manual, "block", lambda name: "cp -R nothing /opt/rest-angular/")
        assert run(made) == 1
    told = capsys.readouterr().out
    assert "FAILED  install: ['cp', '-R', 'nothing'" in told
    assert "--- web.log\nweb cannot start" in told
