"""`python -m api.audit`, as an operator runs it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from api.kernel.context import Context
from api.kernel.settings import Settings
from api.users.events import UserDisabled
from tests.audit.entries import announce, chain_of
from tests.audit.test_chain import last

Environment = dict[str, str]


@pytest.fixture
def own(environment: Environment, cloned: Settings) -> Environment:
    return environment | {"DATABASE_URL": cloned.database_url, "PATH": "/usr/bin:/bin"}


async def run(environment: Environment, root: Path, *arguments: str) -> tuple[int, str, str]:
    """Return exit status, standard output and standard error."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "api.audit", *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, done.stdout, done.stderr


async def test_reports_a_valid_chain_and_its_head(own: Environment, root: Path, live: Context) -> None:
    user_id = await chain_of(live, 3)
    head = (await last(live)).head
    await announce(live, UserDisabled(user_id=user_id))
    status, said, errors = await run(own, root)
    assert (status, errors) == (0, "")
    assert "the chain holds: 3 entries checked;" in said
    assert "1 are not sealed yet" in said
    assert said.endswith(f"audit: its head is 3:{head.link.hex()}\n")
    assert (await run(own, root, "--expect", f"3:{head.link.hex()}"))[0] == 0, "its head is accepted by --expect"


async def test_names_the_first_invalid_position(own: Environment, root: Path, live: Context) -> None:
    await chain_of(live, 3)
    head = (await last(live)).head
    await live.db.fetch("delete from audit_entries where position = 3")
    status, said, errors = await run(own, root, "--expect", f"3:{head.link.hex()}")
    assert (status, said) == (1, "")
    assert errors == "audit: position 3 is missing, and all up to 3: the end was cut off.\n"
    await live.db.fetch("update audit_entries set type = 'users.promoted' where position = 2")
    status, _, errors = await run(own, root)
    assert status == 1
    assert errors.startswith("audit: position 2 (")
    assert "Traceback" not in errors


@pytest.mark.parametrize("expected", ["3", "3:zz", ":", "3:00", f"-1:{'00' * 32}", f"³:{'00' * 32}"])
async def test_refuses_an_invalid_expectation(environment: Environment, root: Path, expected: str) -> None:
    status, said, errors = await run(environment, root, f"--expect={expected}")
    assert (status, said) == (2, "")
    assert "--expect: give a position and its hash" in errors


async def test_reports_an_outage_of_the_database_in_one_line(own: Environment, root: Path) -> None:
    down = own | {"DATABASE_URL": "postgresql://nobody:canary@127.0.0.1:1/nowhere"}
    status, said, errors = await run(down, root)
    assert (status, said) == (1, "")
    assert errors == "audit: PostgreSQL does not answer, or has not been migrated.\n"
