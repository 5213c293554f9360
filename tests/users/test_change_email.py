"""Changes of an address: PATCH /users/me, POST /auth/confirm-email and POST /auth/revert-email."""

import asyncio

import httpx
import msgspec
import pytest

from api.app import create_app
from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from tests.configured import configured
from tests.conftest import client_of
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.transactions import Another
from tests.users.people import can_sign_in, is_signed_in, sign_in
from tests.worker.jobs import until

OLD, NEW, LATER = "ada@example.com", "ada@example.org", "ada@example.net"


async def ask(
    client: httpx.AsyncClient, headers: dict[str, str], email: str, password: str | None = PASSWORD
) -> httpx.Response:
    body = {"email": email, "current_password": password}
    return await client.patch("/api/users/me", json=body, headers=headers)


async def asked(client: httpx.AsyncClient, context: Context, headers: dict[str, str], email: str) -> dict[str, str]:
    """Return the mailed tokens, by recipient."""
    assert (await ask(client, headers, email)).status_code == 200
    return dict(await mailed(context))


async def confirm(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/auth/confirm-email", json={"token": token})


async def revert(client: httpx.AsyncClient, token: str, **body: str) -> httpx.Response:
    return await client.post("/api/auth/revert-email", json={"token": token, **body})


async def address(context: Context) -> str:
    [row] = await context.db.fetch("select email, pending_email from users where email like 'ada@%'")
    return str(row["email"]) if row["pending_email"] is None else f"{row['email']} → {row['pending_email']}"


async def told(context: Context) -> list[str]:
    events = await context.db.fetch("select type from outbox_events where topic = 'users' order by seq")
    return [event[0].removeprefix("users.") for event in events]


def assert_dead(answer: httpx.Response, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_new_address_waits_for_its_confirmation(client: httpx.AsyncClient, context: Context) -> None:
    """C-85."""
    await make_user(context, OLD)
    headers, other = await sign_in(client, OLD), await sign_in(client, OLD)
    answer = await ask(client, headers, "Ada@Example.ORG")
    assert (answer.status_code, answer.json()["email"]) == (200, OLD)
    tokens = dict(await mailed(context))
    assert tokens.keys() == {OLD, NEW}
    assert await is_signed_in(client, other)
    assert await can_sign_in(client, OLD)
    assert not await can_sign_in(client, NEW)
    answer = await confirm(client, tokens[NEW])
    assert (answer.status_code, answer.json()["email"], answer.json()["is_verified"]) == (200, NEW, True)
    assert not await is_signed_in(client, headers)
    assert not await is_signed_in(client, other)
    assert await can_sign_in(client, NEW)
    assert not await can_sign_in(client, OLD)
    assert await told(context) == ["email_change_requested", "email_changed"]
    assert [to for to, _ in await mailed(context)] == [OLD]
    assert_dead(await confirm(client, tokens[NEW]), "CONFIRM_EMAIL_BAD_TOKEN")


@pytest.mark.parametrize("password", [None, "wrong horse battery"])
async def test_the_current_password_is_required(
    client: httpx.AsyncClient, context: Context, password: str | None
) -> None:
    """C-85."""
    await make_user(context, OLD)
    answer = await ask(client, await sign_in(client, OLD), NEW, password)
    assert (answer.status_code, answer.json()["code"]) == (403, "CURRENT_PASSWORD_REQUIRED")
    assert (await address(context), await told(context)) == (OLD, [])


async def test_the_current_address_is_no_change(client: httpx.AsyncClient, context: Context) -> None:
    """Forms send unchanged values. It also cancels a pending change."""
    await make_user(context, OLD)
    headers = await sign_in(client, OLD)
    token = (await asked(client, context, headers, NEW))[NEW]
    answer = await client.patch("/api/users/me", json={"email": OLD.upper(), "name": "Ada"}, headers=headers)
    assert (answer.status_code, answer.json()["name"], await address(context)) == (200, "Ada", OLD)
    assert_dead(await confirm(client, token), "CONFIRM_EMAIL_BAD_TOKEN")


async def test_an_address_that_is_taken_is_refused(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, OLD)
    await make_user(context, "eve@example.com")
    answer = await ask(client, await sign_in(client, OLD), "EVE@example.com")
    assert_dead(answer, "UPDATE_USER_EMAIL_ALREADY_EXISTS")
    assert (await address(context), await told(context)) == (OLD, [])


async def test_with_hidden_accounts_only_the_reader_of_a_taken_address_learns_it(context: Context) -> None:
    """C-85."""
    context = msgspec.structs.replace(context, settings=configured(context.settings, hide_accounts=True))
    app = create_app(context.settings)
    app.state.context = context
    client = client_of(app)
    await make_user(context, OLD)
    await make_user(context, "eve@example.com")
    tokens = await asked(client, context, await sign_in(client, OLD), "eve@example.com")
    assert_dead(await confirm(client, tokens["eve@example.com"]), "UPDATE_USER_EMAIL_ALREADY_EXISTS")
    assert await address(context) == f"{OLD} → eve@example.com"


async def test_an_address_taken_meanwhile_is_refused(client: httpx.AsyncClient, context: Context) -> None:
    """C-34, C-85: by the constraint; the token stays valid for when the address is free again."""
    await make_user(context, OLD)
    token = (await asked(client, context, await sign_in(client, OLD), NEW))[NEW]
    await make_user(context, NEW)
    assert_dead(await confirm(client, token), "UPDATE_USER_EMAIL_ALREADY_EXISTS")
    await context.db.fetch("delete from users where email = $1", NEW)
    assert (await confirm(client, token)).status_code == 200


@pytest.mark.parametrize("email", ["a@example.com, evil@example.org", '"a" <evil@example.org>', "a@localhost", ""])
async def test_an_invalid_address_is_refused(client: httpx.AsyncClient, context: Context, email: str) -> None:
    """C-31, C-87."""
    await make_user(context, OLD)
    answer = await ask(client, await sign_in(client, OLD), email)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/email")


async def test_the_last_of_two_changes_counts(client: httpx.AsyncClient, context: Context) -> None:
    """C-86."""
    await make_user(context, OLD)
    headers = await sign_in(client, OLD)
    first = await asked(client, context, headers, NEW)
    second = await asked(client, context, headers, LATER)
    assert_dead(await confirm(client, first[NEW]), "CONFIRM_EMAIL_BAD_TOKEN")
    assert (await confirm(client, second[LATER])).json()["email"] == LATER


@pytest.mark.parametrize("password_first", [True, False])
async def test_a_new_password_cancels_a_pending_change(
    client: httpx.AsyncClient, context: Context, password_first: bool
) -> None:
    """C-47; but if one request has both, both are intended."""
    await make_user(context, OLD)
    headers = await sign_in(client, OLD)
    body = {"password": "a better horse and battery", "current_password": PASSWORD}
    if password_first:
        token = (await asked(client, context, headers, NEW))[NEW]
    else:
        body["email"] = NEW
    assert (await client.patch("/api/users/me", json=body, headers=headers)).status_code == 200
    if password_first:
        assert_dead(await confirm(client, token), "CONFIRM_EMAIL_BAD_TOKEN")
    else:
        assert (await confirm(client, dict(await mailed(context))[NEW])).status_code == 200


async def test_the_old_address_cancels_a_change(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, OLD)
    headers = await sign_in(client, OLD)
    tokens = await asked(client, context, headers, NEW)
    answer = await revert(client, tokens[OLD])
    assert (answer.status_code, answer.json()["email"], answer.json()["is_verified"]) == (200, OLD, True)
    assert not await is_signed_in(client, headers)
    assert_dead(await confirm(client, tokens[NEW]), "CONFIRM_EMAIL_BAD_TOKEN")
    assert_dead(await revert(client, tokens[OLD]), "REVERT_EMAIL_BAD_TOKEN")
    assert await told(context) == ["email_change_requested", "email_change_reverted"]


@pytest.mark.parametrize("with_later_mail", [True, False])
async def test_the_old_address_reverts_a_change(
    client: httpx.AsyncClient, context: Context, with_later_mail: bool
) -> None:
    """With the mail about the request, or the one about the change."""
    await make_user(context, OLD)
    tokens = await asked(client, context, await sign_in(client, OLD), NEW)
    assert (await confirm(client, tokens[NEW])).status_code == 200
    thief = await sign_in(client, NEW)
    back = dict(await mailed(context))[OLD] if with_later_mail else tokens[OLD]
    answer = await revert(client, back)
    assert (answer.status_code, answer.json()["email"]) == (200, OLD)
    assert not await is_signed_in(client, thief)
    assert (await told(context))[-1] == "email_change_reverted"


async def test_a_thief_cannot_invalidate_the_link_that_reverts_the_change(
    live_client: httpx.AsyncClient, live: Context
) -> None:
    """They change the address twice, the password, and the address again; the oldest address wins, and their own links
    are invalid."""
    context = msgspec.structs.replace(live, mail=MemoryMailer())
    await make_user(context, OLD)
    tokens = await asked(live_client, context, await sign_in(live_client, OLD), NEW)
    await confirm(live_client, tokens[NEW])
    first = dict(await mailed(context))
    headers = await sign_in(live_client, NEW)
    tokens = await asked(live_client, context, headers, LATER)
    await confirm(live_client, tokens[LATER])
    second = dict(await mailed(context))
    body = {"current_password": PASSWORD, "new_password": "the thief's own battery"}
    headers = await sign_in(live_client, LATER)
    assert (await live_client.post("/api/users/change-password", json=body, headers=headers)).status_code == 204
    assert (await revert(live_client, second[NEW])).json()["email"] == NEW
    assert (await revert(live_client, first[OLD])).json()["email"] == OLD
    assert_dead(await revert(live_client, second[NEW]), "REVERT_EMAIL_BAD_TOKEN")
    assert await address(context) == OLD


async def test_reverting_to_an_older_address_invalidates_later_links(
    live_client: httpx.AsyncClient, live: Context
) -> None:
    context = msgspec.structs.replace(live, mail=MemoryMailer())
    await make_user(context, OLD)
    tokens = await asked(live_client, context, await sign_in(live_client, OLD), NEW)
    await confirm(live_client, tokens[NEW])
    first = dict(await mailed(context))
    tokens = await asked(live_client, context, await sign_in(live_client, NEW), LATER)
    assert (await revert(live_client, first[OLD])).json()["email"] == OLD
    assert_dead(await confirm(live_client, tokens[LATER]), "CONFIRM_EMAIL_BAD_TOKEN")
    assert_dead(await revert(live_client, tokens[NEW]), "REVERT_EMAIL_BAD_TOKEN")
    assert await address(context) == OLD


async def test_concurrent_confirmation_and_reversion_have_one_outcome(
    live_client: httpx.AsyncClient, live: Context
) -> None:
    """C-86: the old address wins in any order, and both are notified."""
    context = msgspec.structs.replace(live, mail=MemoryMailer())
    await make_user(context, OLD)
    for _ in range(5):
        tokens = await asked(live_client, context, await sign_in(live_client, OLD), NEW)
        await live.db.fetch("delete from outbox_events")
        both = confirm(live_client, tokens[NEW]), revert(live_client, tokens[OLD], password=PASSWORD)
        confirmed, reverted = await asyncio.gather(*both)
        assert reverted.status_code == 200
        assert confirmed.status_code in (200, 400)
        assert await address(context) == OLD
        happened = ["email_changed"] if confirmed.status_code == 200 else []
        assert await told(context) == [*happened, "email_change_reverted", "password_changed"]
        await mailed(context)


async def test_two_accounts_that_confirm_one_address_concurrently(
    live_client: httpx.AsyncClient, live: Context
) -> None:
    """C-34."""
    context = msgspec.structs.replace(live, mail=MemoryMailer())
    people = [await make_user(context, f"ada@{number}.example.com") for number in range(2)]
    tokens = [(await asked(live_client, context, await sign_in(live_client, p.email), NEW))[NEW] for p in people]
    answers = await asyncio.gather(*(confirm(live_client, token) for token in tokens))
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    [refused] = [answer for answer in answers if answer.status_code == 400]
    assert_dead(refused, "UPDATE_USER_EMAIL_ALREADY_EXISTS")


@pytest.mark.parametrize(
    "happened",
    [
        "update user_tokens set expires_at = now() - interval '1 second'",
        "update user_tokens set purpose = 'reset'",
        "update users set is_active = false",
        "delete from users",
    ],
)
async def test_an_expired_or_used_token_is_refused(client: httpx.AsyncClient, context: Context, happened: str) -> None:
    """C-40."""
    await make_user(context, OLD)
    tokens = await asked(client, context, await sign_in(client, OLD), NEW)
    await context.db.fetch(happened)
    assert_dead(await confirm(client, tokens[NEW]), "CONFIRM_EMAIL_BAD_TOKEN")
    assert_dead(await revert(client, tokens[OLD]), "REVERT_EMAIL_BAD_TOKEN")


async def test_a_token_is_valid_for_its_purpose_only(client: httpx.AsyncClient, context: Context) -> None:
    """C-40."""
    await make_user(context, OLD)
    tokens = await asked(client, context, await sign_in(client, OLD), NEW)
    assert_dead(await confirm(client, tokens[OLD]), "CONFIRM_EMAIL_BAD_TOKEN")
    assert_dead(await revert(client, tokens[NEW]), "REVERT_EMAIL_BAD_TOKEN")
    for token in tokens.values():
        assert_dead(await client.post("/api/auth/verify", json={"token": token}), "VERIFY_USER_BAD_TOKEN")
        answer = await client.post("/api/auth/reset-password", json={"token": token, "password": PASSWORD})
        assert_dead(answer, "RESET_PASSWORD_BAD_TOKEN")


async def test_the_previous_address_needs_the_password_again(live: Context, live_client: httpx.AsyncClient) -> None:
    headers = await sign_in(live_client, (await make_user(live, OLD)).email)
    async with Another(live.db).transaction() as db:
        await db.fetch("update users set email = $1", NEW)
        asking = asyncio.create_task(ask(live_client, headers, OLD, password=None))
        await until(live.db, "select count(*) > 0 from pg_locks where not granted")
    answer = await asking
    assert (answer.status_code, answer.json()["code"]) == (403, "CURRENT_PASSWORD_REQUIRED"), answer.text
    assert await address(live) == NEW
