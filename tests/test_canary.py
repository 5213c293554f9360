"""C-61, C-84: secrets pass through every flow of the real processes at the highest log level, and appear in no sink."""

import asyncio
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.settings import Settings
from tests import factories
from tests.browser import Browser
from tests.processes import MailServer, Processes, text_of
from tests.worker.jobs import read_records, until
from worker.main import open_queue

PASSWORD = "canary-password 7f3a"
WRONG = "canary-wrong-password 7f3b"
RESET, CHANGED, ACCEPTED, GIVEN = (
    f"canary-{word}-password 7f4{n}" for n, word in enumerate(("re", "ch", "ac", "gi"), 1)
)
ADA, MOVED, IDA = "ada@example.com", "canary-moved@example.org", "ida@example.com"
MARKS = {
    "password": PASSWORD,
    "wrong password": WRONG,
    "password by reset": RESET,
    "changed password": CHANGED,
    "invited one's password": ACCEPTED,
    "password from an administrator": GIVEN,
    "cookie": "canary-cookie-7f3c",
    "query": "canary-query-7f3d",
    "forged token": "canary.forged.token-7f3e",
    "header": "canary-header-7f3f",
    "mail server": "canary-mailbox-7f40@example.com",
}
# No secrets, but confidential: the account's row and events about addresses contain them.
NAME, INVITED = "Canary-name 7f45", "Canary-invited 7f46"


@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_no_secret_reaches_a_sink(
    environment: dict[str, str],
    cloned: Settings,
    live: Context,
    mail_server: MailServer,
    tmp_path: Path,
    log_format: str,
) -> None:
    own = {
        "DATABASE_URL": cloned.database_url,
        "KAFKA_PREFIX": cloned.kafka.prefix,
        "SMTP_URL": mail_server.url,
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": log_format,
        "RATE_LIMIT_ANONYMOUS": "10000/hour",
        "RATE_LIMIT_CREDENTIALS": "2",
    }
    with Processes(environment | own, tmp_path) as processes:
        worker = await processes.worker()
        async with processes.web() as client:
            client.headers.update({"cookie": f"session={MARKS['cookie']}", "x-canary": MARKS["header"]})
            mail_server.answer = f"550 5.1.1 <{MARKS['mail server']}>: unknown"
            await client.post("/api/auth/register", json={"email": "refused@example.com", "password": PASSWORD})
            await until(live.db, "select count(*) = 1 from outbox_tasks where dead_at is not null")
            mail_server.answer = "250 OK"
            life = Life(client, mail_server)
            await life.begin()
            await life.lead_in_a_browser()
            await life.forget_the_password()
            await life.move()
            await administer(life, live)
            await life.leave_and_come_back()
            await fail_unforeseen(client, live)
            await until(live.db, "select bool_and(dead_at is not null) from outbox_tasks")
            await until(live.db, "select coalesce(bool_and(announced > 0), true) from session_refusals")
            await until(live.db, "select bool_and(published_at is not null) from outbox_events")
        await worker.stop()
        logs = {"web's log": (tmp_path / "api.log").read_text(), "worker's log": worker.log.read_text()}
        tables = await dump_database(live)
        queues = {"redis": await dump_redis(cloned), "kafka": await dump_kafka(cloned, live)}
    assert "unhandled exception" in logs["web's log"], "the failure did not occur"
    assert "task failed" in logs["worker's log"]
    assert "quota:" in queues["redis"]
    assert {"users.email_change_reverted", "sessions.refused"} <= set(re.findall(r"\w+\.\w+", queues["kafka"]))
    assert NAME in tables["users"]
    hashes = {f"hash of {row[0]}": row[1] for row in await live.db.fetch("select email, password_hash from users")}
    private = {"name": NAME, "invited one's name": INVITED}
    outside = {name: text for name, text in tables.items() if name != "users"}
    found = [
        *leaks(MARKS | life.secrets, logs | queues | tables),
        *leaks(hashes | private, logs | queues | outside),
        *leaks({"new address": MOVED}, logs | {"redis": queues["redis"]}),
    ]
    assert found == []


def leaks(secrets: dict[str, str], sinks: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (secret, sink)
        for sink, text in sinks.items()
        for secret, value in secrets.items()
        if any(spelling in text for spelling in spellings(value))
    ]


def spellings(secret: str) -> set[str]:
    """Return the text as it is, and as logs, forms and addresses encode it."""
    return {secret, secret.replace(" ", "+"), quote(secret), secret.encode().hex()}


class Life:
    """Run every flow, with right and wrong input. Returns the secrets created on the way."""

    def __init__(self, client: httpx.AsyncClient, mail_server: MailServer) -> None:
        self.client = client
        self.secrets: dict[str, str] = {}
        self._mail_server = mail_server

    async def post(self, path: str, *, status: int, **body: str) -> None:
        answer = await self.client.post(f"/api{path}", json=body)
        assert answer.status_code == status, answer.text

    async def mailed(self, page: str, to: str = ADA) -> str:
        """Return the token of the first link that was not seen yet."""
        link = re.compile(rf"/{page}#token=(\S+)")
        async with asyncio.timeout(60):
            while True:
                texts = [text_of(mail) for mail in self._mail_server.mails if mail["To"] == to]
                for token in [token for text in texts for token in link.findall(text)]:
                    if token not in self.secrets.values():
                        return self.keep(f"token for {page}", token)
                await asyncio.sleep(0.02)

    def keep(self, name: str, secret: str) -> str:
        self.secrets[f"{name}, {len(self.secrets)}"] = secret
        return secret

    async def sign_in(self, email: str, password: str) -> dict[str, str]:
        """Sign in with tokens. Returns the Authorization header."""
        form = {"username": email, "password": password}
        pair = (await self.client.post("/api/auth/jwt/login", data=form)).json()
        self.keep("refresh token", pair["refresh_token"])
        self.keep("its signature", self.keep("access token", pair["access_token"]).rpartition(".")[2])
        return {"authorization": f"Bearer {pair['access_token']}"}

    async def begin(self) -> None:
        client, forged = self.client, MARKS["forged token"]
        for status in (201, 400):
            await self.post("/auth/register", email=ADA, password=PASSWORD, status=status)
        await self.post("/auth/register", email="no address", password=PASSWORD, **{PASSWORD: "1"}, status=422)
        broken = f'{{"password": "{PASSWORD}"'
        await client.post("/api/auth/register", content=broken, headers={"content-type": "application/json"})
        token = await self.mailed("verify")
        for spent, status in ((token[:-1], 400), (token, 200), (token, 400)):
            await self.post("/auth/verify", token=spent, status=status)
        await client.post("/api/auth/jwt/login", data={"username": ADA, "password": WRONG})
        await client.post("/api/auth/jwt/login", data={"username": WRONG, "password": WRONG})
        bearer = await self.sign_in(ADA, PASSWORD)
        await client.get("/api/users/me", headers=bearer, params={"access_token": MARKS["query"]})
        await client.get("/api/users/me", headers={"authorization": f"Bearer {forged}"})
        first = next(value for name, value in self.secrets.items() if name.startswith("refresh"))
        for _ in range(2):
            renewed = (await client.post("/api/auth/refresh", json={"refresh_token": first})).json()
            self.keep("next refresh token", renewed["refresh_token"])
            self.keep("next access token", renewed["access_token"])
        await self.post("/auth/refresh", refresh_token=forged, status=401)
        await client.get("/api/health/full")
        await client.get("/verify", params={"token": MARKS["query"]})
        assert (await client.post("/api/auth/jwt/logout", headers=bearer)).status_code == 204

    async def lead_in_a_browser(self) -> None:
        """Sign in with cookies, refresh, reuse a refresh token, change the password, sign out."""
        browser = Browser(self.client)

        async def ask(method: str, path: str, status: int, **options: Any) -> None:
            answer = await browser.request(method, f"/api{path}", **options)
            assert answer.status_code == status, answer.text
            for name, cookie in browser.cookies.items():
                self.keep(f"cookie {name}", cookie.value)

        form = {"username": ADA, "password": PASSWORD}
        await ask("POST", "/auth/cookie/login", 400, data=form | {"password": WRONG})
        await ask("POST", "/auth/cookie/login", 204, data=form)
        stolen = {name: cookie.value for name, cookie in browser.cookies.items()}
        await ask("PATCH", "/users/me", 403, json={"name": NAME}, xsrf=False)
        await ask("PATCH", "/users/me", 403, json={"name": NAME}, xsrf=False, headers={"x-xsrf-token": PASSWORD})
        await ask("PATCH", "/users/me", 422, json={"name": f"{NAME}\n", NAME: NAME})
        await ask("PATCH", "/users/me", 200, json={"name": NAME, "language": "de"})
        await ask("PATCH", "/users/me", 403, json={"password": CHANGED, "current_password": WRONG})
        for _ in range(2):
            await ask("POST", "/auth/refresh", 200)
        theirs = "; ".join(f"{name}={value}" for name, value in stolen.items())
        headers = {"cookie": theirs, "x-xsrf-token": stolen["XSRF-TOKEN"]}
        reused = await self.client.post("/api/auth/refresh", headers=headers)
        assert reused.json()["code"] == "REFRESH_TOKEN_REUSED"
        await ask("POST", "/auth/cookie/login", 204, data=form)
        for password, status in ((WRONG, 400), (PASSWORD, 204)):
            body = {"current_password": password, "new_password": CHANGED}
            await ask("POST", "/users/change-password", status, json=body)
        await ask("GET", "/sessions", 200)
        await ask("POST", "/auth/cookie/logout", 204)

    async def forget_the_password(self) -> None:
        for email in (ADA, "nobody@example.com"):
            await self.post("/auth/forgot-password", email=email, status=202)
        token = await self.mailed("reset-password")
        for spent, password, status in (
            (token[:-1], RESET, 400),
            (token, ADA, 400),
            (token, RESET, 200),
            (token, RESET, 400),
        ):
            await self.post("/auth/reset-password", token=spent, password=password, status=status)
        bearer, body = await self.sign_in(ADA, RESET), {"current_password": RESET, "new_password": RESET}
        changed = await self.client.post("/api/users/change-password", json=body, headers=bearer)
        self.keep("access token in a header", changed.headers["x-access-token"])
        self.keep("refresh token in a header", changed.headers["x-refresh-token"])

    async def move(self) -> None:
        """Change the address: once cancelled from the old address, once reverted."""
        for confirmed in (False, True):
            bearer = await self.sign_in(ADA, RESET)
            for password, status in ((WRONG, 403), (RESET, 200)):
                body = {"email": MOVED, "current_password": password}
                assert (await self.client.patch("/api/users/me", json=body, headers=bearer)).status_code == status
            confirm, revert = await self.mailed("confirm-email", MOVED), await self.mailed("revert-email")
            if confirmed:
                await self.post("/auth/confirm-email", token=confirm, status=200)
                revert = await self.mailed("revert-email")
            await self.post("/auth/revert-email", token=revert, password=RESET, status=200)
            await self.post("/auth/confirm-email", token=confirm, status=400)

    async def leave_and_come_back(self) -> None:
        bearer = await self.sign_in(ADA, RESET)
        for password, status in ((WRONG, 403), (RESET, 202)):
            body = {"current_password": password}
            answer = await self.client.request("DELETE", "/api/users/me", json=body, headers=bearer)
            assert answer.status_code == status, answer.text
        await self.sign_in(ADA, RESET)


async def administer(life: Life, live: Context) -> None:
    """Invite a user who accepts, search for the account, set its password."""
    client = life.client
    await factories.make_user(live, "root@example.com", superuser=True)
    root = await life.sign_in("root@example.com", factories.PASSWORD)
    invitation = {"email": IDA, "name": INVITED, "roles": ["notifier"]}
    invited = await client.post("/api/users", json=invitation, headers=root)
    assert (await client.post("/api/users", json=invitation, headers=root)).status_code == 409
    token = await life.mailed("accept-invitation", IDA)
    for status in (200, 400):
        await life.post("/auth/reset-password", token=token, password=ACCEPTED, status=status)
    await life.sign_in(IDA, ACCEPTED)
    for words in (INVITED, MARKS["query"]):
        assert (await client.get("/api/users", params={"q": words}, headers=root)).status_code == 200
    theirs = f"/api/users/{invited.json()['id']}"
    for password, status in ((IDA, 400), (GIVEN, 200)):
        assert (await client.patch(theirs, json={"password": password}, headers=root)).status_code == status
    await life.sign_in(IDA, GIVEN)
    assert (await client.post(f"{theirs}/revoke-sessions", headers=root)).status_code == 204
    assert (await client.post(f"{theirs}/unlock", headers=root)).status_code == 204
    assert (await client.get("/api/audit", headers=root)).status_code == 200


async def fail_unforeseen(client: httpx.AsyncClient, live: Context) -> None:
    """Fail in the middle of a login: a trigger raises an error that quotes the row."""
    function = "create function fail() returns trigger language plpgsql as "
    await live.db.fetch(function + "$$ begin raise exception '%', new; end $$")
    await live.db.fetch("create trigger fail before insert on sessions for each row execute function fail()")
    answer = await client.post("/api/auth/jwt/login", data={"username": ADA, "password": RESET})
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    await live.db.fetch("drop trigger fail on sessions")


async def dump_redis(settings: Settings) -> str:
    async with open_queue(settings) as redis:
        dumps = [f"{key!r}{await redis.dump(key)!r}" for key in await redis.keys("*")]
    return "".join(dumps)


async def dump_database(live: Context) -> dict[str, str]:
    """Return all tables as text."""
    names = [row[0] for row in await live.db.fetch("select tablename from pg_tables where schemaname = 'public'")]
    rows = {name: await live.db.fetch(f'select t::text from "{name}" t') for name in names}
    return {name: "\n".join(row[0] for row in found) for name, found in rows.items()}


async def dump_kafka(settings: Settings, live: Context) -> str:
    topics = await live.db.fetch("select topic, count(*)::int as count from outbox_events group by topic")
    records = [each for row in topics for each in await read_records(settings, row["topic"], row["count"])]
    return "".join(f"{each.key!r}{each.value!r}{each.headers!r}" for each in records)
