"""GET, PATCH and DELETE /users/{id}: FastAPI Users' test_router_users.py, second half."""

import httpx
import pytest

from api.kernel.context import Context
from tests.reference.conftest import Person, password_hash, refusal

pytestmark = pytest.mark.parametrize(
    "requires_verification", [True, False], ids=["required_verification", "not_required_verification"], indirect=True
)
UNKNOWN = "/api/users/d35d213e-f3d8-4f08-954a-7e0d1bea286f"
# FastAPI Users answers a malformed id like an unknown one; its earlier tests check it, its later ones do not.
not_existing = pytest.mark.parametrize("path", [UNKNOWN, "/api/users/000"])


def path_of(person: Person) -> str:
    return f"/api/users/{person.id}"


class Admission:
    """Tests of all three: authorization precedes the existence of the account."""

    method: str

    async def ask(self, client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return await client.request(self.method, path, headers=headers, json={} if self.method == "PATCH" else None)

    async def test_missing_token(self, client: httpx.AsyncClient) -> None:
        response = await self.ask(client, UNKNOWN)
        assert response.status_code == 401

    async def test_regular_user(self, client: httpx.AsyncClient, user: Person) -> None:
        response = await self.ask(client, UNKNOWN, user.headers)
        assert response.status_code == 403

    async def test_verified_user(self, client: httpx.AsyncClient, verified_user: Person) -> None:
        response = await self.ask(client, UNKNOWN, verified_user.headers)
        assert response.status_code == 403

    @not_existing
    async def test_not_existing_user_unverified_superuser(
        self, path: str, client: httpx.AsyncClient, requires_verification: bool, superuser: Person
    ) -> None:
        response = await self.ask(client, path, superuser.headers)
        assert response.status_code == (403 if requires_verification else 404)

    @not_existing
    async def test_not_existing_user_verified_superuser(
        self, path: str, client: httpx.AsyncClient, verified_superuser: Person
    ) -> None:
        response = await self.ask(client, path, verified_superuser.headers)
        assert response.status_code == 404


class TestGetUser(Admission):
    method = "GET"

    async def test_superuser(
        self, client: httpx.AsyncClient, requires_verification: bool, user: Person, superuser: Person
    ) -> None:
        response = await client.get(path_of(user), headers=superuser.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert response.json()["id"] == str(user.id)
            assert "hashed_password" not in response.json()

    async def test_verified_superuser(
        self, client: httpx.AsyncClient, user: Person, verified_superuser: Person
    ) -> None:
        response = await client.get(path_of(user), headers=verified_superuser.headers)
        assert response.status_code == 200
        assert response.json()["id"] == str(user.id)
        assert "hashed_password" not in response.json()


class TestUpdateUser(Admission):
    method = "PATCH"

    async def test_empty_body_unverified_superuser(
        self, client: httpx.AsyncClient, requires_verification: bool, user: Person, superuser: Person
    ) -> None:
        response = await client.patch(path_of(user), json={}, headers=superuser.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert response.json()["email"] == user.email

    async def test_empty_body_verified_superuser(
        self, client: httpx.AsyncClient, user: Person, verified_superuser: Person
    ) -> None:
        response = await client.patch(path_of(user), json={}, headers=verified_superuser.headers)
        assert response.status_code == 200
        assert response.json()["email"] == user.email

    async def test_valid_body_unverified_superuser(
        self, client: httpx.AsyncClient, requires_verification: bool, user: Person, superuser: Person
    ) -> None:
        json = {"email": "king.arthur@tintagel.bt"}
        response = await client.patch(path_of(user), json=json, headers=superuser.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert response.json()["email"] == "king.arthur@tintagel.bt"

    async def test_existing_email_verified_superuser(
        self, client: httpx.AsyncClient, user: Person, verified_user: Person, verified_superuser: Person
    ) -> None:
        json = {"email": verified_user.email}
        response = await client.patch(path_of(user), json=json, headers=verified_superuser.headers)
        assert refusal(response) == (400, "UPDATE_USER_EMAIL_ALREADY_EXISTS")

    async def test_invalid_password_verified_superuser(
        self, client: httpx.AsyncClient, user: Person, verified_superuser: Person
    ) -> None:
        response = await client.patch(path_of(user), json={"password": "m"}, headers=verified_superuser.headers)
        assert refusal(response) == (400, "UPDATE_USER_INVALID_PASSWORD")
        # FastAPI Users' `detail` is a code and a `reason`; the reason is `detail` here.
        assert response.json()["detail"] == "The password must have at least 8 characters."

    async def test_valid_body_verified_superuser(
        self, client: httpx.AsyncClient, user: Person, verified_superuser: Person
    ) -> None:
        json = {"email": "king.arthur@tintagel.bt"}
        response = await client.patch(path_of(user), json=json, headers=verified_superuser.headers)
        assert response.status_code == 200
        assert response.json()["email"] == "king.arthur@tintagel.bt"

    async def test_valid_body_is_superuser_unverified_superuser(
        self, client: httpx.AsyncClient, requires_verification: bool, user: Person, superuser: Person
    ) -> None:
        response = await client.patch(path_of(user), json={"is_superuser": True}, headers=superuser.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert response.json()["is_superuser"] is True

    async def test_valid_body_is_superuser_verified_superuser(
        self, client: httpx.AsyncClient, user: Person, verified_superuser: Person
    ) -> None:
        response = await client.patch(path_of(user), json={"is_superuser": True}, headers=verified_superuser.headers)
        assert response.status_code == 200
        assert response.json()["is_superuser"] is True

    async def test_valid_body_is_active_unverified_superuser(
        self, client: httpx.AsyncClient, requires_verification: bool, user: Person, superuser: Person
    ) -> None:
        response = await client.patch(path_of(user), json={"is_active": False}, headers=superuser.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert response.json()["is_active"] is False

    async def test_valid_body_is_active_verified_superuser(
        self, client: httpx.AsyncClient, user: Person, verified_superuser: Person
    ) -> None:
        response = await client.patch(path_of(user), json={"is_active": False}, headers=verified_superuser.headers)
        assert response.status_code == 200
        assert response.json()["is_active"] is False

    async def test_valid_body_is_verified_unverified_superuser(
        self, client: httpx.AsyncClient, requires_verification: bool, user: Person, superuser: Person
    ) -> None:
        response = await client.patch(path_of(user), json={"is_verified": True}, headers=superuser.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert response.json()["is_verified"] is True

    async def test_valid_body_is_verified_verified_superuser(
        self, client: httpx.AsyncClient, user: Person, verified_superuser: Person
    ) -> None:
        response = await client.patch(path_of(user), json={"is_verified": True}, headers=verified_superuser.headers)
        assert response.status_code == 200
        assert response.json()["is_verified"] is True

    async def test_valid_body_password_unverified_superuser(
        self,
        client: httpx.AsyncClient,
        context: Context,
        requires_verification: bool,
        user: Person,
        superuser: Person,
    ) -> None:
        before = await password_hash(context, user)
        json = {"password": "merlin of camelot"}
        response = await client.patch(path_of(user), json=json, headers=superuser.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert await password_hash(context, user) != before

    async def test_valid_body_password_verified_superuser(
        self, client: httpx.AsyncClient, context: Context, user: Person, verified_superuser: Person
    ) -> None:
        before = await password_hash(context, user)
        json = {"password": "merlin of camelot"}
        response = await client.patch(path_of(user), json=json, headers=verified_superuser.headers)
        assert response.status_code == 200
        assert await password_hash(context, user) != before

    async def test_nulls(
        self, client: httpx.AsyncClient, context: Context, user: Person, verified_superuser: Person
    ) -> None:
        """Tests their schema, not their router: null leaves a field unchanged."""
        before = await password_hash(context, user)
        json = {"email": None, "password": None, "is_active": None, "is_superuser": None, "is_verified": None}
        response = await client.patch(path_of(user), json=json, headers=verified_superuser.headers)
        assert response.status_code == 200
        assert (response.json()["email"], response.json()["is_active"]) == (user.email, True)
        assert await password_hash(context, user) == before


class TestDeleteUser(Admission):
    method = "DELETE"

    async def test_unverified_superuser(
        self,
        client: httpx.AsyncClient,
        context: Context,
        requires_verification: bool,
        user: Person,
        superuser: Person,
    ) -> None:
        response = await client.delete(path_of(user), headers=superuser.headers)
        if requires_verification:
            assert response.status_code == 403
            assert await exists(context, user)
        else:
            assert (response.status_code, response.content) == (204, b"")
            assert not await exists(context, user)

    async def test_verified_superuser(
        self, client: httpx.AsyncClient, context: Context, user: Person, verified_superuser: Person
    ) -> None:
        response = await client.delete(path_of(user), headers=verified_superuser.headers)
        assert (response.status_code, response.content) == (204, b"")
        assert not await exists(context, user)


async def exists(context: Context, person: Person) -> bool:
    return bool(await context.db.fetch("select 1 from users where id = $1", person.id))
