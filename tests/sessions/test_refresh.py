"""POST /auth/refresh."""

import asyncio

import httpx

from api.kernel.context import Context
from tests.factories import PASSWORD, make_user


async def sign_in(client: httpx.AsyncClient, context: Context) -> dict[str, str]:
    user = await make_user(context)
    answer = await client.post("/api/auth/jwt/login", data={"username": user.email, "password": PASSWORD})
    pair: dict[str, str] = answer.json()
    return pair


async def test_twenty_tabs_get_one_successor(live_client: httpx.AsyncClient, live: Context) -> None:
    pair = await sign_in(live_client, live)
    body = {"refresh_token": pair["refresh_token"]}
    answers = await asyncio.gather(*(live_client.post("/api/auth/refresh", json=body) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
