"""C-61: secrets go through every flow of the real processes, at their most talkative, and turn up in no sink."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from aiokafka import ConsumerRecord

from api.kernel.context import Context
from api.kernel.database import uuid7
from api.kernel.settings import Settings
from tests.processes import MailServer, Processes, text_of
from tests.worker.jobs import read_records, until
from worker.main import open_queue

PASSWORD = "canary-password 7f3a"
WRONG = "canary-wrong-password 7f3b"
MARKS = {
    "password": PASSWORD,
    "wrong password": WRONG,
    "cookie": "canary-cookie-7f3c",
    "query": "canary-query-7f3d",
    "forged token": "canary.forged.token-7f3e",
    "header": "canary-header-7f3f",
    "mail server": "no canary-mailbox-7f40 here",
}


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    async with MailServer() as started:
        yield started


@pytest.fixture
def cloned(cloned: Settings) -> Settings:
    return msgspec.structs.replace(cloned, kafka=msgspec.structs.replace(cloned.kafka, prefix=f"{uuid7().hex}."))


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
    }
    with Processes(environment | own, tmp_path) as processes:
        worker = await processes.worker()
        async with processes.web() as client:
            client.headers.update({"cookie": f"session={MARKS['cookie']}", "x-canary": MARKS["header"]})
            mail_server.answer = f"550 {MARKS['mail server']}"
            await client.post("/api/auth/register", json={"email": "refused@example.com", "password": PASSWORD})
            await until(live.db, "select count(*) = 1 from outbox_tasks where dead_at is not null")
            mail_server.answer = "250 OK"
            secrets = MARKS | await whole_life(client, mail_server)
            await fail_unforeseen(client, live)
        await until(live.db, "select bool_and(published_at is not null) from outbox_events")
        await worker.stop()
        sinks = {
            "web's log": (tmp_path / "api.log").read_text(),
            "worker's log": worker.log.read_text(),
            "redis": await dump_redis(cloned),
            "postgresql": await dump_database(live),
            "kafka": "".join(f"{each.value!r}{each.headers!r}" for each in await all_records(cloned)),
        }
    assert "unhandled exception" in sinks["web's log"], "or this test has not seen the worst"
    assert "task failed" in sinks["worker's log"]
    assert "users.registered" in sinks["kafka"]
    found = [
        (secret, sink)
        for sink, text in sinks.items()
        for secret, value in secrets.items()
        if any(spelling in text for spelling in spellings(value))
    ]
    assert found == []


def spellings(secret: str) -> set[str]:
    """As it is, and as logs and forms write it."""
    return {secret, secret.replace(" ", "+"), secret.replace(" ", "%20"), secret.encode().hex()}


async def whole_life(client: httpx.AsyncClient, mail_server: MailServer) -> dict[str, str]:
    """Everything there is to do, right and wrong; the secrets that were made on the way."""
    await client.post("/api/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
    await client.post("/api/auth/register", json={"email": "ada@example.com", "password": PASSWORD})
    await client.post("/api/auth/register", json={"email": "no address", "password": PASSWORD, PASSWORD: 1})
    broken = f'{{"password": "{PASSWORD}"'
    await client.post("/api/auth/register", content=broken, headers={"content-type": "application/json"})
    (token,) = re.findall(r"#token=(\S+)", text_of(await mail_server.mail_to("ada@example.com")))
    await client.post("/api/auth/verify", json={"token": token[:-1]})
    for _ in range(2):
        await client.post("/api/auth/verify", json={"token": token})
    for password in (WRONG, PASSWORD):
        answer = await client.post("/api/auth/jwt/login", data={"username": "ada@example.com", "password": password})
    pair = answer.json()
    bearer = {"authorization": f"Bearer {pair['access_token']}"}
    await client.get("/api/users/me", headers=bearer, params={"access_token": MARKS["query"]})
    await client.get("/api/users/me", headers={"authorization": f"Bearer {MARKS['forged token']}"})
    renewed = [
        (await client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]})).json() for _ in "12"
    ]
    await client.post("/api/auth/refresh", json={"refresh_token": MARKS["forged token"]})
    await client.get("/api/health/full")
    await client.get("/verify", params={"token": MARKS["query"]})
    assert (await client.post("/api/auth/jwt/logout", headers=bearer)).status_code == 204
    return {
        "mailed token": token,
        "access token": pair["access_token"],
        "its signature": pair["access_token"].rpartition(".")[2],
        "refresh token": pair["refresh_token"],
        "next refresh token": renewed[0]["refresh_token"],
        "next access token": renewed[0]["access_token"],
    }


async def fail_unforeseen(client: httpx.AsyncClient, live: Context) -> None:
    """A mistake of ours in the middle of a login: a table that may not be written."""
    await live.db.fetch("revoke insert on sessions from current_user")
    answer = await client.post("/api/auth/jwt/login", data={"username": "ada@example.com", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    await live.db.fetch("grant insert on sessions to current_user")


async def dump_redis(settings: Settings) -> str:
    async with open_queue(settings) as redis:
        dumps = [f"{key!r}{await redis.dump(key)!r}" for key in await redis.keys("*")]
    return "".join(dumps)


async def dump_database(live: Context) -> str:
    """Every table as text."""
    tables = await live.db.fetch("select tablename from pg_tables where schemaname = 'public'")
    rows = [row for [table] in tables for row in await live.db.fetch(f'select t::text from "{table}" t')]
    return "\n".join(row[0] for row in rows)


async def all_records(settings: Settings) -> list[ConsumerRecord]:
    return [record for topic in ("users", "sessions") for record in await read_records(settings, topic, 2)]
