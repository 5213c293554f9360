"""/auth/cookie/* and refreshing by cookie: browsers, whose scripts have no access to tokens."""

import re
import time

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from api.kernel.context import Context
from api.kernel.identity.auth import Tokens
from tests.factories import make_user
from tests.sessions.signing import bearer, is_signed_in, login, refused, sent, set_by, sign_in, sign_in_browser

SESSION = ("__Host-access", "__Host-refresh", "XSRF-TOKEN")
FOREIGN = [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]


async def who(client: httpx.AsyncClient, cookies: dict[str, str]) -> str | None:
    """Return the user of these cookies, or None."""
    answer = await client.get("/api/users/me", headers=sent(cookies))
    return answer.json()["email"] if answer.is_success else None


async def logout(client: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
    return await client.post("/api/auth/cookie/logout", headers=headers)


async def renew(client: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
    return await client.post("/api/auth/refresh", headers=headers)


async def test_signs_a_browser_in(client: httpx.AsyncClient, context: Context) -> None:
    """C-75: no script can read a token, no other host gets one, no other site's page can send one."""
    user = await make_user(context, "ada@example.com")
    answer = await login(client, "ada@example.com", mode="cookie")
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (204, b"", "no-store")
    attributes = {line.partition("=")[0]: line.partition("; ")[2] for line in answer.headers.get_list("set-cookie")}
    strict = "Secure; HttpOnly; SameSite=Strict"
    assert attributes == {
        "__Host-access": f"Path=/; Max-Age=900; {strict}",
        "__Host-refresh": f"Path=/; Max-Age=1209600; {strict}",
        "XSRF-TOKEN": "Path=/; Max-Age=1209600; Secure; SameSite=Strict",
        "__Host-device": f"Path=/; Max-Age=34560000; {strict}",
    }
    assert all(len(line) < 4096 for line in answer.headers.get_list("set-cookie"))
    assert await who(client, set_by(answer)) == user.email
    [row] = await context.db.fetch("select mode, method, device_id is not null as known from sessions")
    assert tuple(row) == ("cookie", "password", True)


async def test_a_browser_that_dropped_its_access_cookie_is_asked_to_refresh(
    client: httpx.AsyncClient, context: Context
) -> None:
    """C-356: after 15 minutes. The first request of a page causes no error; the others say what to do."""
    await make_user(context, "ada@example.com")
    cookies = set_by(await login(client, "ada@example.com", mode="cookie"))
    assert (await client.get("/api/auth/session", headers=sent(cookies))).json()["email"] == "ada@example.com"
    left = {name: value for name, value in cookies.items() if name != "__Host-access"}
    ended = await client.get("/api/users/me", headers=sent(left))
    assert (ended.status_code, ended.json()["code"]) == (401, "TOKEN_EXPIRED")
    assert (await client.get("/api/auth/session", headers=sent(left))).json() is None
    cookies |= set_by(await renew(client, sent(left)))
    assert await who(client, cookies) == "ada@example.com"
    basic = sent(cookies) | {"authorization": "Basic dGVzdDp0ZXN0"}
    answer = await client.get("/api/users/me", headers=basic)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED"), "a refresh would not help"
    for guest in ({}, left | {"__Host-refresh": "garbage"}):
        assert (await client.get("/api/users/me", headers=sent(guest))).json()["code"] == "UNAUTHORIZED"
        answer = await client.get("/api/auth/session", headers=sent(guest))
        assert (answer.status_code, answer.json()) == (200, None)


async def test_a_token_login_sets_the_devices_cookie_alone(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, "ada@example.com")
    assert set_by(await login(client, "ada@example.com")).keys() == {"__Host-device"}


async def test_a_refused_login_sets_nothing(client: httpx.AsyncClient, context: Context) -> None:
    """C-51."""
    await make_user(context, "ada@example.com")
    for email in ("ada@example.com", "nobody@example.com"):
        answer = await login(client, email, "wrong", mode="cookie")
        assert (answer.status_code, answer.json()["code"]) == (400, "LOGIN_BAD_CREDENTIALS")
        assert set_by(answer) == {}


@pytest.mark.parametrize("from_where", FOREIGN)
async def test_another_site_cannot_sign_a_browser_in(
    client: httpx.AsyncClient, context: Context, from_where: dict[str, str]
) -> None:
    """C-77: not even to the attacker's own account, where they could read the user's data later."""
    await make_user(context, "eve@example.com")
    answer = await login(client, "eve@example.com", mode="cookie", **from_where)
    assert (answer.status_code, answer.json()["code"]) == (403, "ORIGIN_NOT_ALLOWED")
    assert {"PUBLIC_URL", "ALLOWED_ORIGINS"} <= set(re.findall(r"\w+", answer.json()["detail"]))
    assert set_by(answer) == {}
    assert await context.db.fetch("select 1 from sessions") == []


async def test_a_login_replaces_the_browsers_session(client: httpx.AsyncClient, context: Context) -> None:
    """C-60, C-62: for the same account and for another."""
    ada = await sign_in_browser(client, context, "ada@example.com")
    await make_user(context, "bob@example.com")
    bob = set_by(await login(client, "bob@example.com", mode="cookie", cookie=sent(ada)["cookie"]))
    assert {bob[name] for name in SESSION}.isdisjoint(ada[name] for name in SESSION)
    assert [await who(client, cookies) for cookies in (ada, bob)] == [None, "bob@example.com"]
    assert bob["__Host-device"] == ada["__Host-device"], "the device stays the same"
    [ended] = await context.db.fetch(
        "select data->>'reason' as reason from outbox_events where type = 'sessions.ended'"
    )
    assert ended["reason"] == "logout"


async def test_a_planted_session_is_not_reused(client: httpx.AsyncClient, context: Context) -> None:
    """C-60: planted cookies are worthless after a login."""
    planted = await sign_in_browser(client, context, "eve@example.com")
    await make_user(context, "ada@example.com")
    mine = set_by(await login(client, "ada@example.com", mode="cookie", cookie=sent(planted)["cookie"]))
    assert await who(client, planted) is None
    assert await who(client, {**mine, "XSRF-TOKEN": planted["XSRF-TOKEN"]}) == "ada@example.com"
    answer = await logout(client, sent({**mine, "XSRF-TOKEN": planted["XSRF-TOKEN"]}))
    assert answer.json()["code"] == "XSRF"


async def test_a_refused_login_leaves_the_browser_signed_in(client: httpx.AsyncClient, context: Context) -> None:
    ada = await sign_in_browser(client, context, "ada@example.com")
    await login(client, "ada@example.com", "wrong", mode="cookie", cookie=sent(ada)["cookie"])
    assert await who(client, ada) == "ada@example.com"


async def test_logout_ends_the_session_and_removes_the_cookies(client: httpx.AsyncClient, context: Context) -> None:
    """C-72, C-75: with the attributes that they were set with; the device's cookie stays."""
    cookies = await sign_in_browser(client, context)
    for _ in range(2):
        answer = await logout(client, sent(cookies))
        assert answer.status_code == 204
        assert set_by(answer) == dict.fromkeys(SESSION, "")
        assert all("; Path=/; Max-Age=0; Secure" in line for line in answer.headers.get_list("set-cookie"))
    assert await who(client, cookies) is None
    assert (await renew(client, sent(cookies))).json()["code"] == "REFRESH_TOKEN_INVALID"
    assert len(await context.db.fetch("select 1 from outbox_events where type = 'sessions.ended'")) == 1


@pytest.mark.parametrize("kept", ["__Host-access", "__Host-refresh"])
async def test_either_cookie_is_sufficient_to_sign_out(
    app: Starlette, client: httpx.AsyncClient, context: Context, kept: str
) -> None:
    """C-72: an expired access token, or the refresh cookie after the browser dropped the access cookie."""
    cookies = await sign_in_browser(client, context)
    later = Tokens(context.settings, now=lambda: time.time() + 3600)
    app.state.context = msgspec.structs.replace(context, tokens=later)
    answer = await logout(client, sent({kept: cookies[kept], "XSRF-TOKEN": cookies["XSRF-TOKEN"]}))
    assert answer.status_code == 204
    app.state.context = context
    assert await who(client, cookies) is None


@pytest.mark.parametrize("cookie", ["", "__Host-access=x", "__Host-refresh=x", "__Host-device=x", ";;=;a"])
async def test_without_a_session_there_is_nothing_to_sign_out(client: httpx.AsyncClient, cookie: str) -> None:
    answer = await logout(client, {"cookie": cookie})
    assert (answer.status_code, answer.json()["code"]) in ((401, "UNAUTHORIZED"), (401, "TOKEN_INVALID"))


@pytest.mark.parametrize("path", ["/api/auth/cookie/logout", "/api/auth/refresh"])
async def test_a_change_without_the_xsrf_token_is_refused(
    client: httpx.AsyncClient, context: Context, path: str
) -> None:
    """C-76, C-77."""
    cookies, others = [await sign_in_browser(client, context) for _ in range(2)]
    token = cookies.pop("XSRF-TOKEN")
    before = await context.db.fetch("select * from sessions order by id")
    forgeries = [
        (sent(cookies), "XSRF"),
        (sent(cookies, **{"x-xsrf-token": "x"}), "XSRF"),
        (sent({**cookies, "XSRF-TOKEN": "planted"}), "XSRF"),
        (sent({**cookies, "XSRF-TOKEN": others["XSRF-TOKEN"]}), "XSRF"),
        *((sent(cookies, **{"x-xsrf-token": token}, **foreign), "ORIGIN_NOT_ALLOWED") for foreign in FOREIGN),
    ]
    for headers, code in forgeries:
        answer = await client.post(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
        assert set_by(answer) == {}
    assert await context.db.fetch("select * from sessions order by id") == before
    assert await who(client, cookies) is not None


@pytest.mark.parametrize("body", [None, {}, {"refresh_token": None}])
async def test_refreshes_by_cookie(client: httpx.AsyncClient, context: Context, body: dict[str, None] | None) -> None:
    cookies = await sign_in_browser(client, context, "ada@example.com")
    answer = await client.post("/api/auth/refresh", headers=sent(cookies), json=body)
    assert (answer.status_code, answer.json()) == (200, {"token_type": "cookie", "expires_in": 900})
    renewed = set_by(answer)
    assert renewed.keys() == set(SESSION)
    assert renewed["__Host-refresh"] != cookies["__Host-refresh"]
    assert renewed["XSRF-TOKEN"] == cookies["XSRF-TOKEN"], "open pages keep working"
    assert await who(client, {"__Host-access": renewed["__Host-access"]}) == "ada@example.com"


async def test_a_retry_and_a_second_tab_get_the_same_successor(client: httpx.AsyncClient, context: Context) -> None:
    """C-67."""
    cookies = await sign_in_browser(client, context)
    first, second = [set_by(await renew(client, sent(cookies))) for _ in range(2)]
    assert first["__Host-refresh"] == second["__Host-refresh"]


async def test_a_refused_refresh_removes_the_cookies(client: httpx.AsyncClient, context: Context) -> None:
    """C-69, C-71."""
    cookies = await sign_in_browser(client, context)
    newest = set_by(await renew(client, sent(cookies)))
    await context.db.fetch("update sessions set rotated_at = rotated_at - interval '11 seconds'")
    for used, code in ((cookies, "REFRESH_TOKEN_REUSED"), (newest, "REFRESH_TOKEN_INVALID")):
        answer = await renew(client, sent(used))
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert set_by(answer) == dict.fromkeys(SESSION, "")


async def test_with_neither_body_nor_cookie_there_is_nothing_to_refresh(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/auth/refresh")
    assert (answer.status_code, answer.json()["code"]) == (401, "REFRESH_TOKEN_INVALID")
    assert set_by(answer) == {}
    garbage = await renew(client, {"cookie": "__Host-refresh=x"})
    assert (garbage.status_code, garbage.json()["code"]) == (401, "REFRESH_TOKEN_INVALID")
    assert set_by(garbage) == dict.fromkeys(SESSION, "")


async def test_a_token_in_the_body_precedes_the_cookie(client: httpx.AsyncClient, context: Context) -> None:
    """It needs no XSRF token, and the answer sets no cookies."""
    cookies, pair = await sign_in_browser(client, context), await sign_in(client, context)
    del cookies["XSRF-TOKEN"]
    answer = await client.post(
        "/api/auth/refresh", json={"refresh_token": pair["refresh_token"]}, headers=sent(cookies)
    )
    assert answer.json().keys() == {"token_type", "expires_in", "access_token", "refresh_token"}
    assert set_by(answer) == {}
    assert await is_signed_in(client, answer.json())


async def test_a_bearer_token_needs_no_xsrf_token(client: httpx.AsyncClient, context: Context) -> None:
    """C-77: browsers do not send one by themselves, whatever cookies and origin accompany it."""
    cookies, pair = await sign_in_browser(client, context), await sign_in(client, context)
    del cookies["XSRF-TOKEN"]
    headers = sent(cookies, **bearer(pair), origin="https://evil.example")
    assert (await client.post("/api/auth/jwt/logout", headers=headers)).status_code == 204
    assert await refused(client, pair["refresh_token"]) == "REFRESH_TOKEN_INVALID"
    assert await who(client, cookies) is not None
