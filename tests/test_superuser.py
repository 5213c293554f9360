"""`python -m api.superuser EMAIL`."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.settings import Settings
from tests.commands import at_terminal
from tests.factories import PASSWORD, make_user

Environment = dict[str, str]


@pytest.fixture
def own(environment: Environment, cloned: Settings) -> Environment:
    return environment | {"DATABASE_URL": cloned.database_url, "PATH": "/usr/bin:/bin"}


async def run(environment: Environment, root: Path, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Return exit status, standard output and standard error."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "api.superuser", *arguments],
        cwd=root,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert PASSWORD not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


async def test_promotes_the_account(own: Environment, root: Path, live: Context) -> None:
    await make_user(live, "ada@example.com")
    assert await run(own, root, "ADA@example.com") == (0, "ada@example.com is a superuser.\n", "")
    [user] = await live.db.fetch("select is_superuser, is_verified, is_active from users")
    assert tuple(user) == (True, True, True)
    events = await live.db.fetch("select type, traceparent from outbox_events")
    assert [event["type"] for event in events] == ["users.promoted"]
    assert not events[0]["traceparent"].startswith("00-000000"), "the event carries the trace"
    assert (await run(own, root, "ada@example.com"))[0] == 0, "the command is idempotent"


async def test_creates_an_account_with_the_password_from_standard_input(
    own: Environment, root: Path, live: Context, live_client: httpx.AsyncClient
) -> None:
    status, said, errors = await run(own, root, "Ada@Example.com", stdin=f"{PASSWORD}\n")
    assert (status, said, errors) == (0, "ada@example.com is a superuser, with the password that was given.\n", "")
    form = {"username": "ada@example.com", "password": PASSWORD}
    pair = (await live_client.post("/api/auth/jwt/login", data=form)).json()
    me = await live_client.get("/api/users/me", headers={"authorization": f"Bearer {pair['access_token']}"})
    assert (me.json()["is_superuser"], me.json()["is_verified"]) == (True, True)
    events = await live.db.fetch("select type from outbox_events where topic = 'users' order by seq")
    assert [event["type"] for event in events] == ["users.registered", "users.promoted"]


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("", "at least 8 characters"),
        ("ADA@example.com", "must not be the e-mail address"),
    ],
)
async def test_refuses_a_weak_password(
    own: Environment, root: Path, live: Context, password: str, message: str
) -> None:
    status, said, errors = await run(own, root, "ada@example.com", stdin=f"{password}\n")
    assert (status, said) == (1, "")
    assert re.fullmatch(rf"superuser: .*{message}.*\n", errors)
    assert await live.db.fetch("select 1 from users union all select 1 from outbox_events") == []


@pytest.mark.parametrize("arguments", [["ada@example.com, b@example.com"], ["a@example.com", PASSWORD]])
async def test_refuses_an_invalid_address(environment: Environment, root: Path, arguments: list[str]) -> None:
    status, said, errors = await run(environment, root, *arguments)
    assert (status, said) == (1, "")
    assert errors == "superuser: give one e-mail address: python -m api.superuser ada@example.com\n"


async def test_reports_an_outage_of_the_database_in_one_line(own: Environment, root: Path) -> None:
    down = own | {"DATABASE_URL": "postgresql://nobody:canary@127.0.0.1:1/nowhere"}
    status, said, errors = await run(down, root, "ada@example.com")
    assert (status, said) == (1, "")
    assert errors == "superuser: PostgreSQL does not answer, or has not been migrated; nothing was changed.\n"


async def test_names_missing_variables(own: Environment, root: Path) -> None:
    del own["SECRET_KEY"]
    status, _, errors = await run(own, root, "ada@example.com")
    assert status == 1
    assert errors.startswith("superuser: ")
    assert "SECRET_KEY is missing." in errors


@pytest.mark.parametrize(
    ("typed", "status", "told"),
    [
        ([PASSWORD, PASSWORD], 0, "is a superuser, with the password"),
        ([PASSWORD, "another one"], 1, "the two passwords differ; nothing was changed."),
        (["\x03"], 1, "superuser: nothing was changed."),
    ],
)
async def test_asks_twice_at_a_terminal_and_echoes_nothing(
    own: Environment, root: Path, live: Context, typed: list[str], status: int, told: str
) -> None:
    answers = list(zip(("yet. New password: ", "Repeat the password: "), typed, strict=False))
    ended, shown = await at_terminal(own, "api.superuser", "ada@example.com", answers=answers)
    assert ended == status
    assert told in shown
    assert PASSWORD not in shown
    assert len(await live.db.fetch("select 1 from users")) == (status == 0)
