"""POST /auth/jwt/login."""

import statistics
import time

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.database import uuid7
from tests.factories import PASSWORD, make_user
from tests.sessions.signing import is_signed_in, sign_in


async def login(client: httpx.AsyncClient, username: str, password: str, **fields: str) -> httpx.Response:
    return await client.post("/api/auth/jwt/login", data={"username": username, "password": password, **fields})


async def no_session(context: Context) -> bool:
    rows = await context.db.fetch("select 1 from sessions union all select 1 from outbox_events")
    return rows == []


@pytest.mark.parametrize("username", ["ada@example.com", "ADA@Example.COM"])
async def test_gives_a_pair_that_works(client: httpx.AsyncClient, context: Context, username: str) -> None:
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


async def test_an_account_that_is_not_verified_yet_may_sign_in(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, "ada@example.com", verified=False)
    assert (await login(client, "ada@example.com", PASSWORD)).status_code == 200


async def test_keeps_where_from_and_with_what_and_tells_kafka(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context, "ada@example.com")
    client.headers["user-agent"] = "tests/1"
    await login(client, "ada@example.com", PASSWORD)
    [row] = await context.db.fetch("select * from sessions")
    assert (row["user_id"], row["address"], row["user_agent"]) == (user.id, "127.0.0.1", "tests/1")
    [event] = await context.db.fetch("select type, key, data->>'user_id' as user_id from outbox_events")
    assert tuple(event) == ("sessions.started", row["id"], str(user.id))


async def test_what_is_stored_cannot_be_used_to_sign_in(client: httpx.AsyncClient, context: Context) -> None:
    """C-43: a copy of the tables opens nothing."""
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
        ("ada@example.com", "x" * 10_000),
        ("ada@example.com ", PASSWORD),
        ("' or 1=1 --", PASSWORD),
        ("gone@example.com", PASSWORD),
        ("ada@example.com", "$argon2id$v=19$m=19456,t=2,p=1$"),
    ],
)
async def test_unknown_wrong_and_disabled_get_one_answer_and_no_session(
    client: httpx.AsyncClient, context: Context, username: str, password: str
) -> None:
    """C-51."""
    await make_user(context, "ada@example.com")
    await make_user(context, "gone@example.com")
    await context.db.fetch("update users set is_active = false where email = 'gone@example.com'")
    answer = await login(client, username, password)
    assert (answer.status_code, answer.json()["code"]) == (400, "LOGIN_BAD_CREDENTIALS")
    assert answer.json()["detail"] == "No account matches this e-mail and password."
    assert await no_session(context)


@pytest.mark.parametrize("form", [{}, {"username": "ada@example.com"}, {"password": PASSWORD}, {"username": ""}])
async def test_missing_fields_are_named(client: httpx.AsyncClient, context: Context, form: dict[str, str]) -> None:
    answer = await client.post("/api/auth/jwt/login", data=form or {"grant_type": "password"})
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
    missing = {"/username", "/password"} - {f"/{name}" for name, value in form.items() if value}
    assert {error["pointer"] for error in answer.json()["errors"]} == missing


async def test_json_is_not_a_form(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/auth/jwt/login", json={"username": "ada@example.com", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_the_fields_of_an_oauth_client_are_taken(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, "ada@example.com")
    fields = {"grant_type": "password", "scope": "", "client_id": "", "client_secret": ""}
    assert (await login(client, "ada@example.com", PASSWORD, **fields)).status_code == 200
    answer = await login(client, "ada@example.com", PASSWORD, grant_type="client_credentials")
    assert answer.status_code == 422


async def test_each_login_is_a_session_of_its_own(client: httpx.AsyncClient, context: Context) -> None:
    """C-60: nothing that was there before is taken over."""
    await make_user(context, "ada@example.com")
    pairs = [(await login(client, "ada@example.com", PASSWORD)).json() for _ in range(2)]
    sids = {context.tokens.verify(pair["access_token"]).sid for pair in pairs}
    assert len(sids) == 2
    bearer = {"authorization": f"Bearer {pairs[0]['access_token']}"}
    await client.post("/api/auth/jwt/logout", headers=bearer)
    assert [await is_signed_in(client, pair) for pair in pairs] == [False, True]


async def test_an_unknown_address_takes_as_long_as_a_wrong_password(
    client: httpx.AsyncClient, context: Context
) -> None:
    """C-38, coarsely: without the hash the answer would come several times faster."""
    await make_user(context, "ada@example.com")
    took: dict[str, list[float]] = {"ada@example.com": [], "nobody@example.com": []}
    for _ in range(12):
        for username, times in took.items():
            began = time.perf_counter()
            await login(client, username, "wrong")
            times.append(time.perf_counter() - began)
    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.6 < known / unknown < 1.7


async def test_a_token_for_an_account_it_does_not_belong_to_is_refused(
    client: httpx.AsyncClient, context: Context
) -> None:
    """The session decides, not the token's word for whose it is."""
    pair = await sign_in(client, context)
    other = await make_user(context)
    sid = context.tokens.verify(pair["access_token"]).sid
    forged = context.tokens.issue(sub=other.id, sid=sid, jti=uuid7(), email=other.email, name=None, roles=())
    assert not await is_signed_in(client, {"access_token": forged})
