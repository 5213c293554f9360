"""DELETE /users/{id}, POST /users/{id}/revoke-sessions and /unlock: authorization, and accounts that must stay."""

import asyncio

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import make_user
from tests.users.administering import BETTER, NOBODY, announced, good_tokens, hold_token
from tests.users.people import can_sign_in, is_signed_in, sign_in


@pytest.mark.parametrize("id", [NOBODY, "zz", "9" * 5000, "-1", "1e3", "%20", "١٢٣", "me2", f"{NOBODY}x"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/revoke-sessions"), ("POST", "/unlock")],
)
async def test_an_unknown_account_is_not_found(
    admin: httpx.AsyncClient, context: Context, method: str, path: str, id: str
) -> None:
    """C-16, C-26."""
    body = {"json": {"is_active": False, "password": BETTER}} if method == "PATCH" else {}
    answer = await admin.request(method, f"/api/users/{id}{path}", **body)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert await announced(context) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("GET", f"/{NOBODY}"),
        ("PATCH", f"/{NOBODY}"),
        ("DELETE", f"/{NOBODY}"),
        ("PATCH", "/zz"),
        ("DELETE", "/zz"),
        ("POST", "/zz/revoke-sessions"),
        ("POST", f"/{NOBODY}/revoke-sessions"),
        ("POST", "/zz/unlock"),
        ("POST", f"/{NOBODY}/unlock"),
    ],
)
async def test_is_for_superusers_only(client: httpx.AsyncClient, context: Context, method: str, path: str) -> None:
    """C-96: decided before the account's existence is shown and before the body is read."""
    answer = await client.request(method, f"/api/users{path}", content=b"{")
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
    user = await make_user(context)
    headers = await sign_in(client, user.email)
    answer = await client.request(method, f"/api/users{path}", content=b"{", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


async def test_deletes_an_account_and_its_data(admin: httpx.AsyncClient, context: Context) -> None:
    ada = await make_user(context, "ada@example.com")
    headers = await sign_in(admin, ada.email)
    await hold_token(context, ada)
    assert (await admin.delete(f"/api/users/{ada.id}")).status_code == 204
    assert (await admin.delete(f"/api/users/{ada.id}")).status_code == 404
    assert not await is_signed_in(admin, headers)
    assert await good_tokens(context) == 0
    assert await context.db.fetch("select 1 from sessions where user_id = $1", ada.id) == []
    [event] = await context.db.fetch("select type, data from outbox_events where topic = 'users'")
    assert (event["type"], ada.email in event["data"]) == ("users.deleted", False)
    assert (await admin.post("/api/users", json={"email": ada.email})).status_code == 201


async def test_ends_every_session_of_an_account(admin: httpx.AsyncClient, context: Context) -> None:
    ada, bob = await make_user(context, "ada@example.com"), await make_user(context, "bob@example.com")
    held = [await sign_in(admin, ada.email), await sign_in(admin, ada.email), await sign_in(admin, bob.email)]
    assert all([await is_signed_in(admin, headers) for headers in held])
    assert (await admin.post(f"/api/users/{ada.id}/revoke-sessions")).status_code == 204
    assert [await is_signed_in(admin, headers) for headers in held] == [False, False, True]
    assert await announced(context) == ["users.sessions_revoked"]
    assert await can_sign_in(admin, ada.email)


@pytest.mark.parametrize("body", [{"is_superuser": False}, {"is_active": False}])
async def test_the_last_superuser_stays(admin: httpx.AsyncClient, context: Context, body: dict[str, bool]) -> None:
    """C-99, C-131: an account that is disabled, has a pending deletion, or has no password yet cannot sign in and does
    not count."""
    root = (await admin.get("/api/users/me")).json()["id"]
    await make_user(context, "disabled@example.com", superuser=True, active=False)
    await make_user(context, "leaving@example.com", superuser=True)
    leaving = "update users set deletion_requested_at = now(), delete_after = now() where email = 'leaving@example.com'"
    await context.db.fetch(leaving)
    invited = {"email": "invited@example.com", "is_superuser": True, "is_verified": True}
    assert (await admin.post("/api/users", json=invited)).status_code == 201
    events = len(await announced(context))
    answer = await admin.patch(f"/api/users/{root}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "LAST_SUPERUSER")
    assert (await admin.get("/api/users/me")).json()["is_superuser"] is True
    assert len(await announced(context)) == events
    await make_user(context, "second@example.com", superuser=True)
    assert (await admin.patch(f"/api/users/{root}", json=body)).status_code == 200


@pytest.mark.parametrize("body", [{"is_superuser": False}, {"is_active": False}, None])
async def test_two_superusers_who_demote_each_other_concurrently_leave_one(
    live: Context, live_client: httpx.AsyncClient, body: dict[str, bool] | None
) -> None:
    """C-99."""
    two = [await make_user(live, f"{name}@example.com", superuser=True) for name in ("ada", "bob")]
    held = [await sign_in(live_client, user.email) for user in two]
    for _ in range(5):
        await live.db.fetch("update users set is_superuser = true, is_active = true")
        answers = await asyncio.gather(
            *(
                live_client.request("PATCH" if body else "DELETE", f"/api/users/{other.id}", json=body, headers=headers)
                for headers, other in zip(held, reversed(two), strict=True)
            )
        )
        refused = [answer for answer in answers if answer.status_code not in (200, 204)]
        assert len(refused) == 1, [answer.text for answer in answers]
        assert (refused[0].status_code, refused[0].json()["code"]) in [
            (409, "LAST_SUPERUSER"),
            (401, "TOKEN_INVALID"),
            (403, "FORBIDDEN"),
        ]
        left = await live.db.fetch("select id from users where is_superuser and is_active")
        assert len(left) == 1
        if body != {"is_superuser": False}:  # the sessions of one have ended
            return


async def test_two_superusers_who_demote_themselves_concurrently_leave_one(
    live: Context, live_client: httpx.AsyncClient
) -> None:
    """C-99."""
    two = [await make_user(live, f"{name}@example.com", superuser=True) for name in ("ada", "bob")]
    held = [await sign_in(live_client, user.email) for user in two]
    for _ in range(5):
        answers = await asyncio.gather(
            *(
                live_client.patch(f"/api/users/{user.id}", json={"is_superuser": False}, headers=headers)
                for headers, user in zip(held, two, strict=True)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert len(await live.db.fetch("select 1 from users where is_superuser")) == 1
        await live.db.fetch("update users set is_superuser = true")
