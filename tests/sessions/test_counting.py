"""The keys that the routes of sessions are counted by, with real tokens."""

import asyncio
from functools import partial

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from api.kernel.context import Context, Origin, origin
from api.kernel.errors import UNAVAILABLE
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Rate
from tests.kernel.test_callers import left
from tests.sessions.conftest import ClientAt, at
from tests.sessions.signing import bearer, login, refresh, sent, sign_in, sign_in_browser


@pytest.fixture
def counted_at(app: Starlette, context: Context) -> ClientAt:
    """Return a function that makes clients by address, of an application with all limits; an address may send ten an
    hour."""
    settings = msgspec.structs.replace(
        context.settings,
        rate_limit_anonymous=Rate(10, 3600),
        rate_limit_signed_in=Rate(1000, 3600),
        rate_limit_credentials=1.0,
    )
    app.state.context = msgspec.structs.replace(context, settings=settings, limiter=Limiter(settings, context.cache))
    return partial(at, app)


async def test_clients_behind_one_address_refresh_independently(
    client: httpx.AsyncClient, counted_at: ClientAt, context: Context
) -> None:
    """C-172: by body and by cookie, each counted by session."""
    pairs = [await sign_in(counted_at(f"203.0.113.{number}"), context) for number in range(5)]
    browsers = [await sign_in_browser(counted_at(f"203.0.113.{number}"), context) for number in range(5, 8)]
    office = counted_at("192.0.2.7")
    for _ in range(3):
        for index, pair in enumerate(pairs):
            answer = await refresh(office, pair["refresh_token"])
            assert answer.status_code == 200
            pairs[index] = answer.json()
        for browser in browsers:
            assert (await office.post("/api/auth/refresh", headers=sent(browser))).status_code == 200
    assert left(answer) == {"all": 997, "refresh": 57}
    assert answer.headers["ratelimit-policy"] == (
        '"all";q=1000;w=3600, "refresh";q=60;w=60, "auth-failures";q=30;w=900'
    )
    assert (await office.get("/api/users/me", headers=bearer(pairs[0]))).status_code == 200


async def test_ended_sessions_and_garbage_are_counted_by_address(
    client: httpx.AsyncClient, counted_at: ClientAt, context: Context
) -> None:
    """C-168: a valid session at that address is still refreshed."""
    office = counted_at("192.0.2.7")
    lives, ended = [await sign_in(counted_at(f"203.0.113.{number}"), context) for number in (1, 2)]
    assert (await office.post("/api/auth/jwt/logout", headers=bearer(ended))).status_code == 204
    tokens = [ended["refresh_token"]] * 6 + ["garbage"] * 6
    assert [(await refresh(office, token)).status_code for token in tokens] == [401] * 10 + [429] * 2
    assert (await refresh(office, ended["refresh_token"])).status_code == 429
    assert (await refresh(office, lives["refresh_token"])).status_code == 200


async def test_a_known_device_is_admitted_at_an_exhausted_address(counted_at: ClientAt, context: Context) -> None:
    """C-169: a browser with a valid device cookie is counted by it."""
    office = counted_at("192.0.2.7")
    cookies = await sign_in_browser(office, context, "ada@example.com")
    for _ in range(10):
        await login(office, "nobody@example.com", "wrong")
    assert (await login(office, "ada@example.com")).status_code == 429
    device = {"cookie": f"__Host-device={cookies['__Host-device']}"}
    assert (await login(office, "ada@example.com", mode="cookie", **device)).status_code == 204


async def test_sign_ins_look_the_same_for_known_and_unknown_addresses(counted_at: ClientAt, context: Context) -> None:
    """C-167, C-51: also if the account knows the place."""
    await sign_in(counted_at("203.0.113.1"), context, "ada@example.com")
    told = []
    for email in ("ada@example.com", "nobody@example.com"):
        answer = await login(counted_at("203.0.113.2" if email[0] == "a" else "203.0.113.3"), email, "wrong")
        told.append((answer.status_code, answer.headers["ratelimit-policy"], left(answer)))
    assert told[0] == told[1]


async def test_accounts_in_one_network_do_not_block_the_sign_in_of_others(live: Context) -> None:
    """C-174: with the hasher of a real process."""
    crowd = []
    for number in range(100):
        origin.set(Origin(address=f"192.0.2.{number}"))
        crowd.append(asyncio.create_task(live.passwords.verify(None, "x", signing_in=True)))
    await asyncio.sleep(0)
    origin.set(Origin(address="203.0.113.7"))
    answers = await asyncio.gather(*(live.passwords.verify(None, "x", signing_in=True) for _ in range(10)))
    assert answers == [False] * 10
    refused = [each for each in await asyncio.gather(*crowd, return_exceptions=True) if each is not False]
    assert {type(each) for each in refused} == {UNAVAILABLE}
