"""`python -m api.operations`: an operator's decisions on dead letters and orphaned tasks."""

import asyncio
import os
import subprocess
import sys

import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.settings import Settings
from tests.commands import at_terminal, run
from tests.operations.test_bulk import add_dead
from tests.processes import ROOT
from tests.worker.jobs import add_tasks

pytestmark = pytest.mark.case(232)
OPERATIONS = "api.operations"
Environment = dict[str, str]


@pytest.fixture
def own(environment: Environment, cloned: Settings) -> Environment:
    return environment | {"DATABASE_URL": cloned.database_url, "PATH": "/usr/bin:/bin"}


async def dead(live: Context) -> int:
    [row] = await live.db.fetch(
        "select (select count(*) from outbox_events where dead_at is not null)"
        " + (select count(*) from outbox_tasks where dead_at is not null)"
    )
    count: int = row[0]
    return count


async def audited(live: Context) -> list[tuple[str, str, str]]:
    rows = await live.db.fetch(
        "select type, data->>'kind', data->>'what' from audit_entries where type like 'operations.%' order by id"
    )
    return [tuple(row) for row in rows]


async def test_letters_are_counted_and_listed_without_their_content(own: Environment, live: Context) -> None:
    [old, young], [key] = await add_dead(live, tasks=2, events=1)
    await live.db.fetch("update outbox_tasks set last_error = E'550 \\x1b[31mno' where id = $1", old)
    status, said, errors = await run(own, OPERATIONS, "dead-letters", "list")
    assert (status, errors) == (0, "")
    lines = said.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["1", "event"], ["2", "task"]]
    assert lines[2] == "3 dead letter(s)."
    assert [line.split()[0] for line in lines[4:6]] == [str(young), str(old)]
    assert "550 ?[31mno" in lines[5], "control characters of other systems are escaped for the terminal"
    assert str(key) in said
    assert "ada@example.com" not in said
    listed = (await run(own, OPERATIONS, "dead-letters", "list", "--kind", "task", "--limit", "1"))[1]
    assert str(young) in listed
    assert str(old) not in listed


async def test_one_letter_is_shown(own: Environment, live: Context) -> None:
    [id], _ = await add_dead(live, tasks=1)
    status, said, _ = await run(own, OPERATIONS, "dead-letters", "show", str(id))
    assert status == 0
    assert dict(line.split(maxsplit=1) for line in said.splitlines())["type"] == "worker.wait_at_gate"
    status, said, errors = await run(own, OPERATIONS, "dead-letters", "show", str(uuid7()))
    assert (status, said) == (1, "")
    assert errors == "operations: no dead letter has this id; it may have been retried or discarded.\n"


@pytest.mark.parametrize("verb", ["retry", "discard"])
async def test_nothing_changes_without_confirmation(own: Environment, live: Context, verb: str) -> None:
    """C-333: the exit status reports it to scripts."""
    await add_dead(live)
    status, said, errors = await run(own, OPERATIONS, "dead-letters", verb, "--all", stdin="y\n")
    assert (status, errors) == (1, "operations: nothing was changed; use --yes to confirm.\n")
    assert "5 dead letter(s)." in said
    assert await dead(live) == 5
    question = f"{verb} 5 dead letter(s)? [y/N] "
    for answer in ("n", "", "\x03"):
        status, shown = await at_terminal(own, OPERATIONS, "dead-letters", verb, "--all", answers=[(question, answer)])
        assert status == (1 if answer == "\x03" else 0), shown
    assert await dead(live) == 5
    assert await audited(live) == []
    status, shown = await at_terminal(own, OPERATIONS, "dead-letters", verb, "--all", answers=[(question, "y")])
    assert (status, await dead(live)) == (0, 0)
    assert shown.strip().splitlines()[-1].startswith("5 ")
    assert len(await audited(live)) == 5


async def test_with_yes_letters_are_decided_with_progress(own: Environment, live: Context) -> None:
    await add_dead(live, tasks=1, events=1)
    await live.db.fetch(
        "insert into outbox_tasks (task, event_id, data, traceparent, dead_at)"
        " select 'users.send_reset', gen_random_uuid(), '{}', '', now() - interval '3 days'"
        " from generate_series(1, 1100)"
    )
    done = await run(
        own, OPERATIONS, "dead-letters", "discard", "--type", "users.send_reset", "--older-than", "2d", "--yes"
    )
    status, said, errors = done
    assert (status, said.splitlines()[-1]) == (0, "1100 discarded.")
    assert errors == "operations: 1000 of 1100 dead letter(s) discarded …\n"
    assert await dead(live) == 2
    assert set(await audited(live)) == {("operations.dead_letter_discarded", "task", "users.send_reset")}
    assert len(await audited(live)) == 1100
    again = await run(own, OPERATIONS, "dead-letters", "discard", "--type", "users.send_reset", "--yes")
    assert again == (0, "no dead letters match.\n", "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "required"),
        (["dead-letters", "retry"], "give either --all or filter options."),
        (["dead-letters", "retry", "--all", "--type", "x"], "give either --all or filter options."),
        (["dead-letters", "discard", "--older-than", "soon"], "give an age such as 90s, 30m, 2h or 7d."),
        (["dead-letters", "discard", "--id", "7"], "invalid UUID value"),
        (["dead-letters", "discard", "--kind", "letter"], "invalid choice"),
        (["orphans", "discard", "--yes"], "--type"),
        (["unlock", "ada\udcff@example.com"], "arguments must be printable UTF-8 text."),
        (["unlock", "ada@example.com", "--address", "nowhere"], "give one IPv4 or IPv6 address."),
    ],
)
async def test_a_mistyped_command_changes_nothing(environment: Environment, arguments: list[str], told: str) -> None:
    own = environment | {"DATABASE_URL": "postgresql://nobody:canary@127.0.0.1:1/nowhere", "PATH": "/usr/bin:/bin"}
    status, said, errors = await run(own, OPERATIONS, *arguments)
    assert (status, said) == (2, "")
    assert told in errors


async def test_a_pending_task_whose_feature_is_gone_is_listed_and_discarded(own: Environment, live: Context) -> None:
    gone = await add_tasks(live.db, "shop.send_bill", count=2)
    leased, *_ = await add_tasks(live.db, "shop.send_bill")
    await live.db.fetch("update outbox_tasks set locked_until = now() + interval '30 s' where id = $1", leased)
    await add_tasks(live.db, "users.send_reset")
    line = "2  shop.send_bill: pending, no such task"
    status, said, _ = await run(own, OPERATIONS, "orphans", "list")
    assert (status, line in said, len(said.splitlines())) == (0, True, 1)
    assert line in (await run(own, OPERATIONS, "dead-letters", "list"))[1]
    assert "3 task(s) shop.send_bill: pending, no such task" in (await run(own, "api.system"))[1]
    status, _, errors = await run(own, OPERATIONS, "orphans", "discard", "--type", "shop.send_bill")
    assert (status, errors) == (1, "operations: nothing was changed; use --yes to confirm.\n")
    status, said, _ = await run(own, OPERATIONS, "orphans", "discard", "--type", "shop.send_bill", "--yes")
    assert (status, said.splitlines()[-1]) == (0, "2 discarded.")
    left = await live.db.fetch("select id, task from outbox_tasks")
    assert {row["task"] for row in left} == {"shop.send_bill", "users.send_reset"}
    assert {row["id"] for row in left} & {*gone, leased} == {leased}, "a worker of the previous release still runs it"
    assert set(await audited(live)) == {("operations.dead_letter_discarded", "task", "shop.send_bill")}
    again = await run(own, OPERATIONS, "orphans", "discard", "--type", "users.send_reset", "--yes")
    assert again == (0, "no orphaned tasks.\n", "")


async def test_an_outage_of_the_database_is_reported_in_one_line(own: Environment) -> None:
    down = own | {"DATABASE_URL": "postgresql://nobody:canary@127.0.0.1:1/nowhere"}
    status, said, errors = await run(down, OPERATIONS, "dead-letters", "list")
    assert (status, said) == (1, "")
    assert errors == "operations: PostgreSQL does not answer, or has not been migrated.\n"


async def test_a_closed_reader_is_no_error(own: Environment, live: Context) -> None:
    await add_dead(live, tasks=150)
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", OPERATIONS, "dead-letters", "list", "--limit", "150"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=own, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
