"""POST /auth/forgot-password and POST /auth/reset-password."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.users.people import can_sign_in, is_signed_in, sign_in

ADA, NEW = "ada@example.com", "a better horse and battery"


async def forgot(client: httpx.AsyncClient, context: Context, email: str = ADA) -> str:
    """Return the mailed token."""
    answer = await client.post("/api/auth/forgot-password", json={"email": email})
    assert (answer.status_code, answer.text) == (202, "null")
    [(to, token)] = await mailed(context)
    assert to == ADA
    # Tests do not wait for the limit of one a minute.
    await context.db.fetch("update user_tokens set created_at = created_at - interval '2 hours'")
    return token


async def reset(client: httpx.AsyncClient, token: str, password: str = NEW) -> httpx.Response:
    return await client.post("/api/auth/reset-password", json={"token": token, "password": password})


async def assert_refused(client: httpx.AsyncClient, token: str) -> None:
    answer = await reset(client, token)
    assert (answer.status_code, answer.json()["code"]) == (400, "RESET_PASSWORD_BAD_TOKEN")


async def test_the_new_password_works_and_the_old_one_does_not(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context, ADA)
    answer = await reset(client, await forgot(client, context, "Ada@Example.com"))
    assert (answer.status_code, answer.text) == (200, "null")
    assert "set-cookie" not in answer.headers
    assert await can_sign_in(client, ADA, NEW)
    assert not await can_sign_in(client, ADA)
    events = await context.db.fetch("select key, data->>'how' as how from outbox_events where type like 'users.%'")
    assert [tuple(event) for event in events] == [(user.id, "reset")]


@pytest.mark.parametrize(
    "state", ["email = 'other@example.com'", "is_active = false"], ids=["no account", "disabled account"]
)
async def test_accounts_are_not_revealed(
    client: httpx.AsyncClient, context: Context, mailbox: MemoryMailer, state: str
) -> None:
    """C-82: the same answer and the same work; only the worker looks the account up."""
    await make_user(context, ADA)
    known = await client.post("/api/auth/forgot-password", json={"email": ADA})
    await mailed(context)
    await context.db.fetch(f"update users set {state}")
    await context.db.fetch("delete from user_tokens")
    unknown = await client.post("/api/auth/forgot-password", json={"email": ADA})
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert known.headers.keys() == unknown.headers.keys()
    assert await mailed(context) == []
    assert mailbox.sent == []


async def test_both_cost_the_same_statements(client: httpx.AsyncClient, context: Context) -> None:
    """C-38, by the work done; benchmarks/enumeration.py measures the times."""
    await make_user(context, ADA)
    asked: list[list[str]] = []
    for route in ("forgot-password", "request-verify-token"):
        for email in (ADA, "nobody@example.com"):
            connection: Any = context.db.connection  # type: ignore[attr-defined]
            statements: list[str] = []
            with connection.query_logger(lambda logged, seen=statements: seen.append(logged.query)):
                await client.post(f"/api/auth/{route}", json={"email": email})
                await asyncio.sleep(0)  # asyncpg calls its loggers in the next turn of the loop
            asked.append(statements)
        assert asked[-1] == asked[-2] != []


async def test_every_session_ends_and_every_other_link_is_invalid(client: httpx.AsyncClient, context: Context) -> None:
    """C-46, C-71, C-83."""
    await make_user(context, ADA)
    answer = await client.post("/api/auth/jwt/login", data={"username": ADA, "password": PASSWORD})
    pair, other = answer.json(), await sign_in(client, ADA)
    token = await forgot(client, context)
    assert (await reset(client, token)).status_code == 200
    assert not await is_signed_in(client, {"authorization": f"Bearer {pair['access_token']}"})
    assert not await is_signed_in(client, other)
    answer = await client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    assert (answer.status_code, answer.json()["code"]) == (401, "REFRESH_TOKEN_INVALID")
    await assert_refused(client, token)


async def test_a_pre_registered_accounts_squatter_loses_access(client: httpx.AsyncClient, context: Context) -> None:
    """C-45, C-46, C-47: their password, their session, and their pending change of address."""
    await make_user(context, ADA, verified=False)
    attacker = await sign_in(client, ADA)
    change = {"email": "evil@example.org", "current_password": PASSWORD}
    assert (await client.patch("/api/users/me", json=change, headers=attacker)).status_code == 200
    evil = dict(await mailed(context))["evil@example.org"]
    assert (await reset(client, await forgot(client, context))).status_code == 200
    assert not await is_signed_in(client, attacker)
    assert not await can_sign_in(client, ADA)
    answer = await client.post("/api/auth/confirm-email", json={"token": evil})
    assert answer.json()["code"] == "CONFIRM_EMAIL_BAD_TOKEN"
    owner = (await client.get("/api/users/me", headers=await sign_in(client, ADA, NEW))).json()
    assert (owner["email"], owner["is_verified"]) == (ADA, True)
    told = await context.db.fetch("select type from outbox_events where topic = 'users' order by seq")
    assert [event[0] for event in told][1:] == ["users.claimed", "users.verified", "users.password_changed"]


@pytest.mark.parametrize(
    "happened",
    [
        "update user_tokens set expires_at = now() - interval '1 second'",
        "update user_tokens set purpose = 'verify'",
        "update users set email = 'another@example.com'",
        "update users set is_active = false",
        "delete from users",
    ],
)
async def test_an_expired_or_used_token_is_refused(client: httpx.AsyncClient, context: Context, happened: str) -> None:
    """C-40."""
    await make_user(context, ADA)
    token = await forgot(client, context)
    await context.db.fetch(happened)
    await assert_refused(client, token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ü" * 43])
async def test_an_invalid_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    await assert_refused(client, token)


async def test_a_token_is_invalid_after_a_change_of_the_password(client: httpx.AsyncClient, context: Context) -> None:
    """C-83."""
    await make_user(context, ADA)
    token = await forgot(client, context)
    change = {"current_password": PASSWORD, "new_password": "yet another battery"}
    headers = await sign_in(client, ADA)
    assert (await client.post("/api/users/change-password", json=change, headers=headers)).status_code == 204
    await assert_refused(client, token)


@pytest.mark.parametrize("password", ["short", "password1", ADA, "x" * 129])
async def test_a_weak_password_is_refused_and_the_token_stays_valid(
    client: httpx.AsyncClient, context: Context, password: str
) -> None:
    """C-49."""
    await make_user(context, ADA)
    token = await forgot(client, context)
    answer = await reset(client, token, password)
    assert (answer.status_code, answer.json()["code"]) == (400, "RESET_PASSWORD_INVALID_PASSWORD")
    assert (await reset(client, token)).status_code == 200


async def test_of_many_concurrent_requests_one_succeeds(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-42."""
    await make_user(live, ADA)
    token = await forgot(live_client, msgspec.structs.replace(live, mail=MemoryMailer()))
    passwords = [f"{NEW} {number}" for number in range(5)]
    answers = await asyncio.gather(*(reset(live_client, token, password) for password in passwords))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]
    for answer, password in zip(answers, passwords, strict=True):
        assert await can_sign_in(live_client, ADA, password) == (answer.status_code == 200)
    assert len(await live.db.fetch("select 1 from outbox_events where type = 'users.password_changed'")) == 1


async def test_a_sign_in_with_the_old_password_does_not_survive(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-46: for every order of the two."""
    await make_user(live, ADA)
    token = await forgot(live_client, msgspec.structs.replace(live, mail=MemoryMailer()))
    form = {"username": ADA, "password": PASSWORD}
    *logins, changed = await asyncio.gather(
        *(live_client.post("/api/auth/jwt/login", data=form) for _ in range(8)), reset(live_client, token)
    )
    assert changed.status_code == 200
    for login in logins:
        if login.status_code == 200:
            assert not await is_signed_in(live_client, {"authorization": f"Bearer {login.json()['access_token']}"})


@pytest.mark.parametrize("body", [{}, {"email": None}, {"email": "x"}, {"email": ADA, "password": "x"}, [], None])
@pytest.mark.parametrize("route", ["forgot-password", "request-verify-token"])
async def test_an_invalid_body_is_refused(client: httpx.AsyncClient, route: str, body: object) -> None:
    answer = await client.post(f"/api/auth/{route}", json=body, headers={"content-type": "application/json"})
    assert answer.json()["code"] in ("VALIDATION_FAILED", "MALFORMED_JSON")
