"""C-440: each foreign key and each unique constraint that a statement can violate is mapped to the client's error by
its name, or the reason why no caller violates it is stated. Derived from the migrated database and the statements."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.settings import Settings
from tests.factories import make_user
from tests.patient import SECONDS
from tests.sessions.signing import bearer, login
from tests.test_sql import QUERIES
from tests.webhooks.conftest import URL

pytestmark = pytest.mark.case(440)
REASONS = {
    "audit.mark_sealed audit_entries_position_key": "the worker numbers entries under an advisory lock",
    "kernel.insert_event": "the ids and numbers are new, made by uuid7() or by PostgreSQL",
    "kernel.insert_events": "the ids and numbers are new, made by uuid7() or by PostgreSQL",
    "kernel.number_live outbox_live_position_key": "positions are given under an advisory lock",
    "mails.insert_repetition": "the task is new, and the mail, which goes with its account, is locked",
    "mails.save_attempt mails_user_id_fkey": "the statement locks the account",
    "notifications.count_mail notification_mails_user_id_fkey": "in a task, which is repeated, and finds no account",
    "notifications.erase_sends notification_sends_key": "the key is the id of the send",
    "notifications.insert_for_accounts": "the statement locks the accounts, and the digest is null",
    "notifications.insert_for_audience": "in a task, which is repeated, and finds the accounts that are left",
    "notifications.join_digest notification_digests_user_id_fkey": "in a task, which is repeated, and finds no account",
    "notifications.mark_in_digest notifications_digest_id_fkey": "the transaction has written the digest",
    "notifications.open_box notification_boxes_user_id_fkey": "the statement locks the account",
    "notifications.switch_mails_off notification_switches_user_id_fkey": "open_box has locked the account",
    "sessions.insert sessions_user_id_fkey": "the statement locks the account",
    "sessions.renew sessions_user_id_fkey": "the caller's change of password has locked the account",
    "users.insert_revert_token": "in a task: the token is random, and a retry finds no account",
    "users.insert_token": "in a task: the token is random, and a retry finds no account",
    "webhooks.insert_secret": "the endpoint is new or locked, and its former secret has just expired",
    "webhooks.insert_test webhook_deliveries_event_key": "the id of the event is new",
    "webhooks.mark_delivered": "the statement updates the delivery, and each of its leases has a number of its own",
    "webhooks.mark_failed": "the statement updates the delivery, and each of its leases has a number of its own",
    "plans.insert_target plan_targets_user_id_fkey": "the statement locks the account",
    "plans.change_target plan_targets_user_id_fkey": "the statement locks the account",
}
"""Why no caller can violate a constraint: by statement and constraint, or by statement for all of its own."""

TABLES = re.compile(r"insert into (\w+)|(?<!for )(?<!do )\bupdate (\w+)|delete from (\w+)")
CONSTRAINTS = """
    select c.conname::text as name, c.contype::text as kind, c.conrelid::regclass::text as "table",
           case when c.confrelid = 0 then '' else c.confrelid::regclass::text end as target,
           c.confdeltype = 'a' as restricts,
           array(select attname::text
                   from pg_attribute
                  where attrelid = c.conrelid and attnum = any(c.conkey)) as columns
      from pg_constraint c
     where c.connamespace = 'public'::regnamespace and c.contype in ('f', 'u', 'p', 'x')
       and c.conrelid::regclass::text not like '%yoyo%'
    union all
    select i.indexrelid::regclass::text, 'u', i.indrelid::regclass::text, '', false,
           array(select attname::text from pg_attribute where attrelid = i.indrelid and attnum = any(i.indkey))
      from pg_index i
     where i.indisunique and i.indrelid::regclass::text not like '%yoyo%'
       and i.indrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
       and not exists (select from pg_constraint where conindid = i.indexrelid)
"""


class Constraint(msgspec.Struct, frozen=True):
    """A foreign key (`f`), a primary key (`p`), or a unique constraint or index (`u`, `x`)."""

    name: str
    kind: str
    table: str
    target: str
    """The table that a foreign key refers to."""
    restricts: bool
    """Whether a row cannot be deleted while others refer to it."""
    columns: list[str]


@pytest.fixture
async def constraints(context: Context) -> list[Constraint]:
    found = [Constraint(**dict(row)) for row in await context.db.fetch(CONSTRAINTS)]
    return [each for each in found if (each.kind, each.columns) != ("p", ["id"])]  # ids are new


def violable(statement: str, constraints: list[Constraint]) -> Iterator[str]:
    """Yield the constraints that a statement can violate, by its text."""
    text = re.sub(r"--[^\n]*|'(?:[^']|'')*'", "", statement).lower()
    for inserted, updated, deleted in TABLES.findall(text):
        for each in constraints:
            if inserted == each.table and (each.kind == "f" or "on conflict" not in text):
                yield each.name
            if updated == each.table and _assigns(text, updated, each.columns):
                yield each.name
            if deleted and deleted == each.target and each.restricts:
                yield each.name


def _assigns(text: str, table: str, columns: list[str]) -> bool:
    """Whether an update of the table assigns one of the columns."""
    _, *updates = re.split(rf"\bupdate {table}\b", text)
    assigned = " ".join(re.split(r"\bwhere\b|\bfrom\b|\breturning\b", each)[0] for each in updates)
    return any(re.search(rf"(?:\bset|,)\s+{column}\s*=", assigned) for column in columns)


async def test_each_violation_is_a_client_error(constraints: list[Constraint]) -> None:
    unused = dict(REASONS)
    for bound in QUERIES:
        for name in violable(bound.statement, constraints):
            reasons = [reason for reason in (bound.name, f"{bound.name} {name}") if reason in REASONS]
            if name in bound.constraints:
                assert 400 <= bound.constraints[name].status < 500
            else:
                assert reasons, f"map {name} in @query of {bound.name}, or add it to REASONS"
            for reason in reasons:
                unused.pop(reason, None)
    assert unused == {}, "a reason without a statement"


async def test_each_mapped_constraint_can_be_violated(constraints: list[Constraint]) -> None:
    for bound in QUERIES:
        assert bound.constraints.keys() <= {*violable(bound.statement, constraints)}, bound.name


T = Constraint("t_name_key", "u", "t", "", False, ["name"])
TO_T = Constraint("s_t_id_fkey", "f", "s", "t", True, ["t_id"])


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("insert into t (name) values ($1)", ["t_name_key"]),
        ("insert into t (name) values ($1) on conflict do nothing", []),
        ("update t set size = 1, name = $1 where id = $2", ["t_name_key"]),
        ("update t set size = 1 where name = $1", []),
        ("delete from t where id = $1", ["s_t_id_fkey"]),
        ("insert into s (t_id) values ($1) on conflict do nothing", ["s_t_id_fkey"]),
        ("select id from t for update", []),
        ("-- insert into t\nselect 'update t set name = 1'", []),
    ],
)
def test_the_check_itself(statement: str, found: list[str]) -> None:
    assert [*violable(statement, [T, TO_T])] == found


# An account that is deleted while the request waits for its row


@contextlib.asynccontextmanager
async def deleting(settings: Settings, id: UUID) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Delete an account in a transaction that commits when the function is called, once a request waits for it."""
    waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    connection = await asyncpg.connect(settings.database_url)
    try:
        await connection.execute("begin")
        await connection.execute("delete from users where id = $1", id)

        async def commit() -> None:
            async with asyncio.timeout(SECONDS):
                while not await connection.fetch(waiting):  # noqa: ASYNC110  # in PostgreSQL
                    await asyncio.sleep(0.01)
            await connection.execute("commit")

        yield commit
    finally:
        await connection.close()


async def test_a_webhook_of_an_account_that_is_being_deleted(
    cloned: Settings, live_client: httpx.AsyncClient, live: Context
) -> None:
    user = await make_user(live)
    headers = bearer((await login(live_client, user.email)).json())
    async with deleting(cloned, user.id) as commit, asyncio.TaskGroup() as group:
        body = {"url": URL, "events": ["*"]}
        call = group.create_task(live_client.post("/api/webhooks", json=body, headers=headers))
        await commit()
    assert (call.result().status_code, call.result().json()["code"]) == (401, "UNAUTHORIZED")


async def test_a_target_of_an_account_that_is_being_deleted(
    cloned: Settings, live_client: httpx.AsyncClient, live: Context
) -> None:
    user, operator = await make_user(live), await make_user(live, superuser=True)
    headers = bearer((await login(live_client, operator.email)).json())
    tier = (await live_client.post("/api/plans/tiers", json={"name": "pro"}, headers=headers)).json()["id"]
    async with deleting(cloned, user.id) as commit, asyncio.TaskGroup() as group:
        body = {"target_type": "U", "target_id": str(user.id)}
        path = f"/api/plans/tier-targets?tier_id={tier}"
        call = group.create_task(live_client.post(path, json=body, headers=headers))
        await commit()
    assert call.result().status_code == 201
    assert [row[0] for row in await live.db.fetch("select user_id from plan_targets")] == [None]
