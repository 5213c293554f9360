"""GET /users/me."""

from datetime import datetime

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.errors import UNAUTHORIZED
from api.kernel.identity.auth import Principal
from api.users.handlers.profile import get_me
from tests.factories import PASSWORD


async def test_returns_the_account_without_the_password(signed_in: httpx.AsyncClient, context: Context) -> None:
    answer = await signed_in.get("/api/users/me")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    user = answer.json()
    [row] = await context.db.fetch("select * from users")
    assert user.keys() == {
        *("id", "email", "name", "is_active", "is_superuser"),
        *("is_verified", "roles", "created_at", "updated_at"),
        *("language", "pending_email"),
    }
    assert (user["id"], user["email"]) == (str(row["id"]), row["email"])
    assert user["created_at"].endswith("Z")
    assert datetime.fromisoformat(user["created_at"]) == row["created_at"]


async def test_returns_the_language_and_the_unconfirmed_address(signed_in: httpx.AsyncClient, context: Context) -> None:
    user = (await signed_in.get("/api/users/me")).json()
    assert (user["language"], user["pending_email"]) == ("en", None)
    await signed_in.patch("/api/users/me", json={"language": "de"})
    body = {"email": "new@bücher.example", "current_password": PASSWORD}
    changed = (await signed_in.patch("/api/users/me", json=body)).json()
    assert (changed["language"], changed["pending_email"]) == ("de", "new@bücher.example")
    assert changed["email"] == user["email"]
    cancelled = (await signed_in.patch("/api/users/me", json={"email": user["email"]})).json()
    assert cancelled["pending_email"] is None


async def test_returns_the_current_account(signed_in: httpx.AsyncClient, context: Context) -> None:
    await context.db.fetch("update users set name = 'Ada', roles = '{notifier}'")
    user = (await signed_in.get("/api/users/me")).json()
    assert (user["name"], user["roles"]) == ("Ada", ["notifier"])


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "UNAUTHORIZED"),
        ("", "UNAUTHORIZED"),
        ("Bearer", "UNAUTHORIZED"),
        ("Basic YWRhOng=", "UNAUTHORIZED"),
        ("Bearer nonsense", "TOKEN_INVALID"),
    ],
)
async def test_anonymous_callers_are_refused(client: httpx.AsyncClient, authorization: str | None, code: str) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = await client.get("/api/users/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "happened",
    [
        "update users set is_active = false",
        "update sessions set ended_at = now(), end_reason = 'logout'",
        "update sessions set expires_at = now()  - interval '1 second'",
        "update sessions set idle_expires_at = now()  - interval '1 second'",
        "delete from sessions",
        "delete from users",
    ],
)
async def test_a_good_token_is_dead_at_once(signed_in: httpx.AsyncClient, context: Context, happened: str) -> None:
    """C-65."""
    assert (await signed_in.get("/api/users/me")).status_code == 200
    await context.db.fetch(happened)
    answer = await signed_in.get("/api/users/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")


async def test_an_account_that_is_deleted_between_the_principal_and_the_account_is_unauthorized(
    context: Context,
) -> None:
    deleted = Principal(id=uuid7(), sid=uuid7(), is_superuser=False, is_verified=True, roles=())
    with pytest.raises(UNAUTHORIZED):
        await get_me(context, deleted)


async def test_a_token_in_the_address_is_refused(signed_in: httpx.AsyncClient) -> None:
    token = signed_in.headers.pop("authorization").split()[1]
    assert (await signed_in.get("/api/users/me", params={"access_token": token})).status_code == 401


async def test_an_unchanged_account_is_not_sent_again(signed_in: httpx.AsyncClient, context: Context) -> None:
    first = await signed_in.get("/api/users/me")
    again = await signed_in.get("/api/users/me", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    await context.db.fetch("update users set name = 'Ada'")
    changed = await signed_in.get("/api/users/me", headers={"if-none-match": first.headers["etag"]})
    assert (changed.status_code, changed.json()["name"]) == (200, "Ada")
    assert changed.headers["etag"] != first.headers["etag"]
