"""POST /users."""

from typing import Any

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import PASSWORD, make_user
from tests.users.administering import NOBODY, announced
from tests.users.people import can_sign_in


async def test_invites_an_account_without_a_password(admin: httpx.AsyncClient, context: Context) -> None:
    """C-100."""
    body = {"email": "Ada@Example.com", "name": "Ada", "roles": ["notifier", "editor", "notifier"], "language": "de"}
    answer = await admin.post("/api/users", json=body)
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["email"], shown["name"], shown["roles"]) == ("ada@example.com", "Ada", ["editor", "notifier"])
    assert (shown["is_active"], shown["is_superuser"], shown["is_verified"]) == (True, False, False)
    [row] = await context.db.fetch("select password_hash, language from users where email = 'ada@example.com'")
    assert tuple(row) == (None, "de")
    assert await announced(context) == ["users.invited"]
    [task] = await context.db.fetch("select task from outbox_tasks where task like 'users.%'")
    assert task["task"] == "users.send_invitation"
    assert not await can_sign_in(admin, "ada@example.com", "")
    assert not await can_sign_in(admin, "ada@example.com")


async def test_an_invitation_is_in_the_inviting_users_language(admin: httpx.AsyncClient, context: Context) -> None:
    headers = {"accept-language": "de-AT,en;q=0.5"}
    await admin.post("/api/users", json={"email": "ada@example.com", "is_superuser": True}, headers=headers)
    [row] = await context.db.fetch("select language, is_superuser from users where email = 'ada@example.com'")
    assert tuple(row) == ("de", True)
    assert await announced(context) == ["users.invited", "users.promoted"]


async def test_an_address_is_invited_once(admin: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, "ada@example.com")
    answer = await admin.post("/api/users", json={"email": "ADA@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (409, "USER_ALREADY_EXISTS")
    assert await announced(context) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "nobody"},
        {"roles": ["Admin"]},
        {"roles": ["a b"]},
        {"roles": ["a\n"]},
        {"roles": ["1a"]},
        {"roles": ["a" * 33]},
        {"roles": [f"a{number}" for number in range(21)]},
        {"roles": "admin"},
        {"roles": [None]},
        {"name": " "},
        {"password": PASSWORD},
        {"id": NOBODY},
        {"is_superuser": "true"},
        {"language": "xx"},
        {"__proto__": {}},
    ],
)
async def test_refuses_an_invalid_invitation(admin: httpx.AsyncClient, context: Context, wrong: dict[str, Any]) -> None:
    """C-26, C-97."""
    answer = await admin.post("/api/users", json={"email": "ada@example.com"} | wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
    assert len(await context.db.fetch("select 1 from users")) == 1
