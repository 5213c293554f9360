"""Cookies and conditions in several header lines, cookies with similar names, and duplicates."""

import httpx
import pytest

from api.kernel.context import Context
from tests.sessions.signing import bearer, login, sent, set_by, sign_in, sign_in_browser

CLEARED = '"cookies"'


async def me(client: httpx.AsyncClient, *lines: bytes, **headers: str) -> httpx.Response:
    """Send GET /users/me with these lines of cookies."""
    fields = [(b"cookie", line) for line in lines] + [(k.encode(), v.encode()) for k, v in headers.items()]
    return await client.get("/api/users/me", headers=fields)


@pytest.mark.parametrize("order", [1, -1])
async def test_cookies_in_several_lines_are_all_read(client: httpx.AsyncClient, context: Context, order: int) -> None:
    """C-191: HTTP/2 splits them, and some proxies do not join them."""
    cookies = await sign_in_browser(client, context)
    lines = [f"{name}={value}".encode() for name, value in [*cookies.items(), ("theme", "dark")]][::order]
    assert (await me(client, *lines)).status_code == 200
    fields = [(b"cookie", line) for line in lines] + [(b"x-xsrf-token", cookies["XSRF-TOKEN"].encode())]
    assert (await client.post("/api/auth/refresh", headers=fields)).status_code == 200


@pytest.mark.parametrize("blank", [b"\xa0", b"\x85", b"\x1c", b"\x0b", b"\x0c"])
@pytest.mark.parametrize("around", [b"%b%b", b"%b%b=", b"a=1;%b%b"])
async def test_only_spaces_and_tabs_surround_a_name(
    client: httpx.AsyncClient, context: Context, blank: bytes, around: bytes
) -> None:
    """C-190: a sibling subdomain may set any name that does not begin with __Host-, and this one does not."""
    thief = await sign_in_browser(client, context, "eve@example.com")
    planted = around % (blank, f"__Host-access={thief['__Host-access']}".encode())
    assert (await me(client, planted)).status_code == 401
    owner = await sign_in_browser(client, context, "ada@example.com")
    own = f"__Host-access={owner['__Host-access']}".encode()
    for lines in ((own + b"; " + planted,), (planted + b"; " + own,), (planted, own)):
        answer = await me(client, *lines)
        assert answer.json()["email"] == "ada@example.com"
    assert (await me(client, b" \t" + own + b"\t ; a=b")).status_code == 200


@pytest.mark.parametrize("name", ["__Host-access", "__Host-refresh", "__Host-device"])
@pytest.mark.parametrize("first", [True, False])
async def test_a_duplicate_session_cookie_is_ignored_and_cleared(
    client: httpx.AsyncClient, context: Context, name: str, first: bool
) -> None:
    """C-190: its origin is unknown, so the request counts as one without cookies, and the browser must delete them
    all."""
    thief = await sign_in_browser(client, context, "eve@example.com")
    owner = await sign_in_browser(client, context, "ada@example.com")
    own, copy = sent(owner)["cookie"].encode(), f"{name}={thief[name]}".encode()
    lines = (copy, own) if first else (own, copy)
    answer = await me(client, b"; ".join(lines))
    assert (answer.status_code, answer.headers["clear-site-data"]) == (401, CLEARED)
    fields = [(b"cookie", line) for line in lines] + [(b"x-xsrf-token", owner["XSRF-TOKEN"].encode())]
    refreshed = await client.post("/api/auth/refresh", headers=fields)
    assert (refreshed.status_code, refreshed.headers["clear-site-data"]) == (401, CLEARED)
    assert set_by(refreshed) == {}
    anonymous = await client.get("/api/health/live", headers=fields)
    assert (anonymous.status_code, anonymous.headers["clear-site-data"]) == (200, CLEARED)
    # Signing in works meanwhile, and the same answer does not delete the cookies that it sets.
    again = await login(client, "ada@example.com", mode="cookie", cookie=b"; ".join(lines).decode())
    assert again.status_code == 204
    assert "clear-site-data" not in again.headers
    assert (await me(client, sent(set_by(again))["cookie"].encode())).status_code == 200


async def test_other_cookies_may_be_duplicated(client: httpx.AsyncClient, context: Context) -> None:
    """C-190: a sibling subdomain may set XSRF-TOKEN. Only the header counts, so this ends no session."""
    cookies = await sign_in_browser(client, context)
    line = f"XSRF-TOKEN=planted; theme=a; {sent(cookies)['cookie']}; theme=b"
    fields = {"cookie": line, "x-xsrf-token": cookies["XSRF-TOKEN"]}
    answer = await client.post("/api/auth/refresh", headers=fields)
    assert answer.status_code == 200
    assert "clear-site-data" not in answer.headers


async def test_lists_in_several_lines_are_one_list(client: httpx.AsyncClient, context: Context) -> None:
    """C-191, C-192."""
    own = bearer(await sign_in(client, context))
    tag = (await client.get("/api/users/me", headers=own)).headers["etag"]
    for tags in ((tag, '"x"'), ('"x"', tag), (f"W/{tag}",), (f'"x", W/{tag}',)):
        conditions = [("authorization", own["authorization"]), *(("if-none-match", each) for each in tags)]
        assert (await client.get("/api/users/me", headers=conditions)).status_code == 304
        conditions = [("authorization", own["authorization"]), *(("if-match", each) for each in tags)]
        assert (await client.patch("/api/users/me", json={}, headers=conditions)).status_code == 200


@pytest.mark.parametrize("condition", ["", '"x"', "{}x", "x{}", '"{}', '"a"{}', '*, "x"'])
async def test_a_condition_without_a_known_tag_is_stale(
    client: httpx.AsyncClient, context: Context, condition: str
) -> None:
    """C-192: a malformed or empty If-Match changes nothing."""
    own = bearer(await sign_in(client, context))
    tag = (await client.get("/api/users/me", headers=own)).headers["etag"]
    headers = own | {"if-match": condition.format(tag)}
    answer = await client.patch("/api/users/me", json={"name": "Eve"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (412, "PRECONDITION_FAILED")
    answer = await client.get("/api/users/me", headers=own | {"if-none-match": condition.format(tag)})
    assert (answer.status_code, answer.json()["name"]) == (200, None)


@pytest.mark.parametrize("name", ["authorization", "content-type", "origin", "x-xsrf-token"])
async def test_a_repeated_single_value_is_refused(client: httpx.AsyncClient, context: Context, name: str) -> None:
    """C-191: it is ambiguous."""
    own = bearer(await sign_in(client, context))
    whole = own | {"content-type": "application/json", "origin": "http://localhost:8000", "x-xsrf-token": "x"}
    answer = await client.patch(
        "/api/users/me", content=b'{"name":"Eve"}', headers=[*whole.items(), (name, whole[name])]
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_REQUEST")
    assert name in answer.json()["detail"]
    assert (await client.get("/api/users/me", headers=own)).json()["name"] is None
