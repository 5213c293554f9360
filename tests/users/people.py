"""Signing in with an account."""

import httpx

from tests.factories import PASSWORD


async def sign_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> dict[str, str]:
    """Return the Authorization header of a new session."""
    answer = await client.post("/api/auth/jwt/login", data={"username": email, "password": password})
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def is_signed_in(client: httpx.AsyncClient, headers: dict[str, str]) -> bool:
    """Return whether the session is alive."""
    return (await client.get("/api/users/me", headers=headers)).status_code == 200


async def can_sign_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> bool:
    answer = await client.post("/api/auth/jwt/login", data={"username": email, "password": password})
    return answer.status_code == 200


def renewed(answer: httpx.Response) -> dict[str, str]:
    """Return the Authorization header of the session that replaces the one in which the password was changed."""
    return {"authorization": f"Bearer {answer.headers['x-access-token']}"}
