"""DELETE /users/me, and the worker's part of it."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from api.kernel.context import Context
from api.users import upkeep
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.users.people import can_sign_in, is_signed_in, sign_in

ADA = "ada@example.com"


async def leave(client: httpx.AsyncClient, headers: dict[str, str], password: str = PASSWORD) -> httpx.Response:
    return await client.request("DELETE", "/api/users/me", json={"current_password": password}, headers=headers)


async def told(context: Context) -> list[str]:
    events = await context.db.fetch("select type from outbox_events where topic = 'users' order by seq")
    return [event[0].removeprefix("users.") for event in events]


async def pass_days(context: Context, days: int) -> None:
    """Move the account's times into the past."""
    ago = timedelta(days=days)
    await context.db.fetch(
        "update users set deletion_requested_at = deletion_requested_at - $1::interval,"
        " delete_after = delete_after - $1::interval, credentials_changed_at = credentials_changed_at - $1::interval",
        ago,
    )
    await context.db.fetch("update sessions set created_at = created_at - $1::interval", ago)


async def test_every_session_ends_and_the_account_is_kept_for_some_days(
    client: httpx.AsyncClient, context: Context
) -> None:
    """C-102."""
    await make_user(context, ADA)
    mine, other = await sign_in(client, ADA), await sign_in(client, ADA)
    answer = await leave(client, mine)
    assert answer.status_code == 202
    assert not await is_signed_in(client, mine)
    assert not await is_signed_in(client, other)
    assert await told(context) == ["deletion_requested"]
    [event] = await context.db.fetch("select data->>'delete_after' as at from outbox_events where topic = 'users'")
    assert answer.json() == {"delete_after": event["at"]}
    left = datetime.fromisoformat(event["at"]) - datetime.now(UTC)
    assert timedelta(days=13, hours=23) < left <= timedelta(days=14)
    assert await upkeep.delete_due(context) == 0
    await pass_days(context, 13)
    assert await upkeep.delete_due(context) == 0


async def test_after_that_all_data_is_deleted(client: httpx.AsyncClient, context: Context) -> None:
    """C-102: and the address can be registered again."""
    user = await make_user(context, ADA)
    headers = await sign_in(client, ADA)
    await client.patch("/api/users/me", json={"name": "Ada"}, headers=headers)
    await client.post("/api/auth/forgot-password", json={"email": ADA})
    [(_, token)] = await mailed(context)
    await leave(client, headers)
    await pass_days(context, 15)
    assert await upkeep.delete_due(context) == 1
    assert await upkeep.delete_due(context) == 0
    assert (await told(context))[-1] == "deleted"
    for table in ("users", "user_tokens", "sessions"):
        assert await context.db.fetch(f"select 1 from {table}") == []  # a name that belongs to this application
    assert not await can_sign_in(client, ADA)
    answer = await client.post("/api/auth/reset-password", json={"token": token, "password": PASSWORD})
    assert answer.status_code == 400
    again = (await client.post("/api/auth/register", json={"email": ADA, "password": PASSWORD})).json()
    assert (again["name"], again["is_verified"]) == (None, False)
    assert again["id"] != str(user.id)


async def test_signing_in_cancels_the_deletion(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, ADA)
    await leave(client, await sign_in(client, ADA))
    headers = await sign_in(client, ADA)
    await pass_days(context, 15)
    assert await upkeep.delete_due(context) == 0
    assert await is_signed_in(client, headers)
    assert await told(context) == ["deletion_requested", "deletion_cancelled"]


async def test_an_active_account_is_not_deleted(client: httpx.AsyncClient, context: Context) -> None:
    """For any other columns of its row."""
    await make_user(context, ADA)
    await leave(client, await sign_in(client, ADA))
    await sign_in(client, ADA)
    await context.db.fetch("update users set deletion_requested_at = now() - interval '1 hour', delete_after = now()")
    assert await upkeep.delete_due(context) == 0


async def test_the_current_password_is_required(client: httpx.AsyncClient, context: Context) -> None:
    """C-102."""
    await make_user(context, ADA)
    headers = await sign_in(client, ADA)
    answer = await leave(client, headers, "wrong horse battery")
    assert (answer.status_code, answer.json()["code"]) == (403, "CURRENT_PASSWORD_REQUIRED")
    assert (await client.request("DELETE", "/api/users/me", json={}, headers=headers)).status_code == 422
    assert (await client.delete("/api/users/me", headers=headers)).status_code == 415
    assert await is_signed_in(client, headers)
    assert await told(context) == []


async def test_links_mailed_before_are_invalid(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, ADA)
    await client.post("/api/auth/forgot-password", json={"email": ADA})
    [(_, token)] = await mailed(context)
    await leave(client, await sign_in(client, ADA))
    answer = await client.post("/api/auth/reset-password", json={"token": token, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (400, "RESET_PASSWORD_BAD_TOKEN")


@pytest.mark.parametrize("others", ["", "is_active = false", "is_superuser = false", "delete_after = now()"])
async def test_the_last_superuser_stays(client: httpx.AsyncClient, context: Context, others: str) -> None:
    """C-99. One whose deletion is pending, or who is disabled, does not count."""
    await make_user(context, ADA, superuser=True)
    if others:
        await make_user(context, "eve@example.com", superuser=True)
        others = others.replace("delete_after", "deletion_requested_at = now(), delete_after")
        await context.db.fetch(f"update users set {others} where email = 'eve@example.com'")
    answer = await leave(client, await sign_in(client, ADA))
    assert (answer.status_code, answer.json()["code"]) == (409, "LAST_SUPERUSER")


async def test_one_of_two_superusers_that_leave_concurrently_stays(
    live_client: httpx.AsyncClient, live: Context
) -> None:
    """C-99."""
    people = [await make_user(live, superuser=True) for _ in range(2)]
    sessions = [await sign_in(live_client, user.email) for user in people]
    answers = await asyncio.gather(*(leave(live_client, headers) for headers in sessions))
    assert sorted(answer.status_code for answer in answers) == [202, 409]


async def test_two_workers_delete_an_account_once(live: Context) -> None:
    for number in range(6):
        await make_user(live, f"{number}@example.com")
    await live.db.fetch("update users set deletion_requested_at = now(), delete_after = now() where email < '4'")
    assert sum(await asyncio.gather(*(upkeep.delete_due(live) for _ in range(8)))) <= 4
    while await upkeep.delete_due(live):
        pass
    assert [row[0] for row in await live.db.fetch("select email from users order by 1")] == [
        "4@example.com",
        "5@example.com",
    ]
    assert await told(live) == ["deleted"] * 4


async def test_only_old_tokens_are_deleted(context: Context) -> None:
    user = await make_user(context)
    for days in (-2, -1.5, -0.5, 1):
        await context.db.fetch(
            "insert into user_tokens (token_hash, user_id, purpose, email, expires_at)"
            " values ($1, $2, 'reset', $3, now() + $4)",
            str(days).encode(),
            user.id,
            user.email,
            timedelta(days=days),
        )
    assert await upkeep.delete_old_tokens(context) == 2
    assert await upkeep.delete_old_tokens(context) == 0
    left = await context.db.fetch("select token_hash from user_tokens order by expires_at")
    assert [row[0] for row in left] == [b"-0.5", b"1"]
