"""POST /auth/jwt/logout."""

import httpx
import pytest

from api.kernel.context import Context
from tests.sessions.signing import is_signed_in, refused, sign_in


async def logout(client: httpx.AsyncClient, pair: dict[str, str]) -> httpx.Response:
    bearer = {"authorization": f"Bearer {pair['access_token']}"}
    return await client.post("/api/auth/jwt/logout", headers=bearer)


async def test_ends_the_session_at_once(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    answer = await logout(client, pair)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await is_signed_in(client, pair)
    assert await refused(client, pair["refresh_token"]) == "REFRESH_TOKEN_INVALID"
    [row] = await context.db.fetch("select end_reason from sessions where ended_at is not null")
    assert row["end_reason"] == "logout"


async def test_is_announced_with_who_did_it(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    await logout(client, pair)
    claims = context.tokens.verify(pair["access_token"])
    [event] = await context.db.fetch(
        "select key, principal_id, data->>'reason' as reason from outbox_events where type = 'sessions.ended'"
    )
    assert tuple(event) == (claims.sid, claims.sub, "logout")


async def test_a_second_time_is_refused_and_announces_nothing(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    await logout(client, pair)
    answer = await logout(client, pair)
    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")
    assert len(await context.db.fetch("select 1 from outbox_events where type = 'sessions.ended'")) == 1


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer a.b.c"])
async def test_without_a_token_nothing_ends(client: httpx.AsyncClient, context: Context, authorization: str) -> None:
    pair = await sign_in(client, context)
    answer = await client.post("/api/auth/jwt/logout", headers={"authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await is_signed_in(client, pair)


async def test_a_disabled_account_is_out_already(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    await context.db.fetch("update users set is_active = false")
    assert (await logout(client, pair)).status_code == 401
