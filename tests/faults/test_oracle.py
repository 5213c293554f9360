"""The oracle sees what the suite looks for: here it is done on purpose."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.oracle import Oracle, drained
from tests.faults.rig import Rig


@pytest.fixture
async def judged(tmp_path: Path) -> AsyncIterator[tuple[Rig, Oracle]]:
    """A few accounts, after a verdict that finds no fault."""
    async with Rig(tmp_path, rate=60, seed=1) as rig:
        async with asyncio.TaskGroup() as group:
            group.create_task(rig.ledger.run())
            await rig.ledger.good_since(0)
            while not any(account.names for account in rig.ledger.accounts):  # noqa: ASYNC110  # the clients' calls
                await asyncio.sleep(0.1)
            rig.ledger.end()
        await drained(rig)
        oracle = Oracle(rig)
        verdict = await oracle.judge()
        assert (verdict.lost, verdict.invented, verdict.disorder) == ([], [], 0)
        assert rig.ledger.broken == []
        yield rig, oracle


def kinds(faults: list[str]) -> set[str]:
    return {fault.split()[0].rstrip(":") for fault in faults}


async def test_what_is_missing_is_lost_and_what_nobody_asked_for_is_invented(judged: tuple[Rig, Oracle]) -> None:
    rig, oracle = judged
    named = next(account for account in rig.ledger.accounts if account.names)
    gone = next(account for account in rig.ledger.accounts if account is not named)
    await rig.rows("delete from users where email = $1", gone.email)
    await rig.rows("update users set name = 'another' where email = $1", named.email)
    rig.mails.arrived[named.email].clear()
    announced = "select id from outbox_events where type = 'sessions.started' limit 1"
    await rig.rows(f"update outbox_events set id = gen_random_uuid() where id = ({announced})")
    verdict = await oracle.judge()
    assert kinds(verdict.lost) >= {"account", "name", "mail", "event"}
    assert kinds(verdict.invented) == {"event"}


async def test_an_order_that_differs_is_seen_and_so_is_what_comes_twice(judged: tuple[Rig, Oracle]) -> None:
    rig, oracle = judged
    email = rig.ledger.accounts[0].email
    rig.mails.arrived[email] *= 2
    named = next(account for account in rig.ledger.accounts if account.names)
    # As if the account had been registered after its name was changed.
    whose = "select id from users where email = $1"
    moved = f"update outbox_events set seq = default where type = 'users.registered' and key = ({whose})"
    await rig.rows(moved, named.email)
    verdict = await oracle.judge()
    assert (verdict.disorder, verdict.mails_twice) == (1, 1)
    assert (verdict.lost, verdict.invented) == ([], [])
