"""/sessions: listing and ending an account's sessions."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.kernel.context import Context
from tests.sessions.signing import bearer, is_signed_in, login, refresh, refused, sent, sign_in, sign_in_browser


async def sessions_of(client: httpx.AsyncClient, pair: dict[str, str]) -> list[dict[str, Any]]:
    answer = await client.get("/api/sessions", headers=bearer(pair))
    assert answer.status_code == 200
    listed: list[dict[str, Any]] = answer.json()
    return listed


async def ended(context: Context) -> list[tuple[str, str]]:
    rows = await context.db.fetch(
        "select key, data->>'reason' as reason from outbox_events where type = 'sessions.ended' order by key"
    )
    return [(str(row["key"]), row["reason"]) for row in rows]


async def test_lists_place_and_device_of_sessions(client: httpx.AsyncClient, context: Context) -> None:
    """C-73: and no credentials."""
    client.headers["user-agent"] = "tests/1"
    pair = await sign_in(client, context, "ada@example.com")
    await login(client, "ada@example.com", mode="cookie", **{"user-agent": "tests/2"})
    await sign_in(client, context, "bob@example.com")
    listed = await sessions_of(client, pair)
    times = [(each.pop("created_at"), each.pop("last_seen_at")) for each in listed]
    assert all(created[-1] == seen[-1] == "Z" and created <= seen for created, seen in times)
    sid = str(context.tokens.verify(pair["access_token"]).sid)
    shared = {"address": "127.0.0.1", "method": "password"}
    assert listed == [
        {"id": listed[0]["id"], "device": "tests/2", "mode": "cookie", "current": False, **shared},
        {"id": sid, "device": "tests/1", "mode": "bearer", "current": True, **shared},
    ]


async def test_a_refresh_updates_the_last_place(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context)
    await context.db.fetch("update sessions set created_at = now() - interval '1 hour', last_seen_at = created_at")
    await context.db.fetch("update users set credentials_changed_at = now() - interval '2 hours'")
    client.headers["user-agent"] = "tests/2"
    await refresh(client, pair["refresh_token"])
    [session] = await sessions_of(client, pair)
    assert (session["device"], session["last_seen_at"] > session["created_at"]) == ("tests/2", True)


@pytest.mark.parametrize(
    "happened",
    [
        "update sessions set idle_expires_at = now() - interval '1 second' where user_agent = 'old'",
        "update sessions set expires_at = now() - interval '1 second' where user_agent = 'old'",
        "update sessions set ended_at = now(), end_reason = 'reuse' where user_agent = 'old'",
        "update sessions set created_at = created_at - interval '1 day' where user_agent = 'old'",
    ],
)
async def test_ended_sessions_are_not_listed(client: httpx.AsyncClient, context: Context, happened: str) -> None:
    pair = await sign_in(client, context, "ada@example.com")
    await login(client, "ada@example.com", **{"user-agent": "old"})
    await context.db.fetch(happened)
    assert [each["current"] for each in await sessions_of(client, pair)] == [True]


async def test_ends_one_session_at_once(client: httpx.AsyncClient, context: Context) -> None:
    pair = await sign_in(client, context, "ada@example.com")
    other = (await login(client, "ada@example.com")).json()
    assert await is_signed_in(client, other)
    sid = context.tokens.verify(other["access_token"]).sid
    answer = await client.delete(f"/api/sessions/{sid}", headers=bearer(pair))
    assert (answer.status_code, answer.content) == (204, b"")
    assert [await is_signed_in(client, each) for each in (pair, other)] == [True, False]
    assert await refused(client, other["refresh_token"]) == "REFRESH_TOKEN_INVALID"
    assert await ended(context) == [(str(sid), "revoked")]
    assert (await client.delete(f"/api/sessions/{sid}", headers=bearer(pair))).status_code == 404


async def test_other_accounts_sessions_cannot_be_ended(client: httpx.AsyncClient, context: Context) -> None:
    """C-73: a foreign, an unknown and a malformed id have the same answer."""
    mine, theirs = await sign_in(client, context), await sign_in(client, context)
    for id in (context.tokens.verify(theirs["access_token"]).sid, uuid4(), "x"):
        answer = await client.delete(f"/api/sessions/{id}", headers=bearer(mine))
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert await is_signed_in(client, theirs)
    assert await ended(context) == []


async def test_ends_all_others(client: httpx.AsyncClient, context: Context) -> None:
    """C-72."""
    others = [await sign_in(client, context, "ada@example.com"), (await login(client, "ada@example.com")).json()]
    pair, stranger = (await login(client, "ada@example.com")).json(), await sign_in(client, context)
    assert (await client.delete("/api/sessions", headers=bearer(pair))).status_code == 204
    assert [await is_signed_in(client, each) for each in (pair, stranger, *others)] == [True, True, False, False]
    sids = sorted(str(context.tokens.verify(each["access_token"]).sid) for each in others)
    assert await ended(context) == [(sid, "revoked") for sid in sids]
    assert (await client.delete("/api/sessions", headers=bearer(pair))).status_code == 204
    assert len(await ended(context)) == 2


async def test_a_browser_needs_the_xsrf_token(client: httpx.AsyncClient, context: Context) -> None:
    """C-76."""
    cookies = await sign_in_browser(client, context, "ada@example.com")
    other = (await login(client, "ada@example.com")).json()
    page = sent(cookies)
    token = page.pop("x-xsrf-token")
    assert (await client.delete("/api/sessions", headers=page)).json()["code"] == "XSRF"
    assert await is_signed_in(client, other)
    assert (await client.delete("/api/sessions", headers={**page, "x-xsrf-token": token})).status_code == 204
    assert not await is_signed_in(client, other)


async def test_a_disconnected_client_ends_all_or_none(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-105: for any time of the cancellation, as many sessions end as events announce it."""
    pair = await sign_in(live_client, live, "ada@example.com")
    for number in range(12):
        await asyncio.gather(*(login(live_client, "ada@example.com") for _ in range(2)))
        leaving = asyncio.ensure_future(live_client.delete("/api/sessions", headers=bearer(pair)))
        await asyncio.wait([leaving], timeout=number / 1000)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        over = await live.db.fetch("select id::text from sessions where ended_at is not null order by id")
        assert [sid for sid, _ in await ended(live)] == [row["id"] for row in over]
    assert await is_signed_in(live_client, pair)
