"""The caller of a request, and the keys that it is counted by."""

import re
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.http.cookies import xsrf_token
from api.kernel.http.routing import get, inputs_of
from api.kernel.identity.auth import Principal, Tokens, signed_in
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Rate, Settings
from tests.kernel.club import ADA, ASKED, BOB, CLUB, DOWN, by_ticket, show_me
from tests.kernel.test_routing import app_of, problem
from tests.kernel.things import scripts_run


@pytest.fixture
async def club(settings: Settings, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    ASKED.clear()
    DOWN.clear()
    limited = msgspec.structs.replace(
        settings,
        rate_limit_anonymous=Rate(10, 3600),
        rate_limit_signed_in=Rate(20, 3600),
        rate_limit_credentials=0.2,
    )
    context = msgspec.structs.replace(context, limiter=Limiter(limited, context.cache))
    transport = httpx.ASGITransport(app_of(limited, context, CLUB), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as client:
        yield client


ENDED = Principal(id=uuid4(), sid=uuid7(), is_superuser=False, is_verified=True, roles=())


def token_of(context: Context, principal: Principal) -> str:
    return context.tokens.issue(sub=principal.id, sid=principal.sid, jti=uuid4(), email="a@b.cd", name=None, roles=())


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def left(answer: httpx.Response) -> dict[str, int]:
    """Return the remaining quota of each policy."""
    found = re.findall(r'"([\w-]+)";r=(\d+);t=\d+', answer.headers.get("ratelimit", ""))
    return {name: int(number) for name, number in found}


async def statuses(client: httpx.AsyncClient, path: str, times: int, token: str | None = None) -> list[int]:
    headers = bearer(token) if token else {}
    return [(await client.get(path, headers=headers)).status_code for _ in range(times)]


# `principal: Principal | None`


async def test_a_public_route_may_receive_the_caller(club: httpx.AsyncClient, context: Context) -> None:
    """C-171, C-300."""
    assert (await club.get("/greet", headers=bearer(token_of(context, ADA)))).json() == str(ADA.id)
    assert (await club.get("/greet")).json() == "guest"


async def test_an_invalid_token_is_refused_where_the_handler_uses_the_caller(
    club: httpx.AsyncClient, context: Context
) -> None:
    """C-300: the client refreshes it instead of showing the page for guests."""
    expired = Tokens(context.settings, lambda: time.time() - 3600)
    old = expired.issue(sub=ADA.id, sid=ADA.sid, jti=uuid4(), email="a@b.cd", name=None, roles=())
    for headers, code in (
        (bearer("garbage"), "TOKEN_INVALID"),
        (bearer(token_of(context, ENDED)), "TOKEN_INVALID"),
        (bearer(old), "TOKEN_EXPIRED"),
        ({"authorization": "Basic eDp5"}, "UNAUTHORIZED"),
    ):
        refused = await club.get("/greet", headers=headers)
        problem(refused, 401, code)
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert (await club.get("/read", headers=headers)).json() == "for everybody", (
            "this handler does not use the caller"
        )


async def test_a_public_page_stays_readable_with_the_cookie_of_an_ended_session(
    club: httpx.AsyncClient, context: Context
) -> None:
    """C-300: browsers send it with each request. It expires by itself, so that no concurrent refresh loses its new
    cookie."""
    for value in ("garbage", token_of(context, ENDED)):
        answer = await club.get("/greet", headers={"cookie": f"__Host-access={value}"})
        assert (answer.status_code, answer.json(), "set-cookie" in answer.headers) == (200, "guest", False)


async def test_refused_tokens_are_counted_on_public_routes(club: httpx.AsyncClient) -> None:
    """C-168, C-300."""
    answers = [await club.get("/greet", headers=bearer("garbage")) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 6 + [429]
    assert problem(answers[-1], 429, "RATE_LIMITED")["violated-policies"] == ["auth-failures"]
    assert len({answer.headers["ratelimit-policy"] for answer in [*answers, await club.get("/greet")]}) == 1


async def test_a_cookie_needs_the_xsrf_token_where_a_change_is_possible(
    club: httpx.AsyncClient, context: Context
) -> None:
    """C-171."""
    cookie = {"cookie": f"__Host-access={token_of(context, ADA)}"}
    proof = {"x-xsrf-token": xsrf_token(context.settings, ADA.sid)}
    assert (await club.get("/greet", headers=cookie)).json() == str(ADA.id)
    assert (await club.post("/wave", headers=cookie)).json() == "guest"
    assert (await club.post("/wave", headers=cookie | proof)).json() == str(ADA.id)
    foreign = {"origin": "https://evil.example"}
    assert (await club.post("/wave", headers=cookie | proof | foreign)).json() == "guest"


async def test_an_unknown_caller_during_an_outage_is_a_503(club: httpx.AsyncClient, context: Context) -> None:
    """C-171: otherwise users would seem signed out; a route that does not use the caller answers without the
    database."""
    DOWN.append(True)
    headers = bearer(token_of(context, ADA))
    problem(await club.get("/greet", headers=headers), 503, "UNAVAILABLE")
    assert (await club.get("/look-after", headers=headers)).json() == "guest"
    assert (await club.get("/greet")).json() == "guest"


async def test_no_lookup_for_a_handler_without_a_principal(club: httpx.AsyncClient, context: Context) -> None:
    assert (await club.get("/read", headers=bearer(token_of(context, ADA)))).status_code == 200
    assert ASKED == []


def test_a_limit_by_request_data_needs_the_guard_anyone() -> None:
    with pytest.raises(TypeError, match="`by` needs the guard `anyone`"):
        inputs_of(get("/me", show_me, guard=signed_in, by=by_ticket))


# Keys of limits


async def test_a_token_counts_for_its_account_also_on_public_routes(club: httpx.AsyncClient, context: Context) -> None:
    """C-172: clients behind one address do not share a limit."""
    assert await statuses(club, "/read", 20, token_of(context, ADA)) == [200] * 20
    refused = await club.get("/me", headers=bearer(token_of(context, ADA)))
    assert problem(refused, 429, "RATE_LIMITED")["violated-policies"] == ["all"]
    assert refused.headers["ratelimit-policy"] == '"all";q=20;w=3600'
    assert await statuses(club, "/greet", 20, token_of(context, BOB)) == [200] * 20
    assert await statuses(club, "/read", 11) == [200] * 10 + [429]


async def test_a_token_gives_no_fresh_quota_where_credentials_are_taken(
    club: httpx.AsyncClient, context: Context
) -> None:
    """C-172: on public routes the route's own limit is by address for every caller."""
    answers = [
        await club.post("/register", headers=bearer(token_of(context, who)) if who else {}) for who in (None, ADA, BOB)
    ]
    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert problem(answers[1], 429, "RATE_LIMITED")["violated-policies"] == ["register"]


async def test_a_credential_is_counted_instead_of_the_address(club: httpx.AsyncClient) -> None:
    """C-172: from a cookie or from the body."""
    mine, yours = f"good {uuid7()}", f"good {uuid7()}"
    for ticket in (mine, yours, None):
        body = {"ticket": ticket} if ticket else {"ticket": "word"}
        answers = [await club.post("/exchange", json=body) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
    assert left(await club.get("/read"))["all"] == 8, "the address counts only the last two"


async def test_unreadable_data_is_counted_by_address(club: httpx.AsyncClient) -> None:
    """C-168: on routes counted by request data."""
    headers = {"content-type": "application/json"}
    answers = [await club.post("/exchange", content=b"{", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [400, 429]


# Failures


async def test_garbage_is_counted_by_address_and_refused(club: httpx.AsyncClient, context: Context) -> None:
    """C-168: signed-in callers at that address are not affected."""
    first = await club.get("/me", headers=bearer("garbage"))
    problem(first, 401, "TOKEN_INVALID")
    assert left(first) == {"all": 9, "auth-failures": 5}
    assert first.headers["ratelimit-policy"] == '"all";q=10;w=3600, "auth-failures";q=6;w=900'
    assert await statuses(club, "/me", 8, "garbage") == [401] * 5 + [429] * 3
    assert ASKED == []
    assert await statuses(club, "/me", 5) == [401] * 4 + [429], "without a token: only the general limit"
    assert await statuses(club, "/me", 5, token_of(context, ADA)) == [200] * 5


async def test_a_session_that_ended_is_counted_by_address(club: httpx.AsyncClient, context: Context) -> None:
    """C-168."""
    ended = Principal(id=ADA.id, sid=uuid7(), is_superuser=False, is_verified=True, roles=())
    assert await statuses(club, "/me", 30, token_of(context, ended)) == [401] * 6 + [429] * 24
    assert left(await club.get("/me", headers=bearer(token_of(context, ADA))))["all"] == 19, "not its account's"


async def test_a_caller_refused_by_the_guard_is_counted_by_account(club: httpx.AsyncClient, context: Context) -> None:
    """C-168: and by address, whose failures do not count against successful requests."""
    answers = await statuses(club, "/administer", 8, token_of(context, ADA))
    assert answers == [403] * 6 + [429] * 2
    assert await statuses(club, "/read", 1) == [200]
    assert await statuses(club, "/me", 1, token_of(context, ADA)) == [200]


async def test_a_forged_request_is_counted_by_address(club: httpx.AsyncClient, context: Context) -> None:
    """C-168: requests forged by another site do not use up the account's quota."""
    cookie = {"cookie": f"__Host-access={token_of(context, ADA)}"}
    for _ in range(3):
        assert (await club.post("/wave", headers=cookie)).status_code == 200
    assert left(await club.get("/me", headers=cookie))["all"] == 19


async def test_an_expired_token_is_counted_by_its_session(club: httpx.AsyncClient, context: Context) -> None:
    """C-172: every token expires after a quarter of an hour."""
    tokens = Tokens(context.settings, now=lambda: time.time() - 3600)
    token = tokens.issue(sub=ADA.id, sid=ADA.sid, jti=uuid4(), email="a@b.cd", name=None, roles=())
    answer = await club.get("/me", headers=bearer(token))
    problem(answer, 401, "TOKEN_EXPIRED")
    assert left(answer) == {"all": 19}
    assert left(await club.get("/read"))["all"] == 9


async def test_a_browser_with_an_expired_access_cookie_is_counted_by_its_session(club: httpx.AsyncClient) -> None:
    """C-172."""
    answer = await club.get("/me", headers={"cookie": f"ticket=good {uuid7()}"})
    assert (answer.status_code, left(answer)) == (401, {"all": 19})
    assert left(await club.get("/read", headers={"cookie": f"ticket=good {uuid7()}"}))["all"] == 9, "refused ones only"


async def test_a_ticket_that_a_handler_refuses_is_counted_by_address(club: httpx.AsyncClient) -> None:
    """C-168: for every sender, because an ended session is no identity; every answer lists the same limits."""
    answers = [await club.post("/exchange", json={"ticket": f"spent {uuid7()}"}) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [401] * 6 + [429] * 2
    assert answers[-1].json()["violated-policies"] == ["auth-failures"]
    assert left(answers[-1]).keys() == {"all", "exchange", "auth-failures"}
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {
        '"all";q=20;w=3600, "exchange";q=1;w=60, "auth-failures";q=6;w=900'
    }
    assert (await club.post("/exchange", json={"ticket": f"good {uuid7()}"})).status_code == 200


@pytest.mark.parametrize(
    ("sid", "lives"),
    [
        (uuid7(), True),
        (uuid4(), False),
        (UUID(int=0), False),
        (UUID(bytes=int((time.time() - 91 * 86400) * 1000).to_bytes(6) + uuid7().bytes[6:]), False),
        (UUID(bytes=int((time.time() - 89 * 86400) * 1000).to_bytes(6) + uuid7().bytes[6:]), True),
        (UUID(bytes=int((time.time() + 86400) * 1000).to_bytes(6) + uuid7().bytes[6:]), False),
    ],
)
def test_an_old_token_stops_being_an_identity(settings: Settings, sid: UUID, lives: bool) -> None:
    """C-172: from 90 days after the sign-in it is counted by address."""
    assert Tokens(settings).may_live(sid) is lives


async def test_it_is_one_round_trip_to_redis(club: httpx.AsyncClient, context: Context) -> None:
    """C-173: for signed-in callers and for garbage."""
    headers = bearer(token_of(context, ADA))
    await club.get("/me", headers=headers)

    for sent in (headers, bearer("garbage"), {}):
        await context.cache.execute("CONFIG", "RESETSTAT")
        await club.get("/me", headers=sent)
        assert await scripts_run(context.cache) == 1
