"""One account from URL to row, mailbox and Kafka, by the real processes; kill -9 loses nothing."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.settings import Settings
from dev.stack import Services
from tests.factories import PASSWORD
from tests.processes import MailServer, Processes, text_of
from tests.proxy import Proxy
from tests.worker.jobs import header, read_records, until
from tests.worker.parts import Broker, RedisServer


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async with Proxy() as made:
        yield made


@pytest.fixture
def processes(
    environment: dict[str, str],
    cloned: Settings,
    mail_server: MailServer,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Processes]:
    """Has the deadlines of production in tests marked `deadlines`."""
    own = {"DATABASE_URL": cloned.database_url, "KAFKA_PREFIX": cloned.kafka.prefix, "SMTP_URL": mail_server.url}
    with Processes(environment | own, tmp_path, patient=not request.node.get_closest_marker("deadlines")) as made:
        yield made


async def register(client: httpx.AsyncClient, email: str) -> str:
    answer = await client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201
    id: str = answer.json()["id"]
    return id


def token_in(text: str) -> str:
    (token,) = re.findall(r"http://localhost:8000/verify#token=(\S+)", text)
    return str(token)


async def test_one_account_from_url_to_row_mailbox_and_kafka(
    processes: Processes, services: Services, live: Context, cloned: Settings
) -> None:
    if services.mail_url is None:
        pytest.skip("SMTP_URL names a mail server that this test cannot look into")
    processes.environment["SMTP_URL"] = services.smtp_url
    worker = await processes.worker()
    email = f"{uuid7().hex}@example.com"
    async with processes.web() as client:
        id = await register(client, email)
        [row] = await live.db.fetch("select id::text, email, is_verified from users")
        assert tuple(row) == (id, email, False)
        [record] = await read_records(cloned, "users", 1)
        assert (record.key.decode(), header(record, "ce_type")) == (id, "users.registered")

        token = token_in((await caught(services.mail_url, email))["text"])
        verified = await client.post("/api/auth/verify", json={"token": token})
        assert (verified.status_code, verified.json()["is_verified"]) == (200, True)

        form = {"username": email, "password": PASSWORD}
        pair = (await client.post("/api/auth/jwt/login", data=form)).json()
        bearer = {"authorization": f"Bearer {pair['access_token']}"}
        assert (await client.get("/api/users/me", headers=bearer)).json() == verified.json()

        renewed = (await client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]})).json()
        assert renewed["refresh_token"] != pair["refresh_token"]
        bearer = {"authorization": f"Bearer {renewed['access_token']}"}
        assert (await client.post("/api/auth/jwt/logout", headers=bearer)).status_code == 204
        assert (await client.get("/api/users/me", headers=bearer)).status_code == 401
        refused = await client.post("/api/auth/refresh", json={"refresh_token": renewed["refresh_token"]})
        assert refused.json()["code"] == "REFRESH_TOKEN_INVALID"
    types = [header(each, "ce_type") for each in await read_records(cloned, "sessions", 2)]
    assert types == ["sessions.started", "sessions.ended"]
    status, seconds = await worker.stop()
    assert (status, seconds < 3) == (0, True)


async def caught(mail_url: str, address: str) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=mail_url, trust_env=False) as mailbox, asyncio.timeout(60):
        while True:
            messages: list[dict[str, str]] = (await mailbox.get("/messages")).json()
            for message in messages:
                if message["to"] == address:
                    return message
            await asyncio.sleep(0.05)


async def test_a_worker_killed_between_commit_and_publish_loses_nothing(
    processes: Processes, mail_server: MailServer, live: Context, cloned: Settings
) -> None:
    (await processes.worker()).kill()
    async with processes.web() as client:
        id = await register(client, "ada@example.com")
    [row] = await live.db.fetch(
        "select published_at, (select count(*) from outbox_tasks) as tasks from outbox_events where dead_at is null"
    )
    assert tuple(row) == (None, 1)
    assert mail_server.mails == []
    await processes.worker()
    assert token_in(text_of(await mail_server.mail_to("ada@example.com")))
    [record] = await read_records(cloned, "users", 1)
    assert record.key.decode() == id


async def test_kill_9_during_thirty_registrations_loses_nothing(
    processes: Processes, mail_server: MailServer, live: Context, cloned: Settings
) -> None:
    worker = await processes.worker()
    async with processes.web() as client:
        emails = [f"user{number}@example.com" for number in range(30)]

        async def kill_in_the_middle() -> None:
            await until(live.db, "select count(*) > 5 from users")
            worker.kill()

        _, *ids = await asyncio.gather(kill_in_the_middle(), *(register(client, email) for email in emails))
    await live.db.fetch("update outbox_tasks set locked_until = now() where locked_until > now()")  # later
    await processes.worker()
    await until(live.db, "select count(*) = 0 from outbox_tasks")
    await until(live.db, "select bool_and(published_at is not null) from outbox_events")
    records = await read_records(cloned, "users", 30)
    assert {record.key.decode() for record in records} == set(ids)
    assert len({header(record, "ce_id") for record in records}) == 30
    sent = Counter(mail["To"] for mail in mail_server.mails)
    assert sent.keys() == set(emails)
    for email in sent:
        assert len({mail["Message-ID"] for mail in mail_server.mails if mail["To"] == email}) == 1


@pytest.mark.deadlines
@pytest.mark.parametrize("silent", ["kafka and redis", "postgresql", "all of them"])
async def test_sigterm_ends_the_worker_in_time_without_any_dependency(
    processes: Processes, cloned: Settings, tmp_path: Path, mail_server: MailServer, proxy: Proxy, silent: str
) -> None:
    database = urlsplit(cloned.database_url)
    proxy.to = (database.hostname or "", database.port or 5432)
    with Broker(tmp_path) as broker, RedisServer(tmp_path) as redis:
        through_proxy = database._replace(netloc=f"{database.username}:{database.password}@127.0.0.1:{proxy.port}")
        processes.environment |= {
            "DATABASE_URL": through_proxy.geturl(),
            "KAFKA_BOOTSTRAP_SERVERS": broker.address,
            "REDIS_URL": redis.url,
        }
        worker = await processes.worker()
        async with processes.web() as client:
            await register(client, "ada@example.com")
            await mail_server.mail_to("ada@example.com")
            if silent == "postgresql":
                proxy.silent = True
            else:
                broker.freeze()
                await register(client, "bob@example.com")
                await mail_server.mail_to("bob@example.com")  # the relay is in a transaction and waits for Kafka
                redis.freeze()
                proxy.silent = silent == "all of them"
        status, seconds = await worker.stop()
        assert (status, seconds < 10) == (0, True), worker.log.read_text()[-3000:]
    assert "Traceback" not in worker.log.read_text()


async def test_a_misconfigured_worker_reports_why_in_one_message(processes: Processes) -> None:
    processes.environment["REDIS_URL"] = "nonsense"
    worker = processes.start("worker")
    assert worker.child.wait(10) == 1
    assert worker.log.read_text().startswith("worker: The environment is invalid")
    assert "REDIS_URL" in worker.log.read_text()
