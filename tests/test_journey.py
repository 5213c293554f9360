"""The life of an account, through the real processes, with real mail."""

import asyncio
import re
from pathlib import Path

import httpx

from api.kernel.context import Context
from api.kernel.settings import Settings
from tests.browser import Browser
from tests.processes import MailServer, Processes, text_of
from tests.worker.jobs import until

OLD, NEW = "ada@example.com", "ada@example.org"
FIRST, SECOND = "correct horse battery staple", "a better horse and battery"


class Inbox:
    """The mailed links, each returned once."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._given: set[str] = set()

    async def token(self, address: str, page: str) -> str:
        """Return the token of the next link to that page for the address."""
        async with asyncio.timeout(60):
            while True:
                for mail in self._server.mails:
                    for token in re.findall(rf"/{page}#token=(\S+)", text_of(mail)):
                        if mail["To"] == address and token not in self._given:
                            self._given.add(token)
                            return str(token)
                await asyncio.sleep(0.02)


async def test_the_life_of_an_account(
    environment: dict[str, str], cloned: Settings, live: Context, mail_server: MailServer, tmp_path: Path
) -> None:
    own = {"DATABASE_URL": cloned.database_url, "KAFKA_PREFIX": cloned.kafka.prefix, "SMTP_URL": mail_server.url}
    with Processes(environment | own, tmp_path) as processes:
        await processes.worker()
        async with processes.web() as client:
            inbox = Inbox(mail_server)
            await open_account(client, inbox)
            browser = await sign_in(client, OLD, FIRST)
            await change_name(browser)
            await change_email_and_back(client, browser, inbox)
            await reset_password(client, inbox)
            browser = await end_another_session(client)
            await leave_and_come_back(client, browser, live)
        await until(live.db, "select bool_and(published_at is not null) from outbox_events")
        await until(live.db, "select count(*) = 0 from outbox_tasks")
    told = await live.db.fetch("select type from outbox_events where topic = 'users' order by seq")
    assert [event["type"].removeprefix("users.") for event in told] == [
        "registered",
        "verified",
        "updated",
        "email_change_requested",
        "email_changed",
        "email_change_reverted",
        "password_changed",
        "password_changed",
        "deletion_requested",
        "deletion_cancelled",
    ]
    lives = await live.db.fetch("select count(*) from sessions where ended_at is null")
    assert lives[0][0] == 1, "each ended session has its end, except that of the last login"


async def open_account(client: httpx.AsyncClient, inbox: Inbox) -> None:
    registered = await client.post("/api/auth/register", json={"email": OLD, "password": FIRST})
    assert (registered.status_code, registered.json()["is_verified"]) == (201, False)
    token = await inbox.token(OLD, "verify")
    verified = await client.post("/api/auth/verify", json={"token": token})
    assert (verified.status_code, verified.json()["is_verified"]) == (200, True)


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> Browser:
    browser = Browser(client)
    answer = await browser.request("POST", "/api/auth/cookie/login", data={"username": email, "password": password})
    assert (answer.status_code, answer.content) == (204, b"")
    hidden = {name for name, cookie in browser.cookies.items() if cookie["httponly"]}
    assert hidden == {"__Host-access", "__Host-refresh", "__Host-device"}
    assert all(cookie["secure"] and cookie["samesite"] == "Strict" for cookie in browser.cookies.values())
    return browser


async def change_name(browser: Browser) -> None:
    forged = await browser.request("PATCH", "/api/users/me", json={"name": "Mallory"}, xsrf=False)
    assert (forged.status_code, forged.json()["code"]) == (403, "XSRF")
    changed = await browser.request("PATCH", "/api/users/me", json={"name": "Ada Lovelace"})
    assert (changed.status_code, changed.json()["name"]) == (200, "Ada Lovelace")
    before = browser.cookies["__Host-access"].value
    refreshed = await browser.request("POST", "/api/auth/refresh")
    assert refreshed.status_code == 200
    assert not {"access_token", "refresh_token"} & refreshed.json().keys()
    assert browser.cookies["__Host-access"].value != before
    assert (await browser.request("GET", "/api/users/me")).json()["name"] == "Ada Lovelace"


async def change_email_and_back(client: httpx.AsyncClient, browser: Browser, inbox: Inbox) -> None:
    json = {"email": NEW, "current_password": FIRST}
    asked = await browser.request("PATCH", "/api/users/me", json=json)
    assert (asked.status_code, asked.json()["email"]) == (200, OLD)
    await inbox.token(OLD, "revert-email")  # the notice of the request; the mail after the change is used below
    confirmed = await client.post("/api/auth/confirm-email", json={"token": await inbox.token(NEW, "confirm-email")})
    assert (confirmed.status_code, confirmed.json()["email"]) == (200, NEW)
    assert (await browser.request("GET", "/api/users/me")).status_code == 401
    browser = await sign_in(client, NEW, FIRST)
    back = {"token": await inbox.token(OLD, "revert-email"), "password": FIRST}
    reverted = await client.post("/api/auth/revert-email", json=back)
    assert reverted.status_code == 200
    assert (await browser.request("GET", "/api/users/me")).status_code == 401
    lost = await client.post("/api/auth/jwt/login", data={"username": NEW, "password": FIRST})
    assert (lost.status_code, lost.json()["code"]) == (400, "LOGIN_BAD_CREDENTIALS")


async def reset_password(client: httpx.AsyncClient, inbox: Inbox) -> None:
    browser = await sign_in(client, OLD, FIRST)
    asked = await client.post("/api/auth/forgot-password", json={"email": OLD})
    assert (asked.status_code, asked.content) == (202, b"null")
    token = await inbox.token(OLD, "reset-password")
    for status in (200, 400):
        done = await client.post("/api/auth/reset-password", json={"token": token, "password": SECOND})
        assert done.status_code == status
    assert (await browser.request("GET", "/api/users/me")).status_code == 401
    assert (await browser.request("POST", "/api/auth/refresh")).status_code == 401
    assert "__Host-refresh" not in browser.cookies


async def end_another_session(client: httpx.AsyncClient) -> Browser:
    form = {"username": OLD, "password": SECOND}
    pair = (await client.post("/api/auth/jwt/login", data=form)).json()
    browser = await sign_in(client, OLD, SECOND)
    sessions = (await browser.request("GET", "/api/sessions")).json()
    assert sorted((each["mode"], each["current"]) for each in sessions) == [("bearer", False), ("cookie", True)]
    [other] = [each["id"] for each in sessions if not each["current"]]
    assert (await browser.request("DELETE", f"/api/sessions/{other}")).status_code == 204
    bearer = {"authorization": f"Bearer {pair['access_token']}"}
    assert (await client.get("/api/users/me", headers=bearer)).status_code == 401
    again = await client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    assert (again.status_code, again.json()["code"]) == (401, "REFRESH_TOKEN_INVALID")
    assert len((await browser.request("GET", "/api/sessions")).json()) == 1
    return browser


async def leave_and_come_back(client: httpx.AsyncClient, browser: Browser, live: Context) -> None:
    wrong = await browser.request("DELETE", "/api/users/me", json={"current_password": FIRST})
    assert wrong.status_code == 403
    left = await browser.request("DELETE", "/api/users/me", json={"current_password": SECOND})
    assert left.status_code == 202, left.text
    assert set(left.json()) == {"delete_after"}
    assert (await browser.request("GET", "/api/users/me")).status_code == 401
    [[due]] = await live.db.fetch("select delete_after is not null from users")
    assert due
    browser = await sign_in(client, OLD, SECOND)
    [[due]] = await live.db.fetch("select delete_after is not null from users")
    assert not due
    assert (await browser.request("GET", "/api/users/me")).json()["email"] == OLD
