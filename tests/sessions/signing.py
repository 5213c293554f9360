"""Signing in, for tests of sessions."""

import httpx

from api.kernel.context import Context
from tests.factories import PASSWORD, make_user


async def sign_in(client: httpx.AsyncClient, context: Context, email: str | None = None) -> dict[str, str]:
    """Return the pair of tokens of a new account's first session."""
    user = await make_user(context, email)
    answer = await login(client, user.email)
    assert answer.status_code == 200
    pair: dict[str, str] = answer.json()
    return pair


async def login(
    client: httpx.AsyncClient, username: str, password: str = PASSWORD, mode: str = "jwt", **headers: str
) -> httpx.Response:
    form = {"username": username, "password": password}
    return await client.post(f"/api/auth/{mode}/login", data=form, headers=headers)


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/auth/refresh", json={"refresh_token": token})


async def refused(client: httpx.AsyncClient, token: str) -> str:
    """Return the code of a refused refresh."""
    answer = await refresh(client, token)
    assert answer.status_code == 401
    assert "refresh_token" not in answer.json()
    code: str = answer.json()["code"]
    return code


async def is_signed_in(client: httpx.AsyncClient, pair: dict[str, str]) -> bool:
    answer = await client.get("/api/users/me", headers=bearer(pair))
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def bearer(pair: dict[str, str]) -> dict[str, str]:
    return {"authorization": f"Bearer {pair['access_token']}"}


def set_by(answer: httpx.Response) -> dict[str, str]:
    """Return the cookies that an answer sets, without their attributes; removed ones are empty."""
    pairs = (line.partition(";")[0].partition("=") for line in answer.headers.get_list("set-cookie"))
    return {name: value for name, _, value in pairs}


def sent(cookies: dict[str, str], **headers: str) -> dict[str, str]:
    """Return the headers of a browser with these cookies, on a page of the application."""
    page = {"x-xsrf-token": cookies["XSRF-TOKEN"]} if cookies.get("XSRF-TOKEN") else {}
    return {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items() if value), **page, **headers}


async def sign_in_browser(client: httpx.AsyncClient, context: Context, email: str | None = None) -> dict[str, str]:
    """Return the cookies of a new account's first session."""
    user = await make_user(context, email)
    answer = await login(client, user.email, mode="cookie")
    assert answer.status_code == 204
    return set_by(answer)
