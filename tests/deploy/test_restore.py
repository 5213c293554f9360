"""C-251: “Restore” of docs/operations.md, performed: a backup under load, a restore into a new database, and a start on
it. The results match the table there."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from email.message import Message
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from api.kernel.config.connections import Kafka
from api.kernel.settings import Settings
from dev import postgres
from tests.conftest import with_database
from tests.deploy import manual
from tests.factories import PASSWORD
from tests.faults.ledger import Ledger
from tests.faults.rig import connected
from tests.processes import MailServer, Processes, text_of
from tests.worker.jobs import header
from tests.worker.messages import SHORTEST_SESSION, Sent, send
from worker.internals import Internals

CALLS = 20
"""Acknowledged ones before the backup begins, and as many after it."""
WAITING = """select (select count(*) from outbox_events where published_at is null)
                  + (select count(*) from outbox_tasks where dead_at is null)"""
UNSEALED = "select count(*) from audit_entries where position is null"


class Backup:
    """Run the manual's commands with PostgreSQL's own programs. `restored` is the new database."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._folder = folder
        self._name = f"restored_{os.getpid()}"
        self.url, self.restored = settings.database_url, with_database(settings, self._name)

    def follow(self, step: str) -> None:
        script = manual.block(step, "restore").replace("create database restored", f"create database {self._name}")
        environment = {"DATABASE_URL": self.url, "RESTORED_URL": self.restored}
        subprocess.run(
            ["bash", "-euc", script],
            cwd=self._folder,
            env={"PATH": f"{postgres.programs_of_wheel()}:/usr/bin:/bin", **environment},
            check=True,
            timeout=100,
        )

    def drop(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'drop database if exists "{self._name}" with (force)')


async def column(url: str, statement: str) -> set[str]:
    async with connected(url) as connection:
        return {value for (value,) in await connection.fetch(statement)}


async def none_left(url: str, statement: str) -> None:
    """Wait until the statement's only value is 0, or false."""
    async with connected(url) as connection, asyncio.timeout(60):
        while await connection.fetchval(statement):  # noqa: ASYNC110  # in PostgreSQL
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def load(ledger: Ledger) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        group.create_task(ledger.run())
        try:
            yield
        finally:
            ledger.end()


async def more_calls(ledger: Ledger) -> None:
    enough = ledger.acked + CALLS
    async with asyncio.timeout(60):
        while ledger.acked < enough:  # noqa: ASYNC110  # the clients have no event for it
            await asyncio.sleep(0.02)


async def sign_in(client: httpx.AsyncClient, email: str) -> dict[str, str]:
    answer = await client.post("/api/auth/jwt/login", data={"username": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    pair: dict[str, str] = answer.json()
    return pair


def bearer(pair: dict[str, str]) -> dict[str, str]:
    return {"authorization": f"Bearer {pair['access_token']}"}


async def register(client: httpx.AsyncClient, email: str) -> None:
    answer = await client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201, answer.text


async def verify(client: httpx.AsyncClient, mail: Message) -> int:
    [token] = re.findall(r"#token=(\S+)", text_of(mail))
    return (await client.post("/api/auth/verify", json={"token": token})).status_code


async def audit(processes: Processes, *arguments: str) -> tuple[int, str]:
    """Return the exit status of `python -m api.audit`, and the head that it prints."""
    process = processes.start(" ".join(["api.audit", *arguments]))
    status = await asyncio.to_thread(process.child.wait, 60)
    return status, process.log.read_text().strip().rpartition(" ")[2]


async def command(settings: Settings, email: str) -> None:
    """Request an account, like another service."""
    body = msgspec.json.encode({"email": email, "password_hash": "$2b$04$" + "a" * 53})
    await send(settings, "users.commands", [Sent(data=body, key=email, id=email, type="users.import")])


async def set_back(settings: Settings) -> None:
    """Do what `kafka-consumer-groups.sh --reset-offsets --to-earliest` does, as a member of the group, because the
    embedded broker allows only members to commit."""
    async with asyncio.timeout(90):
        while not await set_back_as_member(settings.kafka):
            pass


async def set_back_as_member(kafka: Kafka) -> bool:
    """Return whether it joined: the embedded broker sometimes does not answer clients that join just after others
    left."""
    consumer = AIOKafkaConsumer(
        f"{kafka.prefix}users.commands",
        bootstrap_servers=list(kafka.bootstrap_servers),
        group_id=f"{kafka.prefix}rest-angular.users.commands",
        enable_auto_commit=False,
        session_timeout_ms=int(SHORTEST_SESSION * 1000),
    )
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(15):
                await consumer.start()
                while not (places := consumer.assignment()):
                    await consumer.getmany(timeout_ms=100)
                assert any([await consumer.committed(place) for place in places]), "nothing was consumed"
                await consumer.commit(await consumer.beginning_offsets(places))
                return True
        return False
    finally:
        await Internals.discard_consumer(consumer)  # its stop() may hang


async def arrived(settings: Settings, topics: set[str]) -> Counter[str]:
    """Return how often the topics have each event, by id."""
    consumer = AIOKafkaConsumer(bootstrap_servers=list(settings.kafka.bootstrap_servers), auto_offset_reset="earliest")
    await consumer.start()
    counted: Counter[str] = Counter()
    try:
        places: list[TopicPartition] = []
        for topic in (f"{settings.kafka.prefix}{name}" for name in topics):
            await consumer._client._wait_on_metadata(topic)  # it knows only topics that it subscribed to
            places += [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        left = {place: end for place, end in (await consumer.end_offsets(places)).items() if end}
        async with asyncio.timeout(60):
            while left:
                for place, records in (await consumer.getmany(timeout_ms=200)).items():
                    counted.update(header(record, "ce_id") for record in records)
                    if records[-1].offset + 1 >= left[place]:
                        del left[place]
    finally:
        await consumer.stop()
    return counted


@pytest.fixture
def processes(
    environment: dict[str, str], cloned: Settings, mail_server: MailServer, tmp_path: Path
) -> "contextlib.AbstractContextManager[Processes]":
    own = {"DATABASE_URL": cloned.database_url, "KAFKA_PREFIX": cloned.kafka.prefix, "SMTP_URL": mail_server.url}
    return Processes(environment | own, tmp_path, patient=False)


@pytest.mark.timeout(300)
async def test_a_restored_backup_has_the_documented_losses_and_repetitions(
    processes: Processes, cloned: Settings, mail_server: MailServer, tmp_path: Path
) -> None:
    backup = Backup(cloned, tmp_path)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(backup.drop)
        cleanup.enter_context(processes)
        worker = await processes.worker()
        ledger = Ledger(processes.url, 25, 1)
        async with processes.web() as client:
            await register(client, "ada@example.com")
            ended, living = [await sign_in(client, "ada@example.com") for _ in range(2)]
            await command(cloned, "before@example.com")
            await none_left(cloned.database_url, "select count(*) = 0 from inbox")
            async with load(ledger):
                await more_calls(ledger)
                early = [account.email for account in ledger.accounts if account.registered == "acked"]
                await none_left(cloned.database_url, UNSEALED)
                _, head_before = await audit(processes)
                worker.child.send_signal(signal.SIGSTOP)
                await register(client, "bob@example.com")  # whose event and mail are pending
                await asyncio.to_thread(backup.follow, "backup")
                worker.child.send_signal(signal.SIGCONT)
                await more_calls(ledger)
            await register(client, "late@example.com")
            await client.post("/api/auth/jwt/logout", headers=bearer(ended))
            first = await mail_server.mail_to("bob@example.com", 60)
            await command(cloned, "after@example.com")
            await none_left(cloned.database_url, "select count(*) < 2 from inbox")
            await none_left(cloned.database_url, WAITING)
            await none_left(cloned.database_url, UNSEALED)
            _, head_after = await audit(processes)
            await processes.stop()
        topics = await column(cloned.database_url, "select distinct topic from outbox_events")
        assert set((await arrived(cloned, topics)).values()) == {1}

        backup.follow("restore")
        backup.follow("sessions")
        await set_back(cloned)
        waited = await column(backup.restored, "select id::text from outbox_events where published_at is null")
        processes.environment["DATABASE_URL"] = backup.restored
        assert (await audit(processes, "--expect", head_before))[0] == 0
        assert (await audit(processes, "--expect", head_after))[0] == 1
        mail_server.mails.clear()
        await processes.worker()
        async with processes.web() as client:
            for pair in (ended, living):
                assert (await client.get("/api/users/me", headers=bearer(pair))).status_code == 401
                refused = await client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]})
                assert refused.status_code == 401
            await sign_in(client, "ada@example.com")
            again = await mail_server.mail_to("bob@example.com", 60)
            assert again["Message-ID"] == first["Message-ID"]
            assert [await verify(client, mail) for mail in (first, again)] == [400, 200]
            await none_left(backup.restored, "select count(*) < 2 from inbox")
            await register(client, "late@example.com")  # that account was lost
            await none_left(backup.restored, WAITING)
        kept = await column(backup.restored, "select email from users")
        assert {*early, "before@example.com", "after@example.com", "bob@example.com"} <= kept
        twice = {id for id, count in (await arrived(cloned, topics)).items() if count > 1}
        assert waited
        assert twice == waited
        assert (await audit(processes))[0] == 0
