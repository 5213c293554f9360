"""POST /auth/refresh."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.kernel.context import Context, open_context
from api.kernel.settings import Settings
from tests.conftest import SUBSCRIBERS, client_of
from tests.factories import PASSWORD
from tests.sessions.signing import is_signed_in, refresh, refused, sign_in

LATER = "update sessions set rotated_at = rotated_at - interval '10.1 seconds'"


async def test_returns_a_new_valid_pair(client: httpx.AsyncClient, context: Context) -> None:
    """C-66."""
    pair = await sign_in(client, context)
    answer = await refresh(client, pair["refresh_token"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    renewed = answer.json()
    assert (renewed["token_type"], renewed["expires_in"]) == ("bearer", 900)
    assert renewed["refresh_token"] != pair["refresh_token"]
    assert await is_signed_in(client, renewed)
    [row] = await context.db.fetch("select generation, idle_expires_at - now() as idle from sessions")
    assert (row["generation"], row["idle"].days) == (2, 14)


async def test_a_retry_within_ten_seconds_gets_the_same_successor(client: httpx.AsyncClient, context: Context) -> None:
    """C-67: the answer was lost."""
    pair = await sign_in(client, context)
    first = (await refresh(client, pair["refresh_token"])).json()
    again = await refresh(client, pair["refresh_token"])
    assert again.json()["refresh_token"] == first["refresh_token"]
    assert await is_signed_in(client, again.json())
    assert (await refresh(client, first["refresh_token"])).status_code == 200


async def test_a_retry_does_not_extend_the_ten_seconds(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    await refresh(client, pair["refresh_token"])
    before = await context.db.fetch("select rotated_at from sessions")
    await refresh(client, pair["refresh_token"])
    assert await context.db.fetch("select rotated_at from sessions") == before


async def test_twenty_tabs_get_one_successor(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-68."""
    pair = await sign_in(live_client, live)
    answers = await asyncio.gather(*(refresh(live_client, pair["refresh_token"]) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert [row["generation"] for row in await live.db.fetch("select generation from sessions")] == [2]


async def test_takes_one_statement(client: httpx.AsyncClient, context: Context) -> None:
    """N-14: no second one waits, and no lock is held between two."""
    pair, statements = await sign_in(client, context), list[str]()
    connection: Any = context.db.connection  # type: ignore[attr-defined]
    with connection.query_logger(lambda logged: statements.append(logged.query.partition("\n")[0])):
        await refresh(client, pair["refresh_token"])
        await asyncio.sleep(0)  # asyncpg calls its loggers in the next turn of the loop
    assert statements == ["-- sessions.rotate"]


async def test_reuse_ends_the_session_and_the_end_is_committed(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-69: the later caller may be the owner or the thief; both are signed out."""
    stolen = await sign_in(live_client, live)
    thiefs = (await refresh(live_client, stolen["refresh_token"])).json()
    await live.db.fetch(LATER)
    assert await refused(live_client, stolen["refresh_token"]) == "REFRESH_TOKEN_REUSED"
    assert await refused(live_client, thiefs["refresh_token"]) == "REFRESH_TOKEN_INVALID"
    assert not await is_signed_in(live_client, thiefs)
    [row] = await live.db.fetch("select ended_at, end_reason, user_id from sessions")
    assert (row["ended_at"] is not None, row["end_reason"]) == (True, "reuse")
    ended = await live.db.fetch("select data->>'reason' as reason from outbox_events where type = 'sessions.ended'")
    assert [event["reason"] for event in ended] == ["reuse"], "the owner is notified once"


async def test_the_token_before_the_previous_one_is_reuse_at_once(client: httpx.AsyncClient, context: Context) -> None:
    oldest = await sign_in(client, context)
    older = (await refresh(client, oldest["refresh_token"])).json()
    newest = (await refresh(client, older["refresh_token"])).json()
    assert await refused(client, oldest["refresh_token"]) == "REFRESH_TOKEN_REUSED"
    assert await refused(client, newest["refresh_token"]) == "REFRESH_TOKEN_INVALID"


async def test_reuse_is_reported_once(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    await refresh(client, pair["refresh_token"])
    await context.db.fetch(LATER)
    codes = [await refused(client, pair["refresh_token"]) for _ in range(2)]
    assert codes == ["REFRESH_TOKEN_REUSED", "REFRESH_TOKEN_INVALID"]
    assert len(await context.db.fetch("select 1 from outbox_events where type = 'sessions.ended'")) == 1


async def test_concurrent_owner_and_thief_leave_at_most_one_session_line(
    live_client: httpx.AsyncClient, live: Context
) -> None:
    """C-70."""
    pair = await sign_in(live_client, live)
    successor = (await refresh(live_client, pair["refresh_token"])).json()
    await live.db.fetch(LATER)
    answers = await asyncio.gather(
        *(refresh(live_client, token) for token in (pair["refresh_token"], successor["refresh_token"]) * 4)
    )
    assert {answer.status_code for answer in answers} <= {200, 401}
    assert 401 in {answer.status_code for answer in answers}
    [row] = await live.db.fetch("select end_reason from sessions")
    assert row["end_reason"] == "reuse"
    for answer in answers:
        if answer.is_success:
            assert await refused(live_client, answer.json()["refresh_token"]) == "REFRESH_TOKEN_INVALID"


async def test_reuse_ends_no_other_session(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context, "ada@example.com")
    form = {"username": "ada@example.com", "password": PASSWORD}
    other = (await client.post("/api/auth/jwt/login", data=form)).json()
    await refresh(client, pair["refresh_token"])
    await context.db.fetch(LATER)
    assert await refused(client, pair["refresh_token"]) == "REFRESH_TOKEN_REUSED"
    assert await is_signed_in(client, other)


@pytest.mark.parametrize(
    "happened",
    [
        "update sessions set idle_expires_at = now() - interval '1 second'",
        "update sessions set expires_at = now() - interval '1 second'",
        "update sessions set ended_at = now(), end_reason = 'logout'",
        "update users set is_active = false",
        "delete from users",
    ],
)
async def test_an_ended_session_stays_ended(client: httpx.AsyncClient, context: Context, happened: str) -> None:
    """C-71."""
    pair = await sign_in(client, context)
    await context.db.fetch(happened)
    assert await refused(client, pair["refresh_token"]) == "REFRESH_TOKEN_INVALID"
    assert not await is_signed_in(client, pair)


async def test_refreshing_does_not_exceed_the_maximum_lifetime(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    [before] = await context.db.fetch("select expires_at from sessions")
    await refresh(client, pair["refresh_token"])
    [after] = await context.db.fetch("select expires_at, expires_at - created_at as lifetime from sessions")
    assert (after["expires_at"], after["lifetime"].days) == (before["expires_at"], 90)


@pytest.mark.parametrize("token", ["", "x", "ü", "\x00", "a.b.c", "A" * 70, "A" * 512, "=" * 70])
async def test_an_invalid_refresh_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    answer = await refresh(client, token)
    assert (answer.status_code, answer.json()["code"]) in (
        (401, "REFRESH_TOKEN_INVALID"),
        (422, "VALIDATION_FAILED"),  # NUL
    )


async def test_an_access_token_is_not_a_refresh_token(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    answer = await refresh(client, pair["access_token"])
    assert answer.status_code in (401, 422)
    assert await is_signed_in(client, pair)


async def test_the_next_access_token_has_the_changed_account(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    await context.db.fetch("update users set roles = '{notifier}', name = 'Ada'")
    renewed = (await refresh(client, pair["refresh_token"])).json()
    claims = context.tokens.verify(renewed["access_token"])
    assert (claims.roles, claims.name) == (("notifier",), "Ada")


@pytest.fixture
async def elsewhere(cloned: Settings, live_client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Another web process on the same database."""
    from api.app import create_app

    app = create_app(cloned)
    async with open_context(cloned, SUBSCRIBERS) as opened:
        app.state.context = opened
        async with client_of(app) as client:
            yield client


async def test_what_one_process_ends_is_over_in_the_other(
    live_client: httpx.AsyncClient, elsewhere: httpx.AsyncClient, live: Context
) -> None:
    pair = await sign_in(live_client, live)
    assert await is_signed_in(elsewhere, pair)
    bearer = {"authorization": f"Bearer {pair['access_token']}"}
    assert (await live_client.post("/api/auth/jwt/logout", headers=bearer)).status_code == 204
    assert not await is_signed_in(live_client, pair)
    assert not await is_signed_in(elsewhere, pair)
    assert await refused(elsewhere, pair["refresh_token"]) == "REFRESH_TOKEN_INVALID"


async def test_a_pair_of_one_process_is_refreshed_by_another(
    live_client: httpx.AsyncClient, elsewhere: httpx.AsyncClient, live: Context
) -> None:
    pair = await sign_in(live_client, live)
    first, second = await asyncio.gather(
        refresh(live_client, pair["refresh_token"]), refresh(elsewhere, pair["refresh_token"])
    )
    assert first.json()["refresh_token"] == second.json()["refresh_token"]
