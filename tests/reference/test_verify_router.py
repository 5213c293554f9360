"""POST /auth/request-verify-token and /auth/verify."""

import httpx
import pytest

from api.kernel.context import Context
from tests.mailed import mailed
from tests.reference.conftest import Person, refusal

REQUEST, VERIFY = "/api/auth/request-verify-token", "/api/auth/verify"


class TestVerifyTokenRequest:
    async def test_empty_body(self, client: httpx.AsyncClient, context: Context) -> None:
        response = await client.post(REQUEST, json={})
        assert response.status_code == 422
        assert await context.db.fetch("select 1 from outbox_tasks") == []

    async def test_wrong_email(self, client: httpx.AsyncClient, context: Context) -> None:
        response = await client.post(REQUEST, json={"email": "king.arthur"})
        assert response.status_code == 422
        assert await context.db.fetch("select 1 from outbox_tasks") == []

    async def test_user_not_exists(self, client: httpx.AsyncClient, context: Context) -> None:
        response = await client.post(REQUEST, json={"email": "user@example.com"})
        assert (response.status_code, response.content) == (202, b"null")
        assert await mailed(context) == []

    async def test_user_inactive(self, client: httpx.AsyncClient, context: Context, inactive_user: Person) -> None:
        response = await client.post(REQUEST, json={"email": inactive_user.email})
        assert (response.status_code, response.content) == (202, b"null")
        assert await mailed(context) == []

    async def test_user_already_verified(
        self, client: httpx.AsyncClient, context: Context, verified_user: Person
    ) -> None:
        response = await client.post(REQUEST, json={"email": verified_user.email})
        assert (response.status_code, response.content) == (202, b"null")
        assert await mailed(context) == []

    async def test_user_not_verified(self, client: httpx.AsyncClient, context: Context, user: Person) -> None:
        response = await client.post(REQUEST, json={"email": user.email})
        assert (response.status_code, response.content) == (202, b"null")
        assert [to for to, _ in await mailed(context)] == [user.email]


@pytest.fixture
async def token(client: httpx.AsyncClient, context: Context, user: Person) -> str:
    """Return the token of the user's mail."""
    await client.post(REQUEST, json={"email": user.email})
    [(_, found)] = await mailed(context)
    return found


class TestVerify:
    async def test_empty_body(self, client: httpx.AsyncClient) -> None:
        response = await client.post(VERIFY, json={})
        assert response.status_code == 422

    async def test_invalid_verify_token(self, client: httpx.AsyncClient) -> None:
        response = await client.post(VERIFY, json={"token": "foo"})
        assert refusal(response) == (400, "VERIFY_USER_BAD_TOKEN")

    async def test_user_not_exists(self, client: httpx.AsyncClient, context: Context, token: str) -> None:
        await context.db.fetch("delete from users")
        response = await client.post(VERIFY, json={"token": token})
        assert refusal(response) == (400, "VERIFY_USER_BAD_TOKEN")

    async def test_user_already_verified(self, client: httpx.AsyncClient, context: Context, token: str) -> None:
        await context.db.fetch("update users set is_verified = true")
        response = await client.post(VERIFY, json={"token": token})
        assert refusal(response) == (400, "VERIFY_USER_ALREADY_VERIFIED")

    async def test_success(self, client: httpx.AsyncClient, user: Person, token: str) -> None:
        response = await client.post(VERIFY, json={"token": token})
        assert response.status_code == 200
        assert response.json()["id"] == str(user.id)
