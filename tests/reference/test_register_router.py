"""POST /auth/register."""

import httpx
import pytest

from tests.factories import PASSWORD
from tests.reference.conftest import Person, refusal

PATH = "/api/auth/register"


class TestRegister:
    async def test_empty_body(self, client: httpx.AsyncClient) -> None:
        response = await client.post(PATH, json={})
        assert response.status_code == 422

    async def test_missing_email(self, client: httpx.AsyncClient) -> None:
        response = await client.post(PATH, json={"password": PASSWORD})
        assert response.status_code == 422

    async def test_missing_password(self, client: httpx.AsyncClient) -> None:
        response = await client.post(PATH, json={"email": "king.arthur@camelot.bt"})
        assert response.status_code == 422

    async def test_wrong_email(self, client: httpx.AsyncClient) -> None:
        response = await client.post(PATH, json={"email": "king.arthur", "password": PASSWORD})
        assert response.status_code == 422

    async def test_invalid_password(self, client: httpx.AsyncClient) -> None:
        response = await client.post(PATH, json={"email": "king.arthur@camelot.bt", "password": "g"})
        assert refusal(response) == (400, "REGISTER_INVALID_PASSWORD")
        # FastAPI Users' `detail` is a code and a `reason`; the reason is `detail` here.
        assert response.json()["detail"] == "The password must have at least 8 characters."

    @pytest.mark.parametrize("email", ["king.arthur@camelot.bt", "King.Arthur@camelot.bt"])
    async def test_existing_user(self, email: str, client: httpx.AsyncClient, user: Person) -> None:
        response = await client.post(PATH, json={"email": email, "password": PASSWORD})
        assert refusal(response) == (400, "REGISTER_USER_ALREADY_EXISTS")

    @pytest.mark.parametrize("email", ["lancelot@camelot.bt", "Lancelot@camelot.bt"])
    async def test_valid_body(self, email: str, client: httpx.AsyncClient) -> None:
        response = await client.post(PATH, json={"email": email, "password": PASSWORD})
        assert response.status_code == 201
        answer = response.json()
        assert "hashed_password" not in answer
        assert "password" not in answer
        assert answer["id"] is not None

    async def test_valid_body_is_superuser(self, client: httpx.AsyncClient) -> None:
        json = {"email": "lancelot@camelot.bt", "password": PASSWORD, "is_superuser": True}
        response = await client.post(PATH, json=json)
        assert response.status_code == 201
        assert response.json()["is_superuser"] is False

    async def test_valid_body_is_active(self, client: httpx.AsyncClient) -> None:
        json = {"email": "lancelot@camelot.bt", "password": PASSWORD, "is_active": False}
        response = await client.post(PATH, json=json)
        assert response.status_code == 201
        assert response.json()["is_active"] is True
