"""C-252: services that are partly available: Kafka without a topic, PostgreSQL with a full disk."""

import asyncio
import contextlib
import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from api.features import FEATURES
from api.kernel.data.database import uuid7
from api.kernel.feature import consumers_of
from api.kernel.settings import Settings
from dev import apache_kafka, postgres
from dev.part import stop
from dev.ports import free_port
from migrations.__main__ import migrate
from tests.conftest import clone
from tests.deploy.servers import apache_can_be_had
from tests.deploy.world import SECONDS, Names, World
from tests.factories import PASSWORD
from tests.faults.rig import connected
from tests.processes import MailServer, Processes
from tests.worker.parts import at

TOPICS = [f"{name}{dead}" for name in (each.topic for each in consumers_of(FEATURES)) for dead in ("", ".dead")]
TOPICS += ["sessions", "audit", "operations"]


@pytest.mark.skipif(not apache_can_be_had(), reason="needs Apache Kafka: Java and Maven")
@pytest.mark.timeout(300)
async def test_a_missing_topic_blocks_only_itself_and_recovers(
    environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    """Without automatic creation of topics, and with `users` missing."""
    [properties] = apache_kafka.make(tmp_path / "kafka")
    properties.write_text(properties.read_text().replace("topics.enable=true", "topics.enable=false"))
    broker, address = apache_kafka.start(properties, tmp_path)
    try:
        await asyncio.to_thread(broker.wait)
        async with contextlib.AsyncExitStack() as stack:
            mails, made = (
                await stack.enter_async_context(MailServer()),
                await stack.enter_async_context(clone(settings)),
            )
            world = World(at(made, address), mails, Names(tmp_path))
            await world.connect(stack)
            own = environment | world.environment()
            processes = stack.enter_context(Processes(own, tmp_path, world.names.privileges, patient=False))
            await make_topics(world.settings, *TOPICS)
            await world.start(processes, await stack.enter_async_context(processes.web()))
            email = "ada@example.com"
            assert await world.register(email) == 201
            await world.command(f"c-{email}")
            form = {"username": email, "password": PASSWORD}
            assert (await world.client.post("/api/auth/jwt/login", data=form)).status_code == 200
            async with connected(made.database_url) as connection, asyncio.timeout(SECONDS):
                for what in ("from outbox_events where topic = 'sessions' and published_at is not null", "from inbox"):
                    while not await connection.fetchval(f"select count(*) {what}"):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            await mails.mail_to(email, SECONDS)
            assert (await world.client.get("/api/health/ready")).status_code == 200
            await world.shown()
            assert "kafka users" in (tmp_path / "api.system.log").read_text(), "the status shows it"
            assert not (await world.delivered(email))[1]
            await make_topics(world.settings, "users")
            await world.until_delivered(email, (True, True, True))
            await world.until(ready=200, full="ok")
    finally:
        await asyncio.to_thread(stop, [broker])


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=160m,mode=700", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs to be root, to mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file: Path) -> None:
    """Fill the disk until there is no room for one more page."""
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"." * 4096)


@pytest.mark.timeout(300)
async def test_on_a_full_disk_reads_work_and_writes_wait(
    environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    """PostgreSQL's data directory is full; its log has its preallocated segment."""
    place = tmp_path / "disk"
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(small_disk(place))
        server, url = postgres.start(place / "server", tmp_path, free_port(), durable=False)
        stack.callback(stop, [server])
        await asyncio.to_thread(server.wait)
        migrate(url)
        kafka = msgspec.structs.replace(settings.kafka, prefix=f"{uuid7().hex}.")
        mails = await stack.enter_async_context(MailServer())
        made = msgspec.structs.replace(settings, database_url=url, kafka=kafka)
        world = World(made, mails, Names(tmp_path))
        await world.connect(stack)
        processes = stack.enter_context(
            Processes(environment | world.environment(), tmp_path, world.names.privileges, patient=False)
        )
        await world.start(processes, await stack.enter_async_context(processes.web()))
        assert await world.register("first@example.com") == 201
        fill(place / "filler")
        numbers, answers = itertools.count(), [201]
        while answers[-1] == 201:  # as long as existing pages have room
            answers.append(await world.register(f"{next(numbers)}@example.com"))
        assert answers[-1] == 503
        assert (await world.client.get("/api/health/ready")).status_code == 200
        await world.command("c-first@example.com")
        (place / "filler").unlink()
        await world.until_delivered("first@example.com", (True, True, True))
        assert await world.register("last@example.com") == 201
        await world.until_delivered("last@example.com", (True, True, False))
        await world.until(ready=200, full="ok")


async def make_topics(settings: Settings, *names: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=list(settings.kafka.bootstrap_servers))
    await admin.start()
    try:
        await admin.create_topics([NewTopic(settings.kafka.prefix + name, 1, 1) for name in names])
    finally:
        await admin.close()
