import asyncio
import os
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from redis.asyncio import Redis

from dev.part import StackError
from dev.stack import Services, embedded, is_running, running


async def test_postgresql_accepts_a_role_that_is_no_superuser(stack: Services) -> None:
    connection = await asyncpg.connect(stack.database_url)
    try:
        assert await connection.fetchval("show server_version_num") >= "180000"
        assert await connection.fetchval("select rolsuper from pg_roles where rolname = current_user") is False
        assert await connection.fetchval("select lower('ÅÉ')") == "åé"
        await connection.execute("create database another")
        await connection.execute("drop database another")
    finally:
        await connection.close()


async def test_postgresql_requires_the_password(stack: Services) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(stack.database_url, password="guess")


async def test_redis_answers(stack: Services) -> None:
    async with Redis.from_url(stack.redis_url) as redis:
        await redis.set("name", "value", ex=60)
        assert await redis.get("name") == b"value"


async def test_kafka_stores_and_returns_messages(stack: Services) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.kafka_bootstrap_servers, enable_idempotence=True, acks="all", request_timeout_ms=10_000
    )
    await producer.start()
    try:
        for number in range(3):
            await producer.send_and_wait("numbers", str(number).encode(), key=b"one key", headers=[("ce_id", b"7")])
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(
        "numbers", bootstrap_servers=stack.kafka_bootstrap_servers, group_id="readers", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            messages = [await anext(consumer) for _ in range(3)]
    finally:
        await consumer.stop()
    assert [message.value for message in messages] == [b"0", b"1", b"2"]
    assert messages[0].headers == (("ce_id", b"7"),)


async def test_an_accepted_mail_is_a_file_and_on_the_page(stack: Services, data_dir: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Us <us@example.com>", "ada@example.com", "Grüße"
    message.set_content("Hello Ada")
    host, port = stack.smtp_url.removeprefix("smtp://").split(":")
    await aiosmtplib.send(message, hostname=host, port=int(port), recipients=["ada@example.com", "bcc@example.com"])

    (file,) = (data_dir / "mail").glob("*.eml")
    assert b"Hello Ada" in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    async with httpx.AsyncClient(base_url=stack.mail_url or "", trust_env=False) as client:
        (caught,) = (await client.get("/messages")).json()
        assert caught == {
            "id": file.stem,
            "time": caught["time"],
            "from": "Us <us@example.com>",
            "to": "ada@example.com, bcc@example.com",
            "subject": "Grüße",
            "text": "Hello Ada\n".replace("\n", "\r\n"),
            "html": "",
        }
        assert "Grüße" in (await client.get("/")).text
        assert "Hello Ada" in (await client.get(f"/mail/{file.stem}")).text


def test_a_folder_serves_one_stack(stack: Services, data_dir: Path) -> None:
    assert is_running(data_dir)
    with pytest.raises(StackError, match="in use by another"), embedded(data_dir):
        pass


def test_each_address_in_the_environment_replaces_its_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {
        "DATABASE_URL": "postgresql://one:1,two:2/name",
        "REDIS_URL": "redis://cache.example:6379",
        "KAFKA_BOOTSTRAP_SERVERS": "broker.example:9092",
    }
    for name, address in addresses.items():
        monkeypatch.setenv(name, address)
    monkeypatch.setenv("SMTP_URL", "")
    with running(tmp_path) as (services, parts):
        assert [part.name for part in parts] == ["mail"]
        assert services.mail_url is not None
        given = (services.database_url, services.redis_url, services.kafka_bootstrap_servers)
        assert given == tuple(addresses.values())

    monkeypatch.setenv("SMTP_URL", "smtps://mail.example:465")
    with running(tmp_path) as (services, parts):
        assert parts == []
        assert (services.smtp_url, services.mail_url) == ("smtps://mail.example:465", None)


@pytest.fixture
def only_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL"):
        monkeypatch.setenv(name, "elsewhere:1")


@pytest.mark.usefixtures("only_postgresql")
async def test_data_survives_a_restart_and_a_stale_pid_file(tmp_path: Path) -> None:
    with embedded(tmp_path) as services:
        connection = await asyncpg.connect(services.database_url)
        await connection.execute("create table kept as select 42 as answer")
        await connection.close()
    # As after a power cut, when another program has the number: here, this one.
    (tmp_path / "postgres" / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n/nowhere\n")
    with embedded(tmp_path) as services:
        connection = await asyncpg.connect(services.database_url)
        assert await connection.fetchval("select answer from kept") == 42
        assert await connection.fetchval("show fsync") == "on"
        await connection.close()


@pytest.mark.usefixtures("only_postgresql")
async def test_an_interrupted_first_start_is_repeated(tmp_path: Path) -> None:
    (tmp_path / "postgres.unfinished" / "data").mkdir(parents=True)
    (tmp_path / "postgres.unfinished" / "data" / "PG_VERSION").write_text("18\n")
    with embedded(tmp_path, durable=False) as services:
        connection = await asyncpg.connect(services.database_url)
        assert await connection.fetchval("select current_database()") == "rest_angular"
        await connection.close()


def test_a_service_that_cannot_start_shows_the_end_of_its_log_and_stops_the_rest(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True, mode=0o700)
    (tmp_path / "postgres" / "data" / "PG_VERSION").write_text("9.6\n")
    (tmp_path / "postgres" / "data" / "postgresql.conf").touch()
    with pytest.raises(StackError, match=r"(?s)postgresql could not start.*9\.6"), running(tmp_path):
        pass
    assert "bye bye" in (tmp_path / "logs" / "redis.log").read_text()
    assert not is_running(tmp_path)
