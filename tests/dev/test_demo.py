"""The demo accounts of `make run`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from api.kernel.context import Context
from dev.demo import EMAIL, Demo, password, prepare
from dev.demo_accounts import create
from dev.ports import free_port
from tests.dev.project import EXTERNAL, ROOT, Run
from tests.factories import make_user
from tests.users.people import can_sign_in, sign_in

CHOSEN = "vze3l-ddhk6-r2xr3-sevnl"


def start(data: Path, port: int) -> Run:
    """Start `make run` of this repository on a data folder."""
    inherited = {name: value for name, value in os.environ.items() if name not in (*EXTERNAL, "ENVIRONMENT")}
    process = subprocess.Popen(
        [sys.executable, "-m", "dev", "run"],
        cwd=ROOT,
        env={**inherited, "DATA_DIR": str(data), "PORT": str(port), "WEB": "off"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Run(process)


def test_the_banner_names_a_superuser_who_can_sign_in_and_stays_as_changed(tmp_path: Path) -> None:
    """C-361: the accounts are created once; what a person changes is kept."""
    data, port = tmp_path / "data", free_port()
    run = start(data, port)
    try:
        run.until_ready()
        demo = json.loads((data / "demo.json").read_bytes())
        assert (data / "demo.json").stat().st_mode & 0o077 == 0
        assert (demo["email"], demo["password"]) == (EMAIL, password(data))
        assert f"Sign in       {EMAIL}" in run.output
        assert demo["password"] in run.output
        with httpx.Client(base_url=f"http://localhost:{port}/api", trust_env=False) as client:
            form = {"username": EMAIL, "password": demo["password"]}
            token = client.post("/auth/jwt/login", data=form).json()["access_token"]
            client.headers["authorization"] = f"Bearer {token}"
            accounts = client.get("/users", params={"limit": 100}).json()["items"]
            assert len(accounts) == 31
            [removed] = [account["id"] for account in accounts if account["email"] == "ada.lovelace@example.com"]
            assert client.delete(f"/users/{removed}").status_code == 204
            run.stop()
            (data / "demo.json").unlink()  # as if the first start had been killed at its end
            run = start(data, port).until_ready()
            assert json.loads((data / "demo.json").read_bytes()) == demo
            token = client.post("/auth/jwt/login", data=form).json()["access_token"]
            client.headers["authorization"] = f"Bearer {token}"
            assert client.get("/users", params={"limit": 100}).json()["total"] == 30
    finally:
        run.stop()


@pytest.mark.hashing
async def test_the_accounts_differ_in_state_and_are_announced(live: Context, live_client: httpx.AsyncClient) -> None:
    """They are imported, so that audit, events and lists have them like others."""
    assert await create(live, CHOSEN)
    headers = await sign_in(live_client, EMAIL, CHOSEN)
    accounts = (await live_client.get("/api/users", params={"limit": 100}, headers=headers)).json()["items"]
    assert [account["email"] for account in accounts if account["is_superuser"]] == [EMAIL]
    for name, value, least in [("is_verified", False, 4), ("is_active", False, 4), ("roles", ["editor"], 3)]:
        assert len([account for account in accounts if account[name] == value]) >= least, name
    assert await can_sign_in(live_client, "grace.hopper@example.com", CHOSEN)
    assert not await can_sign_in(live_client, "carl.zeiss@example.com", CHOSEN), "the account is disabled"
    languages = await live.db.fetch("select language, count(*) from users group by language order by language")
    assert [row["language"] for row in languages] == ["de", "en"]
    events = await live.db.fetch("select type, count(*) from outbox_events where type like 'users.%' group by type")
    assert {row["type"]: row["count"] for row in events} == {"users.imported": 31, "users.promoted": 1}
    assert await create(live, CHOSEN), "an interrupted start is repeated"
    [(count,)] = await live.db.fetch("select count(*) from users")
    assert count == 31


async def test_a_database_with_accounts_is_not_changed(live: Context) -> None:
    """C-361: not even if one has the address of the demo superuser."""
    await make_user(live, EMAIL)
    before = await live.db.fetch("select * from users")
    assert not await create(live, CHOSEN)
    assert await live.db.fetch("select * from users") == before


def test_no_demo_account_outside_of_development(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C-361: nothing is started, and no file is written."""
    assert prepare(tmp_path, {"ENVIRONMENT": "production"}) is None
    monkeypatch.setenv("DATABASE_URL", "postgres://localhost/mine")
    assert prepare(tmp_path, {"ENVIRONMENT": "development"}) is None
    assert list(tmp_path.iterdir()) == []


def test_the_command_refuses_production(environment: dict[str, str], tmp_path: Path) -> None:
    """C-361."""
    done = subprocess.run(
        [sys.executable, "-m", "dev.demo_accounts", tmp_path / "demo.json"],
        cwd=ROOT,
        env=environment | {"ENVIRONMENT": "production", "PUBLIC_URL": "https://app.example.com"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "ENVIRONMENT is not development" in done.stderr
    assert not (tmp_path / "demo.json").exists()


def test_the_password_is_of_the_data_folder(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    first, second = (password(folder) for folder in folders)
    assert first != second
    assert first == password(folders[0])
    (folders[0] / "demo.json").write_text(json.dumps({"email": EMAIL, "password": first}))
    assert prepare(folders[0], {"ENVIRONMENT": "development"}) == Demo(EMAIL, first)
