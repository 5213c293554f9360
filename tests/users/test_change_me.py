"""PATCH /users/me: name, language and password; test_change_email.py has the address."""

import asyncio
from typing import Any

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.users.people import can_sign_in, is_signed_in, renewed, sign_in

NEW = "a better horse and battery"


async def change(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.patch("/api/users/me", json=body)


async def told(context: Context) -> list[str]:
    events = await context.db.fetch("select type from outbox_events where topic = 'users' order by seq")
    return [event[0] for event in events]


@pytest.mark.parametrize("name", ["Ada", "Ada Lovelace", "O'Brien <script>", "عادة", "👩‍🔬 {{7*7}}", "x" * 100])
async def test_a_name_is_stored_unchanged(signed_in: httpx.AsyncClient, context: Context, name: str) -> None:
    """C-30, C-32."""
    answer = await change(signed_in, name=name)
    assert (answer.status_code, answer.json()["name"]) == (200, name)
    assert (await signed_in.get("/api/users/me")).json() == answer.json()
    [event] = await context.db.fetch("select data->'changed' as changed from outbox_events where topic = 'users'")
    assert event["changed"] == '["name"]'


@pytest.mark.parametrize(
    "name",
    ["", " ", "\t", "x" * 101, "a\nb", "Ada\n", "a\r\nBcc: x", "a\x00", "\u202eadA", "a\u2066b", "\u2028", "\u200b", 1],
)
async def test_a_name_with_line_breaks_is_refused(signed_in: httpx.AsyncClient, context: Context, name: Any) -> None:
    """C-25, C-32, C-88."""
    answer = await change(signed_in, name=name)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/name")
    assert await told(context) == []


async def test_a_name_can_be_removed(signed_in: httpx.AsyncClient) -> None:
    await change(signed_in, name="Ada")
    assert (await change(signed_in, language="de")).json()["name"] == "Ada"
    assert (await change(signed_in, name=None)).json()["name"] is None


async def test_the_language_is_that_of_mails(signed_in: httpx.AsyncClient, context: Context) -> None:
    assert (await change(signed_in, language="de")).status_code == 200
    assert [row[0] for row in await context.db.fetch("select language from users")] == ["de"]
    assert (await change(signed_in, language="fr")).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"password": None},
        {"email": None},
        {"current_password": PASSWORD},
        {"is_superuser": True, "is_active": False, "is_verified": False},
    ],
)
async def test_an_empty_change_changes_nothing(
    signed_in: httpx.AsyncClient, context: Context, body: dict[str, Any]
) -> None:
    before = (await signed_in.get("/api/users/me")).json()
    answer = await signed_in.patch("/api/users/me", json=body)
    assert (answer.status_code, answer.json()) == (200, before)
    assert await told(context) == []


@pytest.mark.parametrize("field", ["id", "roles", "created_at", "owner_id", "version", "password_hash", "__proto__"])
async def test_any_other_field_is_refused(signed_in: httpx.AsyncClient, context: Context, field: str) -> None:
    """C-97."""
    answer = await change(signed_in, name="Ada", **{field: None})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{field}")
    assert await told(context) == []


async def test_a_stale_change_is_refused(signed_in: httpx.AsyncClient) -> None:
    tag = (await signed_in.get("/api/users/me")).headers["etag"]
    first = await signed_in.patch("/api/users/me", json={"name": "Ada"}, headers={"if-match": tag})
    assert first.status_code == 200
    again = await signed_in.patch("/api/users/me", json={"name": "Eve"}, headers={"if-match": tag})
    assert (again.status_code, again.json()["code"]) == (412, "PRECONDITION_FAILED")
    third = await signed_in.patch("/api/users/me", json={"name": "Bob"}, headers={"if-match": first.headers["etag"]})
    assert (third.status_code, third.json()["name"]) == (200, "Bob")


async def test_one_of_two_concurrent_changes_is_made(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-98."""
    user = await make_user(live)
    headers = await sign_in(live_client, user.email)
    headers["if-match"] = (await live_client.get("/api/users/me", headers=headers)).headers["etag"]
    answers = await asyncio.gather(
        *(live_client.patch("/api/users/me", json={"name": f"{number}"}, headers=headers) for number in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]
    [name] = [answer.json()["name"] for answer in answers if answer.status_code == 200]
    assert [row[0] for row in await live.db.fetch("select name from users")] == [name]


async def test_a_new_password_needs_the_current_one(signed_in: httpx.AsyncClient, context: Context) -> None:
    email = (await signed_in.get("/api/users/me")).json()["email"]
    for given in ({}, {"current_password": "wrong horse battery"}, {"current_password": None}):
        answer = await change(signed_in, password=NEW, name="Ada", **given)
        assert (answer.status_code, answer.json()["code"]) == (403, "CURRENT_PASSWORD_REQUIRED")
    assert await told(context) == []
    assert await can_sign_in(signed_in, email)


async def test_a_new_password_ends_the_other_sessions(signed_in: httpx.AsyncClient, context: Context) -> None:
    email = (await signed_in.get("/api/users/me")).json()["email"]
    other = await sign_in(signed_in, email)
    answer = await change(signed_in, password=NEW, current_password=PASSWORD, name="Ada")
    assert (answer.status_code, answer.json()["name"]) == (200, "Ada")
    assert (await signed_in.get("/api/users/me")).status_code == 401
    assert await is_signed_in(signed_in, renewed(answer))
    assert not await is_signed_in(signed_in, other)
    assert await can_sign_in(signed_in, email, NEW)
    assert not await can_sign_in(signed_in, email)
    assert (await told(context)) == ["users.password_changed", "users.updated"]


@pytest.mark.parametrize("password", ["short", "password1", "x" * 129])
async def test_a_weak_password_is_refused(signed_in: httpx.AsyncClient, context: Context, password: str) -> None:
    """C-49."""
    answer = await change(signed_in, password=password, current_password=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (400, "UPDATE_USER_INVALID_PASSWORD")
    assert await told(context) == []


async def test_the_address_is_not_a_valid_password(signed_in: httpx.AsyncClient) -> None:
    email = (await signed_in.get("/api/users/me")).json()["email"]
    answer = await change(signed_in, password=email.upper(), current_password=PASSWORD)
    assert answer.json()["code"] == "UPDATE_USER_INVALID_PASSWORD"


async def test_the_owner_is_notified(signed_in: httpx.AsyncClient, context: Context) -> None:
    signed_in.headers.update(renewed(await change(signed_in, password=NEW, current_password=PASSWORD)))
    assert await mailed(context) == []  # a mail without a link
    assert [mail.to for mail in context.mail.sent] == [(await signed_in.get("/api/users/me")).json()["email"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("body", [{"name": "Ada"}, {}])
async def test_anonymous_callers_are_refused(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await client.patch("/api/users/me", json=body)).status_code == 401
