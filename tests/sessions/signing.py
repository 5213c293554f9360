"""Signing in, for the tests of what comes after."""

import httpx

from api.kernel.context import Context
from tests.factories import PASSWORD, make_user


async def sign_in(client: httpx.AsyncClient, context: Context, email: str | None = None) -> dict[str, str]:
    """The pair of a new account's first session."""
    user = await make_user(context, email)
    answer = await client.post("/api/auth/jwt/login", data={"username": user.email, "password": PASSWORD})
    assert answer.status_code == 200
    pair: dict[str, str] = answer.json()
    return pair


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/auth/refresh", json={"refresh_token": token})


async def refused(client: httpx.AsyncClient, token: str) -> str:
    """The code of a refresh that must not succeed."""
    answer = await refresh(client, token)
    assert answer.status_code == 401
    assert "refresh_token" not in answer.json()
    code: str = answer.json()["code"]
    return code


async def is_signed_in(client: httpx.AsyncClient, pair: dict[str, str]) -> bool:
    answer = await client.get("/api/users/me", headers={"authorization": f"Bearer {pair['access_token']}"})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200
