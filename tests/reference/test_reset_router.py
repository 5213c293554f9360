"""POST /auth/forgot-password and /auth/reset-password."""

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import PASSWORD
from tests.mailed import mailed
from tests.reference.conftest import Person, refusal

FORGOT, RESET = "/api/auth/forgot-password", "/api/auth/reset-password"
NEW_PASSWORD = "the holy grail is near"


class TestForgotPassword:
    async def test_empty_body(self, client: httpx.AsyncClient, context: Context) -> None:
        response = await client.post(FORGOT, json={})
        assert response.status_code == 422
        assert await context.db.fetch("select 1 from outbox_tasks") == []

    async def test_not_existing_user(self, client: httpx.AsyncClient, context: Context) -> None:
        response = await client.post(FORGOT, json={"email": "lancelot@camelot.bt"})
        assert (response.status_code, response.content) == (202, b"null")
        assert await mailed(context) == []

    async def test_inactive_user(self, client: httpx.AsyncClient, context: Context, inactive_user: Person) -> None:
        await mailed(context)
        response = await client.post(FORGOT, json={"email": inactive_user.email})
        assert (response.status_code, response.content) == (202, b"null")
        assert await mailed(context) == []

    async def test_existing_user(self, client: httpx.AsyncClient, context: Context, user: Person) -> None:
        response = await client.post(FORGOT, json={"email": user.email})
        assert (response.status_code, response.content) == (202, b"null")
        assert [to for to, _ in await mailed(context)] == [user.email]


@pytest.fixture
async def token(client: httpx.AsyncClient, context: Context, user: Person) -> str:
    """Return the token of the user's mail."""
    await client.post(FORGOT, json={"email": user.email})
    [(_, found)] = await mailed(context)
    return found


class TestResetPassword:
    async def test_empty_body(self, client: httpx.AsyncClient) -> None:
        response = await client.post(RESET, json={})
        assert response.status_code == 422

    async def test_missing_token(self, client: httpx.AsyncClient) -> None:
        response = await client.post(RESET, json={"password": NEW_PASSWORD})
        assert response.status_code == 422

    async def test_missing_password(self, client: httpx.AsyncClient) -> None:
        response = await client.post(RESET, json={"token": "foo"})
        assert response.status_code == 422

    async def test_invalid_token(self, client: httpx.AsyncClient) -> None:
        response = await client.post(RESET, json={"token": "foo", "password": NEW_PASSWORD})
        assert refusal(response) == (400, "RESET_PASSWORD_BAD_TOKEN")

    async def test_inactive_user(self, client: httpx.AsyncClient, context: Context, token: str) -> None:
        await context.db.fetch("update users set is_active = false")
        response = await client.post(RESET, json={"token": token, "password": NEW_PASSWORD})
        assert refusal(response) == (400, "RESET_PASSWORD_BAD_TOKEN")

    async def test_invalid_password(self, client: httpx.AsyncClient, token: str) -> None:
        response = await client.post(RESET, json={"token": token, "password": "g"})
        assert refusal(response) == (400, "RESET_PASSWORD_INVALID_PASSWORD")
        # FastAPI Users' `detail` is a code and a `reason`; the reason is `detail` here.
        assert response.json()["detail"] == "The password must have at least 8 characters."

    async def test_valid_user_password(self, client: httpx.AsyncClient, user: Person, token: str) -> None:
        response = await client.post(RESET, json={"token": token, "password": NEW_PASSWORD})
        assert (response.status_code, response.content) == (200, b"null")
        # FastAPI Users' manager is a mock here; the real one's effect: the new password works, the old one does not.
        for password, status in ((PASSWORD, 400), (NEW_PASSWORD, 200)):
            form = {"username": user.email, "password": password}
            assert (await client.post("/api/auth/jwt/login", data=form)).status_code == status
