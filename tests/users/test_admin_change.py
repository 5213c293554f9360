"""GET and PATCH /users/{id}."""

from typing import Any

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import make_user
from tests.users.administering import BETTER, NOBODY, announced, change, good_tokens, hold_token
from tests.users.people import can_sign_in, is_signed_in, sign_in


async def test_returns_an_account_or_304(admin: httpx.AsyncClient, context: Context) -> None:
    ada = await make_user(context, "ada@example.com")
    first = await admin.get(f"/api/users/{ada.id}")
    assert first.json()["email"] == "ada@example.com"
    tag = {"if-none-match": first.headers["etag"]}
    assert (await admin.get(f"/api/users/{ada.id}", headers=tag)).status_code == 304
    await change(admin, ada, name="Ada")
    assert (await admin.get(f"/api/users/{ada.id}", headers=tag)).json()["name"] == "Ada"


async def test_changes_only_the_given_fields(admin: httpx.AsyncClient, context: Context) -> None:
    ada = await make_user(context, "ada@example.com", verified=False, roles=["editor"])
    await context.db.fetch("update users set password_hash = null where id = $1", ada.id)  # invited
    answer = await change(admin, ada, name="Ada", is_verified=True, roles=["writer", "notifier"])
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["name"], shown["is_verified"], shown["roles"]) == ("Ada", True, ["notifier", "writer"])
    assert (shown["email"], shown["is_active"], shown["is_superuser"]) == ("ada@example.com", True, False)
    [event] = await context.db.fetch("select type, data from outbox_events where topic = 'users'")
    assert event["type"] == "users.updated"
    assert '"changed":["name","is_verified","roles"]' in event["data"].replace(" ", "")
    nulls = dict.fromkeys(["email", "password", "is_active", "is_superuser", "is_verified", "roles"])
    again = await change(admin, ada, **nulls, name="Ada")
    assert again.json() == shown
    assert len(await announced(context)) == 1, "nothing was recorded"
    assert (await change(admin, ada, name=None)).json()["name"] is None
    assert (await change(admin, ada, roles=[])).json()["roles"] == []


async def test_an_empty_change_is_accepted(admin: httpx.AsyncClient, context: Context) -> None:
    ada = await make_user(context)
    before = (await admin.get(f"/api/users/{ada.id}")).json()
    answer = await change(admin, ada)
    assert (answer.status_code, answer.json()) == (200, before)
    assert await announced(context) == []


async def test_a_change_of_rights_applies_at_once(admin: httpx.AsyncClient, context: Context) -> None:
    ada = await make_user(context, "ada@example.com")
    headers = await sign_in(admin, ada.email)
    assert (await admin.get("/api/users", headers=headers)).status_code == 403
    assert (await change(admin, ada, is_superuser=True)).status_code == 200
    assert (await admin.get("/api/users", headers=headers)).status_code == 200
    assert (await change(admin, ada, is_superuser=False)).status_code == 200
    assert (await admin.get("/api/users", headers=headers)).status_code == 403
    assert await announced(context) == ["users.updated", "users.promoted", "users.updated"]


async def test_a_new_address_applies_at_once_and_is_not_verified(admin: httpx.AsyncClient, context: Context) -> None:
    ada = await make_user(context, "ada@example.com")
    headers = await sign_in(admin, ada.email)
    await hold_token(context, ada)
    await context.db.fetch("update users set pending_email = 'other@example.com' where id = $1", ada.id)
    shown = (await change(admin, ada, email="Countess@Example.com")).json()
    assert (shown["email"], shown["is_verified"]) == ("countess@example.com", False)
    assert await announced(context) == ["users.email_changed", "users.updated"]
    assert not await is_signed_in(admin, headers)
    assert await good_tokens(context) == 0
    [row] = await context.db.fetch("select pending_email from users where id = $1", ada.id)
    assert row["pending_email"] is None
    assert await can_sign_in(admin, "countess@example.com")
    shown = (await change(admin, ada, email="ada@example.com", is_verified=True)).json()
    assert (shown["email"], shown["is_verified"]) == ("ada@example.com", True)


async def test_the_same_address_in_another_case_is_no_change(admin: httpx.AsyncClient, context: Context) -> None:
    ada = await make_user(context, "ada@example.com")
    shown = (await change(admin, ada, email="ADA@Example.com")).json()
    assert (shown["email"], shown["is_verified"]) == ("ada@example.com", True)
    assert await announced(context) == []


async def test_a_taken_address_is_refused(admin: httpx.AsyncClient, context: Context) -> None:
    ada = await make_user(context, "ada@example.com")
    answer = await change(admin, ada, email="ROOT@example.com", name="Ada")
    assert (answer.status_code, answer.json()["code"]) == (400, "UPDATE_USER_EMAIL_ALREADY_EXISTS")
    assert (await admin.get(f"/api/users/{ada.id}")).json()["name"] is None, "no field was changed"
    assert await announced(context) == []


async def test_a_new_password_ends_every_session_and_revokes_every_token(
    admin: httpx.AsyncClient, context: Context
) -> None:
    ada = await make_user(context, "ada@example.com")
    headers = await sign_in(admin, ada.email)
    await hold_token(context, ada)
    assert (await change(admin, ada, password=BETTER)).status_code == 200
    assert not await is_signed_in(admin, headers)
    assert await good_tokens(context) == 0
    assert not await can_sign_in(admin, ada.email)
    assert await can_sign_in(admin, ada.email, BETTER)
    [event] = await context.db.fetch("select type, data from outbox_events where topic = 'users'")
    assert (event["type"], '"admin"' in event["data"]) == ("users.password_changed", True)
    assert BETTER not in event["data"]


@pytest.mark.parametrize("body", [{"password": "password"}, {"password": "short"}, {"password": "ada@example.com"}])
async def test_refuses_a_weak_password(admin: httpx.AsyncClient, context: Context, body: dict[str, str]) -> None:
    ada = await make_user(context, "ada@example.com")
    answer = await change(admin, ada, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "UPDATE_USER_INVALID_PASSWORD")
    assert await can_sign_in(admin, ada.email)


async def test_a_disabled_account_is_signed_out_and_stays_so_when_enabled_again(
    admin: httpx.AsyncClient, context: Context
) -> None:
    ada = await make_user(context, "ada@example.com")
    headers = await sign_in(admin, ada.email)
    await hold_token(context, ada)
    assert (await change(admin, ada, is_active=False)).json()["is_active"] is False
    assert not await is_signed_in(admin, headers)
    assert not await can_sign_in(admin, ada.email)
    assert await good_tokens(context) == 0
    assert await announced(context) == ["users.updated", "users.disabled"]
    assert (await change(admin, ada, is_active=True)).json()["is_active"] is True
    assert not await is_signed_in(admin, headers)
    assert await can_sign_in(admin, ada.email)


async def test_the_second_of_two_changes_with_one_etag_is_refused(admin: httpx.AsyncClient, context: Context) -> None:
    """C-98."""
    ada = await make_user(context)
    tag = {"if-match": (await admin.get(f"/api/users/{ada.id}")).headers["etag"]}
    first = await admin.patch(f"/api/users/{ada.id}", json={"name": "Ada"}, headers=tag)
    assert first.status_code == 200
    second = await admin.patch(f"/api/users/{ada.id}", json={"name": "Lovelace"}, headers=tag)
    assert (second.status_code, second.json()["code"]) == (412, "PRECONDITION_FAILED")
    tag = {"if-match": first.headers["etag"]}
    assert (await admin.patch(f"/api/users/{ada.id}", json={"name": "Lovelace"}, headers=tag)).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [{"owner_id": NOBODY}, {"id": NOBODY}, {"created_at": "2020-01-01T00:00:00Z"}, {"roles": ["No"]}, {"is_active": 1}],
)
async def test_refuses_an_invalid_change(admin: httpx.AsyncClient, context: Context, wrong: dict[str, Any]) -> None:
    """C-97."""
    ada = await make_user(context)
    assert (await change(admin, ada, name="Ada", **wrong)).status_code == 422
    assert (await admin.get(f"/api/users/{ada.id}")).json()["name"] is None
