"""HIDE_ACCOUNTS: no sequence of requests reveals whether an address is taken."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api.app import create_app
from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.identity.limits import Limiter
from api.kernel.mail import MemoryMailer
from tests.configured import configured
from tests.conftest import client_of
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.sessions.signing import bearer, login

MINE = "a password of my own"
STEPS = [
    "register",
    "register again in capitals",
    "register with a weak password",
    "sign in with mine",
    "sign in with mine, by cookie",
    "sign in with a wrong password",
    "sign in with KELVIN SIGN",
    "ask for the verification again",
    "forget the password",
    "make it my address",
    "look at my account",
    "confirm with an invented token",
]
# Parts that differ in every answer.
VARYING = {"x-trace-id", "server-timing", "date", "retry-after", "etag", "content-length", "traceparent"}


@pytest.fixture
async def hiding(context: Context) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that hides accounts and has every limit."""
    settings = configured(context.settings, hide_accounts=True, rate_limit_credentials=1.0)
    app = create_app(settings)
    app.state.context = msgspec.structs.replace(context, settings=settings, limiter=Limiter(settings, context.cache))
    async with client_of(app) as made:
        yield made


class Attacker:
    """A user with an account of their own who probes another address."""

    def __init__(self, client: httpx.AsyncClient, address: str, headers: dict[str, str]) -> None:
        self.client, self.address, self.headers = client, address, headers

    async def do(self, step: str) -> httpx.Response:
        post, address = self.client.post, self.address
        match step:
            case "register":
                return await post("/api/auth/register", json={"email": address, "password": MINE})
            case "register again in capitals":
                return await post("/api/auth/register", json={"email": address.upper(), "password": MINE + "!"})
            case "register with a weak password":
                return await post("/api/auth/register", json={"email": address, "password": "aaaaaaaa"})
            case "sign in with mine":
                return await login(self.client, address, MINE)
            case "sign in with mine, by cookie":
                return await login(self.client, address, MINE, "cookie")
            case "sign in with a wrong password":
                return await login(self.client, address, "wrong")
            case "sign in with KELVIN SIGN":
                return await login(self.client, address.replace("k", "\u212a"), "wrong")
            case "ask for the verification again":
                return await post("/api/auth/request-verify-token", json={"email": address})
            case "forget the password":
                return await post("/api/auth/forgot-password", json={"email": address})
            case "make it my address":
                change = {"email": address, "current_password": PASSWORD}
                return await self.client.patch("/api/users/me", json=change, headers=self.headers)
            case "look at my account":
                return await self.client.get("/api/users/me", headers=self.headers)
            case _:
                return await post("/api/auth/verify", json={"token": "x" * 43})


def seen(answer: httpx.Response, address: str) -> Any:
    """Return an answer without the parts that differ in every answer."""
    headers = {
        name: re.sub("=[^;]*", "", value, count=1) if name == "set-cookie" else re.sub("(r|t|reset)=[0-9]+", "", value)
        for name, value in answer.headers.items()
        if name not in VARYING and not name.endswith("-reset")
    }
    body = answer.json() if answer.content else None
    if isinstance(body, dict):
        body = {
            name: value
            for name, value in body.items()
            if name not in ("trace_id", "extra", "id", "created_at", "updated_at")
        }
    return answer.status_code, headers, str(body).replace(address, "the address")


async def learned(client: httpx.AsyncClient, context: Context, steps: list[str], taken: bool) -> list[Any]:
    """Return the answers to these steps about an address."""
    address = f"kate-{uuid7().hex}@example.com"
    if taken:
        await make_user(context, address)
    client.cookies.clear()
    me = await make_user(context, f"mallory-{uuid7().hex}@example.com")
    await context.cache.execute("FLUSHDB")
    headers = bearer((await login(client, me.email)).json())
    client.cookies.clear()
    await context.cache.execute("FLUSHDB")
    attacker = Attacker(client, address, headers)
    return [(step, seen(await attacker.do(step), address).__repr__().replace(me.email, "me")) for step in steps]


WRONG = ["sign in with a wrong password"]


@pytest.mark.parametrize(
    "steps",
    [
        ["register", "sign in with mine", "sign in with mine, by cookie"],
        [*WRONG * 6, "register", *WRONG, "sign in with mine"],
        ["register", *WRONG * 6],
        ["sign in with KELVIN SIGN", *["sign in with KELVIN SIGN"] * 5, *WRONG],
        ["make it my address", "look at my account", "register", "make it my address", "sign in with mine"],
        ["forget the password", "ask for the verification again", "register", "forget the password", *WRONG],
        STEPS,
    ],
    ids=lambda steps: ", ".join(steps)[:60],
)
async def test_a_taken_address_looks_like_a_free_one(
    hiding: httpx.AsyncClient, context: Context, steps: list[str]
) -> None:
    """C-37, C-155."""
    assert await learned(hiding, context, steps, taken=True) == await learned(hiding, context, steps, taken=False)


@hypothesis_settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(STEPS), min_size=2, max_size=10))
async def test_no_sequence_distinguishes_them(hiding: httpx.AsyncClient, context: Context, steps: list[str]) -> None:
    """C-155."""
    assert await learned(hiding, context, steps, taken=True) == await learned(hiding, context, steps, taken=False)


async def test_the_owners_network_and_browser_reveal_nothing(hiding: httpx.AsyncClient, context: Context) -> None:
    """C-155: in the same office, with the same browser, an account used to have more attempts."""
    user = await make_user(context)
    await login(hiding, user.email)  # the owner, from this place
    hiding.cookies.clear()
    await context.cache.execute("FLUSHDB")
    tries = [(await login(hiding, user.email, "wrong")).status_code for _ in range(6)]
    hiding.cookies.clear()
    await context.cache.execute("FLUSHDB")
    assert tries == [(await login(hiding, "kate@example.com", "wrong")).status_code for _ in range(6)]


async def test_the_owner_of_the_address_can_sign_in(
    hiding: httpx.AsyncClient, context: Context, mailbox: MemoryMailer
) -> None:
    """C-155: with the mailed link."""
    body = {"email": "ada@example.com", "password": PASSWORD}
    assert (await hiding.post("/api/auth/register", json=body)).status_code == 202
    assert (await login(hiding, "ada@example.com")).json()["code"] == "LOGIN_BAD_CREDENTIALS"
    [(_, token)] = await mailed(context)
    assert (await hiding.post("/api/auth/verify", json={"token": token})).status_code == 200
    assert (await login(hiding, "ada@example.com")).status_code == 200
