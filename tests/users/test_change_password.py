"""POST /users/change-password, and the limit on guesses at the current password."""

import asyncio

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from api.kernel.context import Context
from api.kernel.data.cache import Cache
from api.kernel.identity.limits import Limiter
from tests.factories import PASSWORD, make_user
from tests.users.people import can_sign_in, is_signed_in, renewed, sign_in

NEW = "a better horse and battery"


async def change(
    client: httpx.AsyncClient, headers: dict[str, str], current: str = PASSWORD, new: str = NEW
) -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await client.post("/api/users/change-password", json=body, headers=headers)


async def test_other_sessions_end_and_this_one_gets_new_tokens(client: httpx.AsyncClient, context: Context) -> None:
    """C-137: the old pair is revoked at once."""
    user = await make_user(context)
    answer = await client.post("/api/auth/jwt/login", data={"username": user.email, "password": PASSWORD})
    pair = answer.json()
    mine, other = {"authorization": f"Bearer {pair['access_token']}"}, await sign_in(client, user.email)
    answer = await change(client, mine)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await is_signed_in(client, mine)
    assert not await is_signed_in(client, other)
    assert await is_signed_in(client, renewed(answer))
    dead = await client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    assert (dead.status_code, dead.json()["code"]) == (401, "REFRESH_TOKEN_INVALID")
    next_pair = await client.post("/api/auth/refresh", json={"refresh_token": answer.headers["x-refresh-token"]})
    assert next_pair.status_code == 200
    events = await context.db.fetch("select type, data->>'reason' as reason from outbox_events order by seq")
    assert [tuple(event) for event in events][-3:] == [
        ("sessions.ended", "renewed"),
        ("sessions.started", None),
        ("users.password_changed", None),
    ]
    assert await can_sign_in(client, user.email, NEW)
    assert not await can_sign_in(client, user.email)
    events = await context.db.fetch("select key, data->>'how' as how from outbox_events where topic = 'users'")
    assert [tuple(event) for event in events] == [(user.id, "change")]


async def test_a_replaced_session_can_be_ended(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context)
    first, second = await sign_in(client, user.email), await sign_in(client, user.email)
    first = renewed(await change(client, first))
    second = renewed(await change(client, await sign_in(client, user.email, NEW), NEW, PASSWORD))
    assert not await is_signed_in(client, first)
    assert await is_signed_in(client, second)


async def test_the_current_password_must_be_right(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context)
    answer = await change(client, await sign_in(client, user.email), "wrong horse battery")
    assert (answer.status_code, answer.json()["code"]) == (400, "CHANGE_PASSWORD_BAD_CREDENTIALS")
    assert await can_sign_in(client, user.email)


@pytest.mark.parametrize("password", ["short", "password1", "x" * 129])
async def test_a_weak_password_is_refused(client: httpx.AsyncClient, context: Context, password: str) -> None:
    """C-49."""
    user = await make_user(context)
    answer = await change(client, await sign_in(client, user.email), new=password)
    assert (answer.status_code, answer.json()["code"]) == (400, "CHANGE_PASSWORD_INVALID_PASSWORD")


async def test_a_session_ended_elsewhere_changes_nothing(client: httpx.AsyncClient, context: Context) -> None:
    """Although this process still caches it."""
    user = await make_user(context)
    headers = await sign_in(client, user.email)
    assert await is_signed_in(client, headers)
    await context.db.fetch("update users set credentials_changed_at = clock_timestamp()")
    assert (await change(client, headers)).status_code == 401
    assert await can_sign_in(client, user.email)


async def test_one_of_two_concurrent_changes_is_made(live_client: httpx.AsyncClient, live: Context) -> None:
    user = await make_user(live)
    sessions = [await sign_in(live_client, user.email) for _ in range(4)]
    answers = await asyncio.gather(
        *(change(live_client, headers, new=f"{NEW} {number}") for number, headers in enumerate(sessions))
    )
    assert [answer.status_code for answer in answers].count(204) == 1
    for number, (answer, headers) in enumerate(zip(answers, sessions, strict=True)):
        assert not await is_signed_in(live_client, headers)
        if answer.status_code == 204:
            assert await is_signed_in(live_client, renewed(answer))
        assert await can_sign_in(live_client, user.email, f"{NEW} {number}") == (answer.status_code == 204)


async def test_two_concurrent_changes_in_one_session_succeed_once(
    live_client: httpx.AsyncClient, live: Context
) -> None:
    user = await make_user(live)
    headers = await sign_in(live_client, user.email)
    answers = await asyncio.gather(*(change(live_client, headers, new=f"{NEW} {number}") for number in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 401, 401, 401]
    assert not await is_signed_in(live_client, headers)
    for number, answer in enumerate(answers):
        assert await can_sign_in(live_client, user.email, f"{NEW} {number}") == (answer.status_code == 204)


@pytest.fixture
def guarded(app: Starlette, context: Context, cache: Cache) -> Context:
    """With the limits on guessing, which other tests disable."""
    settings = msgspec.structs.replace(context.settings, rate_limit_credentials=1.0)
    app.state.context = msgspec.structs.replace(context, limiter=Limiter(settings, cache))
    return context


async def test_repeated_wrong_passwords_are_limited(client: httpx.AsyncClient, guarded: Context) -> None:
    """C-52, on every route; then the right one is refused, too, and other sessions are not locked."""
    user = await make_user(guarded)
    thief, owner = await sign_in(client, user.email), await sign_in(client, user.email)
    wrong = {"current_password": "wrong horse battery"}
    guesses = [
        await change(client, thief, "wrong horse battery"),
        await client.patch("/api/users/me", json={"password": NEW, **wrong}, headers=thief),
        await client.patch("/api/users/me", json={"email": "evil@example.org", **wrong}, headers=thief),
        await client.request("DELETE", "/api/users/me", json=wrong, headers=thief),
        await change(client, thief, "wrong horse battery"),
    ]
    assert [answer.status_code for answer in guesses] == [400, 403, 403, 403, 400]
    answer = await change(client, thief)
    assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
    assert int(answer.headers["retry-after"]) > 60
    assert (await change(client, owner)).status_code == 204


async def test_the_right_password_is_not_limited(client: httpx.AsyncClient, guarded: Context) -> None:
    user = await make_user(guarded)
    headers = await sign_in(client, user.email)
    passwords = [f"{NEW} {number}" for number in range(8)]
    for current, new in zip([PASSWORD, *passwords], passwords, strict=False):
        answer = await change(client, headers, current, new)
        assert answer.status_code == 204
        headers = renewed(answer)


async def test_an_account_cannot_send_mail_to_many_addresses(client: httpx.AsyncClient, guarded: Context) -> None:
    user = await make_user(guarded)
    headers = await sign_in(client, user.email)
    statuses = []
    for number in range(6):
        body = {"email": f"stranger{number}@example.org", "current_password": PASSWORD}
        statuses.append((await client.patch("/api/users/me", json=body, headers=headers)).status_code)
    assert statuses == [200] * 5 + [429]
