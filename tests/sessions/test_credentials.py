"""A change of credentials ends the account's sessions at once, in one write; the worker does the rest."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import argon2
import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.database import Database, uuid7
from api.kernel.data.sql import FOLDER
from api.kernel.outbox.events import Event, record
from api.kernel.outbox.tasks import LEASE_SECONDS
from api.sessions import queries, upkeep
from api.sessions.tasks import end_sessions
from api.users import queries as users
from api.users.events import (
    DeletionRequested,
    EmailChanged,
    EmailChangeReverted,
    PasswordChanged,
    SessionsRevoked,
    UserDisabled,
)
from tests.factories import PASSWORD, make_user
from tests.sessions.signing import bearer, is_signed_in, login, refresh, refused, sign_in
from tests.transactions import Another, in_transaction
from worker.queries import lease_tasks

ANOTHER_HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
LIVES = """
   and sessions.ended_at is null
   and sessions.expires_at > now()
   and sessions.idle_expires_at > now()
   and users.is_active
   and (sessions.created_at >= users.credentials_changed_at or sessions.id = users.credentials_changed_by)
"""
WEAK_HASH = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
EVENTS: dict[str, Callable[[UUID], Event]] = {
    "password": lambda id: PasswordChanged(user_id=id, how="change"),
    "email": lambda id: EmailChanged(user_id=id, old_email="a@example.com", email="b@example.com"),
    "email put back": lambda id: EmailChangeReverted(user_id=id, email="a@example.com"),
    "deletion": lambda id: DeletionRequested(user_id=id, delete_after=datetime.now(UTC)),
    "revoked": lambda id: SessionsRevoked(user_id=id),
    "disabled": lambda id: UserDisabled(user_id=id),
}


async def change(db: Database, user_id: UUID, kept: UUID | None = None) -> None:
    """Write what every change of credentials writes to the account."""
    await db.fetch(
        "update users set credentials_changed_at = clock_timestamp(), credentials_changed_by = $2 where id = $1",
        user_id,
        kept,
    )


def sid_of(context: Context, pair: dict[str, str]) -> UUID:
    return context.tokens.verify(pair["access_token"]).sid


async def run_tasks(context: Context) -> None:
    """Run the worker's tasks on sessions for the events so far."""
    named = {end_sessions.name: end_sessions}
    for row in await lease_tasks(context.db, list(named), 100, LEASE_SECONDS):
        await named[row.task].run(context, row.id, row.lease)


async def test_ends_every_session_but_the_one_in_which_it_was_made(client: httpx.AsyncClient, context: Context) -> None:
    """C-65, C-71."""
    pairs = [await sign_in(client, context, "ada@example.com")]
    pairs += [(await login(client, "ada@example.com")).json() for _ in range(2)]
    stranger = await sign_in(client, context)
    await change(context.db, context.tokens.verify(pairs[0]["access_token"]).sub, sid_of(context, pairs[1]))
    assert [await is_signed_in(client, pair) for pair in (*pairs, stranger)] == [False, True, False, True]
    for pair in (pairs[0], pairs[2]):
        assert await refused(client, pair["refresh_token"]) == "REFRESH_TOKEN_INVALID"
    listed = (await client.get("/api/sessions", headers=bearer(pairs[1]))).json()
    assert [each["current"] for each in listed] == [True]


async def test_what_a_token_says_of_roles_is_not_what_counts(client: httpx.AsyncClient, context: Context) -> None:
    """C-65: a demoted superuser is refused with an earlier token, at once."""
    user = await make_user(context, "ada@example.com", superuser=True)
    pair = (await login(client, "ada@example.com")).json()
    assert (await client.get("/api/users", headers=bearer(pair))).status_code == 200
    await context.db.fetch("update users set is_superuser = false where id = $1", user.id)
    assert (await client.get("/api/users", headers=bearer(pair))).status_code == 403


async def test_signing_in_again_works_at_once(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context, "ada@example.com")
    await change(context.db, context.tokens.verify(pair["access_token"]).sub)
    assert await is_signed_in(client, (await login(client, "ada@example.com")).json())


async def test_an_old_token_of_an_ended_session_is_not_reuse(client: httpx.AsyncClient, context: Context) -> None:
    """No warning is mailed, because the session has ended."""
    pair = await sign_in(client, context)
    await client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    await context.db.fetch("update sessions set rotated_at = rotated_at - interval '11 seconds'")
    await change(context.db, context.tokens.verify(pair["access_token"]).sub)
    assert await refused(client, pair["refresh_token"]) == "REFRESH_TOKEN_INVALID"
    assert await context.db.fetch("select 1 from outbox_events where type = 'sessions.ended'") == []


@pytest.mark.parametrize("happened", ["password", "disabled", "deleted"])
async def test_a_login_with_the_old_password_does_not_survive_its_change(
    live_client: httpx.AsyncClient, live: Context, happened: str
) -> None:
    """The password was correct when it was checked, but not when the session begins."""
    user = await make_user(live, "ada@example.com")
    async with Another(live.db).transaction() as db:
        if happened == "password":
            await users.change_password(db, user.id, ANOTHER_HASH, None)
        elif happened == "disabled":
            await db.fetch("update users set is_active = false")
        else:
            await db.fetch("delete from users")
        signing_in = asyncio.ensure_future(login(live_client, "ada@example.com"))
        await waits_for_a_lock(live)
    answer = await signing_in
    assert (answer.status_code, answer.json()["code"]) == (400, "LOGIN_BAD_CREDENTIALS")
    assert await live.db.fetch("select 1 from sessions") == []
    await upkeep.announce_refusals(live)
    assert len(await live.db.fetch("select 1 from outbox_events where type = 'sessions.refused'")) == 1


async def waits_for_a_lock(context: Context) -> None:
    async with asyncio.timeout(60):
        while not await context.db.fetch(
            "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ):
            pass


async def test_a_change_that_waited_for_a_login_ends_its_session(live: Context) -> None:
    user = await make_user(live, "ada@example.com")
    account = await queries.find_account(live.db, "ada@example.com", None, None)
    assert account
    sid, day = uuid7(), timedelta(days=1)
    async with Another(live.db).transaction() as db:
        seen = account.credentials_changed_at
        assert await queries.insert(db, sid, user.id, seen, day, day, None, None, uuid7(), "password", "bearer") == 1
        changing = asyncio.ensure_future(in_transaction(live.db, users.change_password, user.id, ANOTHER_HASH, None))
        await waits_for_a_lock(live)
    await changing
    assert await queries.find_principal(live.db, sid, user.id) is None


async def test_twenty_logins_that_renew_a_hash_all_succeed(live_client: httpx.AsyncClient, live: Context) -> None:
    """They lock the account one after the other, in one order."""
    await make_user(live, "ada@example.com")
    weak = "select password_hash from users"
    [good] = await live.db.fetch(weak)
    await live.db.fetch(
        "update users set password_hash = $1, deletion_requested_at = now(), delete_after = now()", WEAK_HASH
    )
    answers = await asyncio.gather(*(login(live_client, "ada@example.com") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    [renewed] = await live.db.fetch(weak)
    assert renewed["password_hash"].startswith(good["password_hash"][:30])
    cancelled = await live.db.fetch("select 1 from outbox_events where type = 'users.deletion_cancelled'")
    assert len(cancelled) == 1


@pytest.mark.parametrize("what", EVENTS)
async def test_each_ended_session_is_announced_once(client: httpx.AsyncClient, context: Context, what: str) -> None:
    pairs = [await sign_in(client, context, "ada@example.com"), (await login(client, "ada@example.com")).json()]
    user_id = context.tokens.verify(pairs[0]["access_token"]).sub
    await make_user(context, "bob@example.com")
    await login(client, "bob@example.com")
    kept = sid_of(context, pairs[1]) if what == "password" else None
    await change(context.db, user_id, kept)
    for _ in range(2):
        await in_transaction(context.db, record, EVENTS[what](user_id))
        await run_tasks(context)
    over = await context.db.fetch("select id, end_reason from sessions where ended_at is not null order by id")
    reason = what if what in ("revoked", "disabled") else "credentials"
    assert [tuple(row) for row in over] == [
        (sid, reason) for sid in (sid_of(context, pair) for pair in pairs) if sid != kept
    ]
    told = await context.db.fetch(
        "select key, data->>'reason' from outbox_events where type = 'sessions.ended' order by key"
    )
    assert [tuple(row) for row in told] == [tuple(row) for row in over]


async def test_long_ended_sessions_are_deleted(client: httpx.AsyncClient, context: Context) -> None:
    """Until then they identify their devices."""
    for state in (
        "ended_at = now() - interval '91 days', end_reason = 'logout'",
        "expires_at = now() - interval '91 days'",
        "ended_at = now() - interval '89 days', end_reason = 'logout'",
        "expires_at = now() - interval '89 days'",
        "expires_at = now() + interval '1 day'",
    ):
        sid = sid_of(context, await sign_in(client, context))
        await context.db.fetch(f"update sessions set {state} where id = $1", sid)
    assert [await upkeep.sweep_sessions(context) for _ in range(2)] == [2, 0]
    assert len(await context.db.fetch("select 1 from sessions")) == 3


@pytest.mark.case(189)
async def test_sessions_without_a_refresh_are_deleted_too(client: httpx.AsyncClient, context: Context) -> None:
    """C-189: rounded up to a week, from signing in and from refreshing; earlier sessions are deleted when they
    expire."""
    pairs = [await sign_in(client, context) for _ in range(4)]
    idle, refreshed, early, _ = [sid_of(context, pair) for pair in pairs]
    assert (await refresh(client, pairs[1]["refresh_token"])).status_code == 200
    rows = await context.db.fetch("select idle_week - idle_expires_at as more from sessions where id <> $1", early)
    assert all(timedelta(0) < row["more"] <= timedelta(days=7) for row in rows)
    aged = "update sessions set idle_week = idle_week - $2::interval, idle_expires_at = 'epoch' where id = any($1)"
    await context.db.fetch(aged, [idle, refreshed], timedelta(days=14 + 7 + 91))
    await context.db.fetch("update sessions set idle_week = null, idle_expires_at = 'epoch' where id = $1", early)
    assert [await upkeep.sweep_sessions(context) for _ in range(2)] == [2, 0]


@pytest.mark.parametrize("name", ["end_others", "end_reused", "find_principal", "list_live", "rotate"])
def test_every_query_has_the_same_condition_for_a_session_that_lives(name: str) -> None:
    """A new way for a session to be over is one that none of them may miss."""
    lines = [line.strip(" ;") for line in (FOLDER / "sessions" / f"{name}.sql").read_text().splitlines()]
    condition = [line.strip() for line in LIVES.strip().splitlines()]
    assert condition in [lines[at : at + len(condition)] for at in range(len(lines))]
