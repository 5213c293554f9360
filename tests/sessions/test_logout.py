"""POST /auth/jwt/logout."""

import time

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.identity.auth import Tokens
from tests.factories import make_user
from tests.sessions.signing import bearer, is_signed_in, refused, sign_in


async def logout(client: httpx.AsyncClient, pair: dict[str, str]) -> httpx.Response:
    return await client.post("/api/auth/jwt/logout", headers=bearer(pair))


async def test_ends_the_session_at_once(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    answer = await logout(client, pair)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await is_signed_in(client, pair)
    assert await refused(client, pair["refresh_token"]) == "REFRESH_TOKEN_INVALID"
    [row] = await context.db.fetch("select end_reason from sessions where ended_at is not null")
    assert row["end_reason"] == "logout"


async def test_is_announced_with_its_actor(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    await logout(client, pair)
    claims = context.tokens.verify(pair["access_token"])
    [event] = await context.db.fetch(
        "select key, principal_id, data->>'reason' as reason from outbox_events where type = 'sessions.ended'"
    )
    assert tuple(event) == (claims.sid, claims.sub, "logout")


async def test_a_second_logout_has_the_same_answer_and_no_event(client: httpx.AsyncClient, context: Context) -> None:
    """C-72."""
    pair = await sign_in(client, context)
    assert [(await logout(client, pair)).status_code for _ in range(2)] == [204, 204]
    assert len(await context.db.fetch("select 1 from outbox_events where type = 'sessions.ended'")) == 1


async def test_an_expired_token_still_ends_its_session(
    app: Starlette, client: httpx.AsyncClient, context: Context
) -> None:
    """C-72."""
    pair = await sign_in(client, context)
    later = Tokens(context.settings, now=lambda: time.time() + 3600)
    app.state.context = msgspec.structs.replace(context, tokens=later)
    answer = await client.get("/api/users/me", headers=bearer(pair))
    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_EXPIRED")
    assert (await logout(client, pair)).status_code == 204
    assert await refused(client, pair["refresh_token"]) == "REFRESH_TOKEN_INVALID"


async def test_other_sessions_stay(client: httpx.AsyncClient, context: Context) -> None:
    pair, other = await sign_in(client, context), await make_user(context)
    sid = context.tokens.verify(pair["access_token"]).sid
    forged = context.tokens.issue(sub=other.id, sid=sid, jti=uuid7(), email=other.email, name=None, roles=())
    assert (await logout(client, {"access_token": forged})).status_code == 204
    assert await is_signed_in(client, pair)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer a.b.c"])
async def test_without_a_token_nothing_ends(client: httpx.AsyncClient, context: Context, authorization: str) -> None:
    pair = await sign_in(client, context)
    answer = await client.post("/api/auth/jwt/logout", headers={"authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await is_signed_in(client, pair)
