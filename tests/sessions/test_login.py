"""POST /auth/jwt/login."""

import asyncio

import argon2
import bcrypt
import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.identity.passwords import WAITING
from api.sessions import queries
from api.sessions.upkeep import announce_refusals
from tests.factories import PASSWORD, make_user
from tests.query_plans import explain, pages
from tests.sessions.signing import is_signed_in, login, set_by, sign_in

OLD_HASHES = {
    "argon2id, weaker": argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD),
    "bcrypt": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
}


async def refusals(context: Context) -> list[tuple[str, str | None, str]]:
    """Return the recorded refusals, by type, account and reason."""
    await announce_refusals(context)
    assert await context.db.fetch("select 1 from sessions") == []
    rows = await context.db.fetch("select type, data->>'user_id', data->>'reason' from outbox_events order by seq")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("username", ["ada@example.com", "ADA@Example.COM"])
async def test_returns_a_valid_pair_of_tokens(client: httpx.AsyncClient, context: Context, username: str) -> None:
    user = await make_user(context, "ada@example.com")
    answer = await login(client, username, PASSWORD)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    pair = answer.json()
    assert pair.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (pair["token_type"], pair["expires_in"]) == ("bearer", 900)
    claims = context.tokens.verify(pair["access_token"])
    assert (claims.sub, claims.email, claims.name, claims.roles) == (user.id, user.email, None, ())
    assert await is_signed_in(client, pair)


async def test_an_unverified_account_may_sign_in(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, "ada@example.com", verified=False)
    assert (await login(client, "ada@example.com", PASSWORD)).status_code == 200


async def test_stores_place_and_device_and_publishes_an_event(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context, "ada@example.com")
    client.headers["user-agent"] = "tests/1"
    await login(client, "ada@example.com", PASSWORD)
    [row] = await context.db.fetch("select * from sessions")
    assert (row["user_id"], row["address"], row["user_agent"]) == (user.id, "127.0.0.1", "tests/1")
    assert (row["method"], row["mode"]) == ("password", "bearer")
    [event] = await context.db.fetch("select type, key, data->>'user_id' as user_id, principal_id from outbox_events")
    assert tuple(event) == ("sessions.started", row["id"], str(user.id), user.id)


async def test_stored_data_cannot_be_used_to_sign_in(client: httpx.AsyncClient, context: Context) -> None:
    """C-43: a copy of the tables grants no access."""
    pair = await sign_in(client, context)
    rows = await context.db.fetch("select s::text as text from sessions s union all select u::text from users u")
    for secret in (pair["refresh_token"], pair["access_token"], PASSWORD):
        assert all(secret not in row["text"] for row in rows)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("nobody@example.com", PASSWORD),
        ("ada@example.com", "wrong"),
        ("ada@example.com", PASSWORD + " "),
        ("ada@example.com", "x" * 1024),
        ("\u0130da@example.com", PASSWORD),
        ("\u212aay@example.com", PASSWORD),
        ("ada@example.com ", PASSWORD),
        ("' or 1=1 --", PASSWORD),
        ("gone@example.com", PASSWORD),
        ("invited@example.com", PASSWORD),
        ("ada@example.com", "$argon2id$v=19$m=19456,t=2,p=1$"),
    ],
)
async def test_unknown_wrong_and_disabled_get_one_answer_and_no_session(
    client: httpx.AsyncClient, context: Context, username: str, password: str
) -> None:
    """C-51, C-31."""
    for email in ("ada@example.com", "ida@example.com", "kay@example.com"):
        await make_user(context, email)
    await make_user(context, "gone@example.com", active=False)
    await make_user(context, "invited@example.com")
    await context.db.fetch("update users set password_hash = null where email = 'invited@example.com'")
    answer = await login(client, username, password)
    assert (answer.status_code, answer.json()["code"]) == (400, "LOGIN_BAD_CREDENTIALS")
    assert answer.json()["detail"] == "The e-mail address or password is wrong."
    whose = await context.db.fetch("select id::text from users where email = $1", username)
    reason = "disabled" if username.startswith("gone") else "password"
    assert await refusals(context) == [("sessions.refused", whose[0]["id"] if whose else None, reason)]
    [audited] = await context.db.fetch("select data::text as data from audit_entries")
    assert username not in audited["data"]
    assert password not in audited["data"]


@pytest.mark.parametrize("form", [{}, {"username": "ada@example.com"}, {"password": PASSWORD}, {"username": ""}])
async def test_missing_fields_are_named(client: httpx.AsyncClient, context: Context, form: dict[str, str]) -> None:
    answer = await client.post("/api/auth/jwt/login", data=form or {"grant_type": "password"})
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
    missing = {"/username", "/password"} - {f"/{name}" for name, value in form.items() if value}
    assert {error["pointer"] for error in answer.json()["errors"]} == missing


async def test_json_is_not_a_form(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/auth/jwt/login", json={"username": "ada@example.com", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_the_fields_of_an_oauth_client_are_accepted(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, "ada@example.com")
    form = {"username": "ada@example.com", "password": PASSWORD, "grant_type": "password", "scope": ""}
    form |= {"client_id": "", "client_secret": ""}
    assert (await client.post("/api/auth/jwt/login", data=form)).status_code == 200
    form["grant_type"] = "client_credentials"
    answer = await client.post("/api/auth/jwt/login", data=form)
    assert answer.status_code == 422


async def test_each_login_starts_its_own_session(client: httpx.AsyncClient, context: Context) -> None:
    """C-60: nothing from before is reused."""
    await make_user(context, "ada@example.com")
    pairs = [(await login(client, "ada@example.com", PASSWORD)).json() for _ in range(2)]
    sids = {context.tokens.verify(pair["access_token"]).sid for pair in pairs}
    assert len(sids) == 2
    bearer = {"authorization": f"Bearer {pairs[0]['access_token']}"}
    await client.post("/api/auth/jwt/logout", headers=bearer)
    assert [await is_signed_in(client, pair) for pair in pairs] == [False, True]


async def test_a_token_with_a_foreign_session_is_refused(client: httpx.AsyncClient, context: Context) -> None:
    """The session determines the account, not the token."""
    pair = await sign_in(client, context)
    other = await make_user(context)
    sid = context.tokens.verify(pair["access_token"]).sid
    forged = context.tokens.issue(sub=other.id, sid=sid, jti=uuid7(), email=other.email, name=None, roles=())
    assert not await is_signed_in(client, {"access_token": forged})


async def test_an_unconfirmed_address_is_reported_to_its_owner_only(
    app: Starlette, client: httpx.AsyncClient, context: Context
) -> None:
    """C-51: only after the right password, and only if verification is required."""
    settings = msgspec.structs.replace(context.settings, require_verification=True)
    app.state.context = msgspec.structs.replace(context, settings=settings)
    user = await make_user(context, "ada@example.com", verified=False)
    answers = [await login(client, "ada@example.com", password) for password in ("wrong", PASSWORD)]
    assert [answer.json()["code"] for answer in answers] == ["LOGIN_BAD_CREDENTIALS", "LOGIN_USER_NOT_VERIFIED"]
    assert [reason for _, _, reason in await refusals(context)] == ["password", "unverified"]
    await context.db.fetch("update users set is_verified = true where id = $1", user.id)
    assert (await login(client, "ada@example.com")).status_code == 200


@pytest.mark.hashing
@pytest.mark.parametrize("old", OLD_HASHES.values(), ids=OLD_HASHES)
async def test_an_older_hash_is_renewed(client: httpx.AsyncClient, context: Context, old: str) -> None:
    """C-59: once, and it does not count as a change of the password."""
    user = await make_user(context, "ada@example.com")
    await context.db.fetch("update users set password_hash = $2 where id = $1", user.id, old)
    pair = (await login(client, "ada@example.com")).json()
    change = "select password_hash, credentials_changed_at from users"
    [renewed] = await context.db.fetch(change)
    assert renewed["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await login(client, "ada@example.com")).status_code == 200
    assert await context.db.fetch(change) == [renewed]
    assert await is_signed_in(client, pair)


@pytest.mark.parametrize(
    "hash", ["", "x", "$argon2id$", "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "$2b$31$" + "a" * 53]
)
async def test_a_malformed_or_expensive_hash_matches_no_password(
    client: httpx.AsyncClient, context: Context, hash: str
) -> None:
    """C-59."""
    user = await make_user(context, "ada@example.com")
    await context.db.fetch("update users set password_hash = $2 where id = $1", user.id, hash)
    answer = await login(client, "ada@example.com")
    assert (answer.status_code, answer.json()["code"]) == (400, "LOGIN_BAD_CREDENTIALS")


async def test_an_oversized_password_is_not_hashed(client: httpx.AsyncClient, context: Context) -> None:
    """C-57."""
    await make_user(context, "ada@example.com")
    answer = await login(client, "ada@example.com", "x" * 1025)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/password")
    assert await refusals(context) == []


async def test_a_storm_is_refused_before_it_costs_anything(client: httpx.AsyncClient, context: Context) -> None:
    """C-58."""
    await make_user(context, "ada@example.com")
    storm = [asyncio.ensure_future(context.passwords.verify(None, PASSWORD, signing_in=True)) for _ in range(WAITING)]
    try:
        await asyncio.wait(storm, timeout=0)
        answer = await login(client, "ada@example.com")
    finally:
        for each in storm:
            each.cancel()
    await asyncio.gather(*storm, return_exceptions=True)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert await refusals(context) == []


async def test_cancels_a_deletion(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context, "ada@example.com")
    leave = "update users set deletion_requested_at = now(), delete_after = now() + interval '1 day'"
    await context.db.fetch(leave)
    assert (await login(client, "ada@example.com", "wrong")).status_code == 400
    assert len(await context.db.fetch("select 1 from users where delete_after is not null")) == 1
    assert (await login(client, "ada@example.com")).status_code == 200
    [row] = await context.db.fetch("select deletion_requested_at, delete_after from users")
    assert tuple(row) == (None, None)
    events = await context.db.fetch("select type, key from outbox_events where topic = 'users'")
    assert [tuple(event) for event in events] == [("users.deletion_cancelled", user.id)]


async def test_reports_whether_the_device_is_new(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, "ada@example.com")
    first = await login(client, "ada@example.com", **{"user-agent": "tests/1"})
    device = f"__Host-device={set_by(first)['__Host-device']}"
    await login(client, "ada@example.com", **{"user-agent": "tests/1"})
    await login(client, "ada@example.com", **{"user-agent": "tests/2", "cookie": device})
    await login(client, "ada@example.com", **{"user-agent": "tests/3"})
    events = await context.db.fetch("select (data->>'new_device')::bool as new from outbox_events order by seq")
    assert [event["new"] for event in events] == [False, False, False, True], "the first device needs no notice"


async def test_the_oldest_of_more_than_fifty_sessions_ends(client: httpx.AsyncClient, context: Context) -> None:
    """C-74."""
    pairs = [await sign_in(client, context, "ada@example.com")]
    await context.db.fetch(
        "insert into sessions (id, user_id, created_at, idle_expires_at, expires_at)"
        " select gen_random_uuid(), user_id, clock_timestamp(), idle_expires_at, expires_at"
        " from sessions, generate_series(1, 49)"
    )
    pairs.append((await login(client, "ada@example.com")).json())
    assert [await is_signed_in(client, pair) for pair in pairs] == [False, True]
    assert (await context.db.fetch("select count(*) from sessions where ended_at is null"))[0]["count"] == 50
    [event] = await context.db.fetch(
        "select key, data->>'reason' as reason from outbox_events where type = 'sessions.ended'"
    )
    assert tuple(event) == (context.tokens.verify(pairs[0]["access_token"]).sid, "limit")


@pytest.mark.fresh
async def test_many_old_sessions_do_not_slow_it_down(client: httpx.AsyncClient, context: Context) -> None:
    """A program that signs in every minute leaves many."""
    await sign_in(client, context, "ada@example.com")
    await context.db.fetch(
        "insert into sessions (id, user_id, idle_expires_at, expires_at, ended_at, end_reason, user_agent, address)"
        " select gen_random_uuid(), user_id, now(), now(), now(), 'limit', 'tests/1', '192.0.2.7'"
        " from sessions, generate_series(1, 20000)"
    )
    await context.db.fetch("analyze sessions")
    statement = queries.find_account.bound.statement  # type: ignore[attr-defined]
    assert pages(await explain(context.db, statement, "ada@example.com", uuid7(), "tests/1")) < 400
