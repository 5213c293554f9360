"""The oracle detects the faults that the suite looks for: these tests cause them on purpose."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.experiments import Experiment
from tests.faults.ledger import Account
from tests.faults.oracle import Oracle, drained
from tests.faults.rig import Rig
from tests.faults.trial import Row


@pytest.fixture
async def judged(tmp_path: Path) -> AsyncIterator[tuple[Rig, Oracle]]:
    """A few accounts, after a verdict without faults."""
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


async def test_missing_rows_are_lost_and_unrequested_ones_invented(judged: tuple[Rig, Oracle]) -> None:
    rig, oracle = judged
    named = next(account for account in rig.ledger.accounts if account.names)
    gone = next(account for account in rig.ledger.accounts if account is not named)
    await rig.rows("delete from users where email = $1", gone.email)
    await rig.rows("update users set name = 'another' where email = $1", named.email)
    rig.mails.arrived[named.email].clear()
    announced = "select id from outbox_events where type = 'sessions.started' limit 1"
    await rig.rows(f"update outbox_events set id = gen_random_uuid() where id = ({announced})")
    ended = "update sessions set ended_at = now(), end_reason = 'limit' where id = $1"
    await rig.rows(ended, next(iter(named.sessions)))
    verdict = await oracle.judge()
    assert kinds(verdict.lost) >= {"account", "name", "mail", "event", "half", "session"}
    assert kinds(verdict.invented) == {"event"}


async def test_another_order_and_repetitions_are_detected(judged: tuple[Rig, Oracle]) -> None:
    rig, oracle = judged
    email = rig.ledger.accounts[0].email
    rig.mails.arrived[email] *= 2
    named = next(account for account in rig.ledger.accounts if account.names)
    # As if the account was registered after its name was changed.
    whose = "select id from users where email = $1"
    moved = f"update outbox_events set seq = default where type = 'users.registered' and key = ({whose})"
    await rig.rows(moved, named.email)
    verdict = await oracle.judge()
    assert (verdict.disorder, verdict.mails_twice) == (1, 1)
    assert (verdict.lost, verdict.invented) == ([], [])


async def nothing(_: Rig) -> int:
    return 1


def test_a_name_that_was_read_counts_as_acknowledged() -> None:
    account = Account("ada@example.com", "acked", names=[("first", "acked"), ("second", "unknown"), ("third", "down")])
    assert account.possible_names() == {"first", "second"}
    account.saw("second")
    assert account.possible_names() == {"second"}


def test_a_failed_call_is_a_fault_unless_the_experiment_interrupts_the_service() -> None:
    failed = [f"GET /api/users/me {number}" for number in range(6)]
    kept = Row(Experiment("F-10", "Redis refuses", nothing), 1, failed=failed)
    assert kept.faults == [*(f"refused service: {each}" for each in failed[:5]), "refused service: 6 in all"]
    assert Row(Experiment("F-19", "PostgreSQL away", nothing, outage=True), 1, failed=failed).faults == []


def test_late_recoveries_are_reported_by_the_experiments_limits() -> None:
    killed = Experiment("F-5", "relay killed", nothing)
    assert Row(killed, 1, answers=5, events=2, tasks=32).late == []
    assert Row(killed, 1, events=2.1, tasks=33).late == [
        "late: events after 2.1 s, not 2",
        "late: tasks after 33.0 s, not 32",
    ]
    assert Row(killed, 2, events=2.1, tasks=33).late == []
