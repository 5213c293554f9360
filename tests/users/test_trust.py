"""Rights of an account with an unverified address go to the reader of the address; mails and links serve its owner, not
the first to use them."""

from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from api.kernel.context import Context
from api.kernel.data.cache import Cache
from api.kernel.errors import VALIDATION_FAILED, Problem
from api.kernel.identity.limits import Limiter
from api.kernel.mail import MemoryMailer
from api.superuser import promote
from api.users.commands import import_user
from api.users.importing import ImportUser
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.sessions.signing import login, sent, set_by
from tests.users.people import can_sign_in, is_signed_in, sign_in

ADA, EVE, CHOSEN = "ada@example.com", "eve@example.org", "a better horse and battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


async def post(client: httpx.AsyncClient, path: str, **body: Any) -> httpx.Response:
    return await client.post(f"/api{path}", json=body)


async def move(client: httpx.AsyncClient, context: Context, email: str, to: str) -> dict[str, str]:
    """Request a change with the password. Returns the mailed tokens, by address."""
    body = {"email": to, "current_password": PASSWORD}
    answer = await client.patch("/api/users/me", json=body, headers=await sign_in(client, email))
    assert answer.status_code == 200, answer.text
    return dict(await mailed(context))


@pytest.mark.case(131)
@pytest.mark.parametrize("by_command", [True, False])
async def test_a_squatter_gets_no_rights_with_the_address(
    admin: httpx.AsyncClient, context: Context, by_command: bool
) -> None:
    user = await make_user(context, ADA, verified=False)
    squatter = await sign_in(admin, ADA)
    if by_command:
        assert await promote(context, ADA)
    else:
        assert (await admin.patch(f"/api/users/{user.id}", json={"is_superuser": True})).status_code == 200
    assert not await is_signed_in(admin, squatter)
    assert not await can_sign_in(admin, ADA)
    [(to, token)] = await mailed(context)
    assert to == ADA
    assert (await post(admin, "/auth/reset-password", token=token, password=CHOSEN)).status_code == 200
    headers = await sign_in(admin, ADA, CHOSEN)
    assert (await admin.get("/api/users", headers=headers)).status_code == 200


@pytest.mark.case(131)
@pytest.mark.parametrize(
    ("state", "code"),
    [("is_active = false", "USER_DISABLED"), ("deletion_requested_at = now(), delete_after = now()", "USER_LEAVING")],
)
async def test_a_disabled_or_leaving_account_is_not_promoted(
    admin: httpx.AsyncClient, context: Context, state: str, code: str
) -> None:
    user = await make_user(context, ADA)
    await context.db.fetch(f"update users set {state} where id = $1", user.id)
    answer = await admin.patch(f"/api/users/{user.id}", json={"is_superuser": True})
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    with pytest.raises(Problem) as refused:
        await promote(context, ADA)
    assert refused.value.code == code
    rows = await context.db.fetch("select is_superuser from users where id = $1", user.id)
    assert [row[0] for row in rows] == [False]


@pytest.mark.case(131)
async def test_an_import_gives_no_roles_to_an_unverified_account_with_a_password(context: Context) -> None:
    wanted = ImportUser(email=ADA, roles=["writer"], password_hash="$2b$04$" + "a" * 53)
    with pytest.raises(VALIDATION_FAILED) as refused:
        async with context.db.transaction() as db:
            await import_user(context, db, wanted)
    assert [each.pointer for each in refused.value.errors] == ["/roles"]


@pytest.mark.case(136)
@pytest.mark.parametrize(
    ("method", "body"), [("PATCH", {"password": CHOSEN}), ("PATCH", {"email": EVE}), ("DELETE", None)]
)
async def test_a_superusers_own_account_needs_the_password(
    admin: httpx.AsyncClient, context: Context, method: str, body: dict[str, str] | None
) -> None:
    await make_user(context, "second@example.com", superuser=True)
    me = (await admin.get("/api/users/me")).json()
    answer = await admin.request(method, f"/api/users/{me['id']}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "CURRENT_PASSWORD_REQUIRED")
    assert "/users/me" in answer.json()["detail"]
    assert (await admin.get("/api/users/me")).json() == me


@pytest.mark.case(137)
async def test_a_browser_that_changes_its_password_gets_new_cookies(
    client: httpx.AsyncClient, context: Context
) -> None:
    await make_user(context, ADA)
    old = set_by(await login(client, ADA, mode="cookie"))
    body = {"password": CHOSEN, "current_password": PASSWORD}
    answer = await client.patch("/api/users/me", json=body, headers=sent(old))
    assert answer.status_code == 200
    assert "x-access-token" not in answer.headers
    new = set_by(answer)
    assert new.keys() >= {"__Host-access", "__Host-refresh", "XSRF-TOKEN"}
    for cookies, status in ((old, 401), (old | {"__Host-access": ""}, 401), (new, 200)):
        path = "/api/users/me" if cookies.get("__Host-access") else "/api/auth/refresh"
        method = "GET" if cookies.get("__Host-access") else "POST"
        assert (await client.request(method, path, headers=sent(cookies))).status_code == status
    assert (await client.post("/api/auth/refresh", headers=sent(new))).status_code == 200


@pytest.mark.case(134)
async def test_the_owner_sees_the_squatters_device_and_takes_the_account(
    client: httpx.AsyncClient, context: Context, mailbox: MemoryMailer
) -> None:
    body = {"email": ADA, "password": PASSWORD}
    await client.post("/api/auth/register", json=body, headers={"user-agent": FIREFOX})
    squatter = await sign_in(client, ADA)
    await client.patch("/api/users/me", json={"name": "Mallory", "language": "de"}, headers=squatter)
    [(_, token)] = await mailed(context)
    for part in (mailbox.sent[0].text, mailbox.sent[0].html):
        assert "Firefox" in part
        assert "127.0.0.1" in part
    opening = (await post(client, "/auth/verify/opening", token=token)).json()
    assert (opening["address"], opening["browser"], opening["system"]) == ("127.0.0.1", "Firefox", "Linux")
    weak = await post(client, "/auth/verify", token=token, password="short")
    assert (weak.status_code, weak.json()["code"]) == (400, "RESET_PASSWORD_INVALID_PASSWORD")
    answer = await post(client, "/auth/verify", token=token, password=CHOSEN)
    assert (answer.status_code, answer.json()["is_verified"], answer.json()["name"]) == (200, True, None)
    assert not await is_signed_in(client, squatter)
    assert not await can_sign_in(client, ADA)
    await mailed(context)
    [row] = await context.db.fetch("select language, opened_address, opened_user_agent from users")
    assert tuple(row) == ("en", None, None)
    assert await context.db.fetch("select 1 from sessions") == [], "the squatter's device is forgotten"
    assert await can_sign_in(client, ADA, CHOSEN)
    spent = await post(client, "/auth/verify/opening", token=token)
    assert (spent.status_code, spent.json()["code"]) == (400, "VERIFY_USER_BAD_TOKEN")


@pytest.mark.case(132)
async def test_an_unverified_address_gets_no_link_to_revert(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, ADA, verified=False)
    tokens = await move(client, context, ADA, EVE)
    assert tokens.keys() == {EVE}
    assert (await post(client, "/auth/confirm-email", token=tokens[EVE])).status_code == 200
    assert await mailed(context) == []
    assert context.mail.sent == []  # type: ignore[attr-defined]


@pytest.mark.case(132)
async def test_a_squatter_at_the_old_address_does_not_prevent_the_owner_from_reverting(
    client: httpx.AsyncClient, context: Context
) -> None:
    user = await make_user(context, ADA)
    tokens = await move(client, context, ADA, EVE)
    await post(client, "/auth/confirm-email", token=tokens[EVE])
    assert (await post(client, "/auth/register", email=ADA, password="the thief's own battery")).status_code == 201
    answer = await post(client, "/auth/revert-email", token=tokens[ADA], password=CHOSEN)
    assert (answer.status_code, answer.json()["id"], answer.json()["email"]) == (200, str(user.id), ADA)
    assert not await can_sign_in(client, ADA, "the thief's own battery")
    assert await can_sign_in(client, ADA, CHOSEN)


@pytest.mark.case(133)
async def test_the_address_that_loses_an_account_is_notified(
    client: httpx.AsyncClient, context: Context, mailbox: MemoryMailer
) -> None:
    await make_user(context, ADA)
    tokens = await move(client, context, ADA, EVE)
    await post(client, "/auth/confirm-email", token=tokens[EVE])
    await post(client, "/auth/forgot-password", email=EVE)
    reset = dict(await mailed(context))[EVE]
    assert (await post(client, "/auth/reset-password", token=reset, password=CHOSEN)).status_code == 200
    await mailed(context)
    assert (await post(client, "/auth/revert-email", token=tokens[ADA])).status_code == 200
    await mailed(context)
    assert {mail.to for mail in mailbox.sent} == {ADA, EVE}


@pytest.mark.case(133)
async def test_an_administrators_change_cannot_be_reverted_from_an_earlier_address(
    admin: httpx.AsyncClient, context: Context
) -> None:
    """Although the worker sends the thief's mail only afterwards."""
    user = await make_user(context, ADA)
    tokens = await move(admin, context, ADA, EVE)
    await post(admin, "/auth/confirm-email", token=tokens[EVE])
    await mailed(context)
    tokens = await move(admin, context, EVE, "eve@example.net")
    await post(admin, "/auth/confirm-email", token=tokens["eve@example.net"])
    assert (await admin.patch(f"/api/users/{user.id}", json={"email": ADA})).status_code == 200
    later = [token for _, token in await mailed(context)]
    for token in [*tokens.values(), *later]:
        assert (await post(admin, "/auth/revert-email", token=token)).status_code == 400


@pytest.mark.case(138)
async def test_strangers_requests_for_a_reset_use_only_their_own_quota(app: Starlette, context: Context) -> None:
    await make_user(context, ADA)

    async def ask(address: str) -> list[tuple[str, str]]:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            assert (await post(client, "/auth/forgot-password", email=ADA)).status_code == 202
        got = await mailed(context)
        await context.db.fetch("update user_tokens set created_at = created_at - interval '61 seconds'")
        return got

    owner = await ask("198.51.100.7")
    strangers = [await ask("203.0.113.9") for _ in range(7)]
    assert [len(got) for got in strangers] == [1] * 5 + [0] * 2
    assert len(await ask("198.51.100.7")) == 1
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        [(_, first)] = owner
        assert (await post(client, "/auth/reset-password", token=first, password=CHOSEN)).status_code == 200
        for got in strangers[:5]:
            answer = await post(client, "/auth/reset-password", token=got[0][1], password=PASSWORD)
            assert answer.json()["code"] == "RESET_PASSWORD_BAD_TOKEN", "one was used"


@pytest.mark.case(139)
async def test_an_address_gets_at_most_five_mails_an_hour_for_all_accounts(
    app: Starlette, client: httpx.AsyncClient, context: Context, cache: Cache
) -> None:
    settings = msgspec.structs.replace(context.settings, rate_limit_credentials=1.0)
    people = [await sign_in(client, (await make_user(context, f"{n}@example.com")).email) for n in range(4)]
    app.state.context = msgspec.structs.replace(context, limiter=Limiter(settings, cache))
    body = {"email": EVE, "current_password": PASSWORD}
    statuses = [(await client.patch("/api/users/me", json=body, headers=headers)).status_code for headers in people * 3]
    assert statuses == [200] * 5 + [429] * 7
    assert (await post(client, "/auth/register", email=EVE, password=PASSWORD)).status_code == 429
