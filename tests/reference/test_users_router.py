"""GET and PATCH /users/me."""

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import PASSWORD
from tests.reference.conftest import Person, password_hash, refusal

pytestmark = pytest.mark.parametrize(
    "requires_verification", [True, False], ids=["required_verification", "not_required_verification"], indirect=True
)
PATH = "/api/users/me"
# The contract requires `current_password` to change an address or a password.
NEW_EMAIL = {"email": "king.arthur@tintagel.bt", "current_password": PASSWORD}
NEW_PASSWORD = {"password": "merlin of camelot", "current_password": PASSWORD}


class TestMe:
    async def test_missing_token(self, client: httpx.AsyncClient) -> None:
        response = await client.get(PATH)
        assert response.status_code == 401

    async def test_inactive_user(self, client: httpx.AsyncClient, inactive_user: Person) -> None:
        response = await client.get(PATH, headers=inactive_user.headers)
        assert response.status_code == 401

    async def test_active_user(self, client: httpx.AsyncClient, requires_verification: bool, user: Person) -> None:
        response = await client.get(PATH, headers=user.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert response.json()["id"] == str(user.id)
            assert response.json()["email"] == user.email

    async def test_verified_user(self, client: httpx.AsyncClient, verified_user: Person) -> None:
        response = await client.get(PATH, headers=verified_user.headers)
        assert response.status_code == 200
        assert response.json()["id"] == str(verified_user.id)
        assert response.json()["email"] == verified_user.email


class TestUpdateMe:
    async def test_missing_token(self, client: httpx.AsyncClient) -> None:
        response = await client.patch(PATH)
        assert response.status_code == 401

    async def test_inactive_user(self, client: httpx.AsyncClient, inactive_user: Person) -> None:
        response = await client.patch(PATH, headers=inactive_user.headers)
        assert response.status_code == 401

    async def test_existing_email(
        self, client: httpx.AsyncClient, requires_verification: bool, user: Person, verified_user: Person
    ) -> None:
        json = {"email": verified_user.email, "current_password": PASSWORD}
        response = await client.patch(PATH, json=json, headers=user.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert refusal(response) == (400, "UPDATE_USER_EMAIL_ALREADY_EXISTS")

    async def test_invalid_password(self, client: httpx.AsyncClient, requires_verification: bool, user: Person) -> None:
        json = {"password": "m", "current_password": PASSWORD}
        response = await client.patch(PATH, json=json, headers=user.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert refusal(response) == (400, "UPDATE_USER_INVALID_PASSWORD")
            # FastAPI Users' `detail` is a code and a `reason`; the reason is `detail` here.
            assert response.json()["detail"] == "The password must have at least 8 characters."

    async def test_empty_body(self, client: httpx.AsyncClient, requires_verification: bool, user: Person) -> None:
        response = await client.patch(PATH, json={}, headers=user.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert response.json()["email"] == user.email

    async def test_valid_body(
        self, client: httpx.AsyncClient, context: Context, requires_verification: bool, user: Person
    ) -> None:
        response = await client.patch(PATH, json=NEW_EMAIL, headers=user.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            await assert_pending(response, context, user)

    async def test_unverified_after_email_change(
        self, client: httpx.AsyncClient, context: Context, verified_user: Person
    ) -> None:
        response = await client.patch(PATH, json=NEW_EMAIL, headers=verified_user.headers)
        await assert_pending(response, context, verified_user)
        # FastAPI Users: no longer verified. Here the verified address stays until the new one is confirmed.
        assert response.json()["is_verified"] is True

    async def test_valid_body_is_superuser(
        self, client: httpx.AsyncClient, requires_verification: bool, user: Person
    ) -> None:
        response = await client.patch(PATH, json={"is_superuser": True}, headers=user.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert response.json()["is_superuser"] is False

    async def test_valid_body_is_active(
        self, client: httpx.AsyncClient, requires_verification: bool, user: Person
    ) -> None:
        response = await client.patch(PATH, json={"is_active": False}, headers=user.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert response.json()["is_active"] is True

    async def test_valid_body_is_verified(
        self, client: httpx.AsyncClient, requires_verification: bool, user: Person
    ) -> None:
        response = await client.patch(PATH, json={"is_verified": True}, headers=user.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert response.json()["is_verified"] is False

    async def test_valid_body_password(
        self, client: httpx.AsyncClient, context: Context, requires_verification: bool, user: Person
    ) -> None:
        before = await password_hash(context, user)
        response = await client.patch(PATH, json=NEW_PASSWORD, headers=user.headers)
        if requires_verification:
            assert response.status_code == 403
        else:
            assert response.status_code == 200
            assert await password_hash(context, user) != before

    async def test_empty_body_verified_user(self, client: httpx.AsyncClient, verified_user: Person) -> None:
        response = await client.patch(PATH, json={}, headers=verified_user.headers)
        assert response.status_code == 200
        assert response.json()["email"] == verified_user.email

    async def test_valid_body_verified_user(
        self, client: httpx.AsyncClient, context: Context, verified_user: Person
    ) -> None:
        response = await client.patch(PATH, json=NEW_EMAIL, headers=verified_user.headers)
        await assert_pending(response, context, verified_user)

    async def test_valid_body_is_superuser_verified_user(
        self, client: httpx.AsyncClient, verified_user: Person
    ) -> None:
        response = await client.patch(PATH, json={"is_superuser": True}, headers=verified_user.headers)
        assert response.status_code == 200
        assert response.json()["is_superuser"] is False

    async def test_valid_body_is_active_verified_user(self, client: httpx.AsyncClient, verified_user: Person) -> None:
        response = await client.patch(PATH, json={"is_active": False}, headers=verified_user.headers)
        assert response.status_code == 200
        assert response.json()["is_active"] is True

    async def test_valid_body_is_verified_verified_user(self, client: httpx.AsyncClient, verified_user: Person) -> None:
        response = await client.patch(PATH, json={"is_verified": False}, headers=verified_user.headers)
        assert response.status_code == 200
        assert response.json()["is_verified"] is True

    async def test_valid_body_password_verified_user(
        self, client: httpx.AsyncClient, context: Context, verified_user: Person
    ) -> None:
        before = await password_hash(context, verified_user)
        response = await client.patch(PATH, json=NEW_PASSWORD, headers=verified_user.headers)
        assert response.status_code == 200
        assert await password_hash(context, verified_user) != before

    async def test_nulls(self, client: httpx.AsyncClient, context: Context, verified_user: Person) -> None:
        """Tests their schema, not their router: null leaves a field unchanged."""
        before = await password_hash(context, verified_user)
        json = {"email": None, "password": None, "is_active": None, "is_superuser": None, "is_verified": None}
        response = await client.patch(PATH, json=json, headers=verified_user.headers)
        assert response.status_code == 200
        assert response.json()["email"] == verified_user.email
        assert await password_hash(context, verified_user) == before


async def assert_pending(response: httpx.Response, context: Context, person: Person) -> None:
    """FastAPI Users returns the new address at once. Here it waits for its confirmation."""
    assert response.status_code == 200
    assert response.json()["email"] == person.email
    [row] = await context.db.fetch("select email, pending_email from users where id = $1", person.id)
    assert tuple(row) == (person.email, NEW_EMAIL["email"])
