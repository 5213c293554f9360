"""The mail with the link to verify an address, and POST /auth/verify."""

import asyncio
import hashlib
import re
from uuid import UUID

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mail import MemoryMailer
from api.users.events import UserRegistered
from api.users.tasks import send_verification
from api.users.types import User
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed as tokens_mailed
from tests.users.people import sign_in


async def mailed(context: Context, user: User, id: UUID | None = None) -> str:
    """Return the token of the task's mail."""
    assert isinstance(context.mail, MemoryMailer)
    await send_verification._function(
        context, UserRegistered(user_id=user.id, email=user.email, language="en"), id or uuid7()
    )
    (token,) = re.findall(r"http://localhost:8000/verify#token=(\S+)", context.mail.sent[-1].text)
    return str(token)


async def verify(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/auth/verify", json={"token": token})


async def is_verified(context: Context, user: User) -> bool:
    rows = await context.db.fetch("select is_verified from users where id = $1", user.id)
    return bool(rows[0][0])


async def assert_refused(client: httpx.AsyncClient, context: Context, user: User, token: str) -> None:
    answer = await verify(client, token)
    assert (answer.status_code, answer.json()["code"]) == (400, "VERIFY_USER_BAD_TOKEN")
    assert not await is_verified(context, user)
    assert await context.db.fetch("select 1 from outbox_events") == []


async def test_verifies_the_address_and_records_the_event(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context, verified=False)
    answer = await verify(client, await mailed(context, user))
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["is_verified"]) == (str(user.id), True)
    assert await is_verified(context, user)
    [event] = await context.db.fetch("select type, key from outbox_events")
    assert tuple(event) == ("users.verified", user.id)


async def test_only_the_hash_of_a_token_is_stored_and_it_has_256_bits(context: Context) -> None:
    """C-43."""
    user = await make_user(context, verified=False)
    token = await mailed(context, user)
    assert len(token) == 43
    [row] = await context.db.fetch("select *, expires_at - now() as lifetime from user_tokens")
    assert row["token_hash"] == hashlib.sha256(token.encode()).digest()
    assert token not in repr(dict(row))
    assert (row["purpose"], row["email"], row["lifetime"].total_seconds()) == ("verify", user.email, 86400)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ü" * 43, "x" * 512])
async def test_an_invalid_token_is_refused(client: httpx.AsyncClient, context: Context, token: str) -> None:
    """C-40."""
    user = await make_user(context, verified=False)
    await mailed(context, user)
    await assert_refused(client, context, user, token)


@pytest.mark.parametrize(
    "happened",
    [
        "update user_tokens set expires_at = now() - interval '1 second'",
        "update user_tokens set used_at = now()",
        "update users set email = 'another@example.com'",
        "update users set is_active = false",
    ],
)
async def test_an_expired_token_is_refused(client: httpx.AsyncClient, context: Context, happened: str) -> None:
    """C-40."""
    user = await make_user(context, verified=False)
    token = await mailed(context, user)
    await context.db.fetch(happened)
    await assert_refused(client, context, user, token)


async def test_a_truncated_token_is_refused(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context, verified=False)
    await assert_refused(client, context, user, (await mailed(context, user))[:-1])


async def test_the_stored_hash_is_not_a_token(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context, verified=False)
    token = await mailed(context, user)
    await assert_refused(client, context, user, hashlib.sha256(token.encode()).hexdigest())


async def test_a_token_works_once(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context, verified=False)
    token = await mailed(context, user)
    answers = [await verify(client, token) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json()["code"] == "VERIFY_USER_ALREADY_VERIFIED"


async def test_an_already_verified_address_is_reported(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context, verified=False)
    token = await mailed(context, user)
    await context.db.fetch("update users set is_verified = true")
    answer = await verify(client, token)
    assert (answer.status_code, answer.json()["code"]) == (400, "VERIFY_USER_ALREADY_VERIFIED")
    assert await context.db.fetch("select 1 from outbox_events") == []


@pytest.mark.parametrize("purpose", ["reset", "invite", "confirm_email", "revert_email"])
async def test_a_token_for_another_purpose_is_refused(
    client: httpx.AsyncClient, context: Context, purpose: str
) -> None:
    """C-40."""
    user = await make_user(context, verified=False)
    token = await mailed(context, user)
    await context.db.fetch("update user_tokens set purpose = $1", purpose)
    await assert_refused(client, context, user, token)


async def test_the_callers_session_stays_and_a_pending_change_of_address_is_cancelled(
    client: httpx.AsyncClient, context: Context
) -> None:
    """C-47: another person may have requested the change before the address was verified."""
    user = await make_user(context, verified=False)
    headers = await sign_in(client, user.email)
    change = {"email": "evil@example.org", "current_password": PASSWORD}
    assert (await client.patch("/api/users/me", json=change, headers=headers)).status_code == 200
    [evil] = [token for to, token in await tokens_mailed(context) if to == "evil@example.org"]
    token = await mailed(context, user)
    answer = await client.post("/api/auth/verify", json={"token": token}, headers=headers)
    assert answer.status_code == 200
    assert (await client.get("/api/users/me", headers=headers)).json()["is_verified"] is True
    answer = await client.post("/api/auth/confirm-email", json={"token": evil})
    assert (answer.status_code, answer.json()["code"]) == (400, "CONFIRM_EMAIL_BAD_TOKEN")


@pytest.mark.parametrize("email", ["ADA@example.com", "nobody@example.com"])
async def test_another_mail_can_be_requested_and_the_answer_reveals_nothing(
    client: httpx.AsyncClient, context: Context, email: str
) -> None:
    """C-44."""
    user = await make_user(context, "ada@example.com", verified=False)
    answer = await client.post("/api/auth/request-verify-token", json={"email": email})
    assert (answer.status_code, answer.text) == (202, "null")
    mails = await tokens_mailed(context)
    assert [to for to, _ in mails] == (["ada@example.com"] if email.startswith("ADA") else [])
    for _, token in mails:
        assert (await verify(client, token)).status_code == 200
        assert await is_verified(context, user)


async def test_of_many_concurrent_requests_one_succeeds(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-42."""
    user = await make_user(live, verified=False)
    token = await mailed(msgspec.structs.replace(live, mail=MemoryMailer()), user)
    answers = await asyncio.gather(*(verify(live_client, token) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9
    assert len(await live.db.fetch("select 1 from outbox_events where type = 'users.verified'")) == 1


async def test_following_the_link_uses_nothing(client: httpx.AsyncClient, context: Context) -> None:
    """C-41: mail scanners follow links."""
    user = await make_user(context, verified=False)
    token = await mailed(context, user)
    for method in ("GET", "HEAD"):
        await client.request(method, "/verify", params={"token": token})
        assert (await client.request(method, "/api/auth/verify", params={"token": token})).status_code == 405
    assert not await is_verified(context, user)
    assert (await verify(client, token)).status_code == 200


@pytest.mark.parametrize("body", [{}, {"token": None}, {"token": 1}, {"token": "x" * 513}, {"token": "x", "id": 1}])
async def test_an_invalid_body_is_refused(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    answer = await client.post("/api/auth/verify", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
