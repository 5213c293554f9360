"""A deleted account's remaining entries in the audit."""

from uuid import UUID

import pytest

from api.audit.chain import seal
from api.audit.tasks import erase
from api.audit.upkeep import erase_strangers
from api.kernel.context import Context, Origin
from api.kernel.data.database import uuid7
from api.operations.events import DeadLetterRetried
from api.sessions.events import SignInRefused
from api.users.events import SessionsRevoked, UserDeleted, UserDisabled
from tests.audit.entries import HERE, announce, chain_of
from tests.audit.test_chain import broken, last
from worker.queries import lease_tasks

pytestmark = [pytest.mark.asvs("14.2.7"), pytest.mark.cwe(359), pytest.mark.case(102)]


async def delete(context: Context, user_id: UUID) -> None:
    """Run the worker's task after the deletion of the account's row, twice."""
    await announce(context, UserDeleted(user_id=user_id), HERE)
    [task] = await lease_tasks(context.db, [erase.name], 10, 30.0)
    await erase.run(context, task.id, task.lease)
    assert await context.db.fetch("select 1 from outbox_tasks where id = $1", task.id) == [], "a task failed"
    await erase._function(context, UserDeleted(user_id=user_id), task.id)


async def test_no_personal_data_remains_and_the_chain_is_valid(context: Context) -> None:
    user_id, other = await chain_of(context, 4), await chain_of(context, 2)
    await delete(context, user_id)
    while await seal(context):
        pass
    rows = await context.db.fetch("select * from audit_entries where key = $1 order by position", user_id)
    *gone, deleted = map(dict, rows)
    assert [row["type"] for row in gone] == ["users.updated", "users.verified"] * 2
    erased = ("data", "data_salt", "origin_salt", "address", "user_agent")
    assert [[row[name] for name in erased] for row in gone] == [[None] * 5] * 4
    assert deleted["type"] == "users.deleted"
    assert (deleted["data"], deleted["address"], deleted["user_agent"]) == (
        f'{{"type": "users.deleted", "user_id": "{user_id}"}}',
        None,
        None,
    )
    walked = await last(context)
    assert (walked.head.last, walked.data, walked.origins) == (8, 4, 5)
    kept = await context.db.fetch("select address from audit_entries where key = $1", other)
    assert [row["address"] for row in kept] == [HERE.address] * 2


async def test_an_administrators_actions_remain_without_the_origin(context: Context) -> None:
    """They belong to the other account's history, and stay verifiable."""
    administrator, other = uuid7(), uuid7()
    await announce(context, SessionsRevoked(user_id=other), Origin(administrator, "192.0.2.1", "Firefox"))
    await delete(context, administrator)
    [row] = await context.db.fetch("select * from audit_entries where key = $1", other)
    assert (row["principal_id"], row["address"], row["user_agent"]) == (administrator, None, None)
    assert str(other) in row["data"]
    await last(context)
    await context.db.fetch("update audit_entries set data = '{}' where key = $1", other)
    assert "has other data" in await broken(context)


async def test_an_entry_about_two_deleted_accounts_is_counted_once(context: Context) -> None:
    administrator, other = uuid7(), uuid7()
    await announce(context, UserDisabled(user_id=other), Origin(administrator, "192.0.2.1", "Firefox"))
    await delete(context, administrator)
    await delete(context, other)
    while await seal(context):
        pass
    walked = await last(context)
    assert (walked.data, walked.origins) == (1, 3)
    await context.db.fetch("update audit_entries set origin_salt = null where type = 'audit.erased'")
    assert "the others were tampered with" in await broken(context)


async def test_origins_without_an_account_are_removed_after_ninety_days(context: Context) -> None:
    """Those of an account are kept as long as the account, and so are those of its actions without a subject, such as
    on a dead letter."""
    mine = await chain_of(context, 1)
    await announce(context, SignInRefused(attempt_id=uuid7(), user_id=None, reason="password"))
    await announce(context, SignInRefused(attempt_id=uuid7(), user_id=mine, reason="password"))
    await seal(context)
    assert await erase_strangers(context) == 0
    aged = "update audit_entries set created_at = created_at - interval '91 days' where position is null"
    await announce(context, SignInRefused(attempt_id=uuid7(), user_id=None, reason="throttled"))
    retried = DeadLetterRetried(dead_letter_id=uuid7(), kind="task", what="users.send_reset")
    await announce(context, retried, Origin(mine, "192.0.2.1", "Firefox"))
    await context.db.fetch(aged)
    assert await erase_strangers(context) == 0, "an unsealed entry waits"
    await seal(context)
    assert [await erase_strangers(context), await erase_strangers(context)] == [1, 0]
    await seal(context)
    walked = await last(context)
    assert (walked.data, walked.origins) == (0, 1)
    [row] = await context.db.fetch("select data from audit_entries where address is null and type = 'sessions.refused'")
    assert "throttled" in row["data"]


async def test_a_long_history_is_erased_in_parts(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.audit.tasks.AT_ONCE", 2)
    user_id = await chain_of(context, 5)
    await delete(context, user_id)
    [left] = await context.db.fetch("select count(*) from audit_entries where address is not null")
    assert left["count"] == 0
    told = await context.db.fetch("select data ->> 'origins' as n from audit_entries where type = 'audit.erased'")
    assert sum(int(row["n"]) for row in told) == 6
