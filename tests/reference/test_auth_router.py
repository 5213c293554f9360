"""POST /auth/jwt/login, /auth/cookie/login and their logouts."""

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import PASSWORD
from tests.reference.conftest import Person, refusal

pytestmark = pytest.mark.parametrize(
    "requires_verification", [True, False], ids=["required_verification", "not_required_verification"], indirect=True
)


def assert_signed_in(path: str, response: httpx.Response) -> None:
    if "cookie" in path:
        assert (response.status_code, response.content) == (204, b"")
        assert "__Host-access" in cookies_of(response)
    else:
        assert response.status_code == 200
        answer = response.json()
        # The contract adds a refresh token and the lifetime of the access token.
        assert set(answer) == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert answer["token_type"] == "bearer"
        assert answer["access_token"].count(".") == 2


def cookies_of(response: httpx.Response) -> dict[str, str]:
    pairs = [cookie.partition(";")[0].partition("=") for cookie in response.headers.get_list("set-cookie")]
    return {name: value for name, _, value in pairs}


@pytest.mark.parametrize("path", ["/api/auth/jwt/login", "/api/auth/cookie/login"])
class TestLogin:
    async def test_empty_body(self, path: str, client: httpx.AsyncClient) -> None:
        # httpx sends no content type with an empty form; a browser sends one.
        form = {"content-type": "application/x-www-form-urlencoded"}
        response = await client.post(path, content=b"", headers=form)
        assert response.status_code == 422

    async def test_missing_username(self, path: str, client: httpx.AsyncClient) -> None:
        response = await client.post(path, data={"password": PASSWORD})
        assert response.status_code == 422

    async def test_missing_password(self, path: str, client: httpx.AsyncClient) -> None:
        response = await client.post(path, data={"username": "king.arthur@camelot.bt"})
        assert response.status_code == 422

    async def test_not_existing_user(self, path: str, client: httpx.AsyncClient) -> None:
        response = await client.post(path, data={"username": "lancelot@camelot.bt", "password": PASSWORD})
        assert refusal(response) == (400, "LOGIN_BAD_CREDENTIALS")

    async def test_wrong_password(self, path: str, client: httpx.AsyncClient, user: Person) -> None:
        response = await client.post(path, data={"username": user.email, "password": "percival"})
        assert refusal(response) == (400, "LOGIN_BAD_CREDENTIALS")

    @pytest.mark.parametrize("email", ["king.arthur@camelot.bt", "King.Arthur@camelot.bt"])
    async def test_valid_credentials_unverified(
        self, path: str, email: str, client: httpx.AsyncClient, requires_verification: bool, user: Person
    ) -> None:
        response = await client.post(path, data={"username": email, "password": PASSWORD})
        if requires_verification:
            assert refusal(response) == (400, "LOGIN_USER_NOT_VERIFIED")
        else:
            assert_signed_in(path, response)

    @pytest.mark.parametrize("email", ["lake.lady@camelot.bt", "Lake.Lady@camelot.bt"])
    async def test_valid_credentials_verified(
        self, path: str, email: str, client: httpx.AsyncClient, verified_user: Person
    ) -> None:
        response = await client.post(path, data={"username": email, "password": PASSWORD})
        assert_signed_in(path, response)

    async def test_inactive_user(self, path: str, client: httpx.AsyncClient, inactive_user: Person) -> None:
        response = await client.post(path, data={"username": inactive_user.email, "password": PASSWORD})
        assert refusal(response) == (400, "LOGIN_BAD_CREDENTIALS")


async def credentials(client: httpx.AsyncClient, path: str, person: Person) -> dict[str, str]:
    """Return the credentials for the path: a bearer token, or cookies and the XSRF token that the contract adds."""
    if "cookie" not in path:
        return person.headers
    form = {"username": person.email, "password": PASSWORD}
    cookies = cookies_of(await client.post("/api/auth/cookie/login", data=form))
    client.cookies.clear()
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return {"cookie": header, "x-xsrf-token": cookies["XSRF-TOKEN"]}


@pytest.mark.parametrize("path", ["/api/auth/jwt/logout", "/api/auth/cookie/logout"])
class TestLogout:
    async def test_missing_token(self, path: str, client: httpx.AsyncClient) -> None:
        response = await client.post(path)
        assert response.status_code == 401

    async def test_valid_credentials_unverified(
        self, path: str, client: httpx.AsyncClient, context: Context, user: Person
    ) -> None:
        await context.db.fetch("update users set is_verified = true")
        headers = await credentials(client, path, user)
        await context.db.fetch("update users set is_verified = false")
        response = await client.post(path, headers=headers)
        # FastAPI Users answers 403 if verification is required. Here every holder of a token may end its session.
        assert (response.status_code, response.content) == (204, b"")

    async def test_valid_credentials_verified(
        self, path: str, client: httpx.AsyncClient, verified_user: Person
    ) -> None:
        headers = await credentials(client, path, verified_user)
        response = await client.post(path, headers=headers)
        assert (response.status_code, response.content) == (204, b"")
        # FastAPI Users' mock ends nothing. The contract: the session ends at once.
        assert (await client.get("/api/users/me", headers=headers)).status_code == 401
