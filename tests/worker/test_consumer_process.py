"""`python -m worker consume`, the process, and the example of docs/operations.md, verbatim."""

import asyncio
import os
import shlex
import subprocess
import textwrap
from pathlib import Path

import msgspec
import pytest

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.feature import consumers_of
from api.kernel.outbox.consumers import ConsumerLag, read_lag
from api.kernel.outbox.tasks import HEARTBEAT_KEY
from api.users.commands import consumers
from dev import apache_kafka
from tests.factories import make_user
from tests.processes import MailServer, Processes
from tests.worker.jobs import until
from tests.worker.messages import Sent, reading, send
from tests.worker.parts import APACHE


async def test_it_consumes_and_leaves_events_and_tasks_to_the_worker(
    environment: dict[str, str], live: Context, mail_server: MailServer, tmp_path: Path
) -> None:
    settings = live.settings
    own = {"DATABASE_URL": settings.database_url, "KAFKA_PREFIX": settings.kafka.prefix, "SMTP_URL": mail_server.url}
    asked = [
        Sent(data=msgspec.json.encode({"email": email}), id=email, type="users.import")
        for email in ("ada@example.com", "grace@example.com")
    ]
    await send(settings, "users.commands", asked)
    with Processes(environment | own, tmp_path) as processes:
        process = processes.start("worker consume")
        await until(live.db, "select count(*) = 2 from inbox")
        none = sorted(
            (ConsumerLag(each.topic, each.group, 0) for each in consumers_of(FEATURES)), key=lambda lag: lag.topic
        )
        async with asyncio.timeout(60):  # it counts every ten seconds
            while await read_lag(live.cache) != none:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert not await live.cache.execute("EXISTS", HEARTBEAT_KEY), "it does not run arq"
        status, seconds = await process.stop()
        assert (status, seconds < 10) == (0, True)
        tasks = await live.db.fetch("select task, attempts from outbox_tasks order by task")
        assert [tuple(row) for row in tasks] == [("users.send_invitation", 0)] * 2
        assert await live.db.fetch("select type from outbox_events where published_at is null")
        assert mail_server.mails == []
        await processes.worker()
        await mail_server.mail_to("ada@example.com")
        await mail_server.mail_to("grace@example.com")


@pytest.mark.skipif(not APACHE, reason="Kafka's console producer comes with make test-kafka")
async def test_the_example_in_the_documentation_works(live: Context, root: Path, tmp_path: Path) -> None:
    text = (root / "docs/operations.md").read_text()
    [example] = [each for each in text.split("\n\n") if "kafka-console-producer.sh" in each]
    kafka = msgspec.structs.replace(live.settings.kafka, prefix="")
    program = [*apache_kafka.java(), "org.apache.kafka.tools.ConsoleProducer"]
    shim = tmp_path / "kafka-console-producer.sh"
    there = f'"${{@/localhost:9092/{kafka.bootstrap_servers[0]}}}"'
    shim.write_text(f"#!/bin/bash\nexec {shlex.join(program)} {there}\n")
    shim.chmod(0o755)
    user = await make_user(live)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ID": str(user.id)}
    command = ["bash", "-c", textwrap.dedent(example)]
    await asyncio.to_thread(subprocess.run, command, env=environ, check=True, timeout=100)
    context = msgspec.structs.replace(live, settings=msgspec.structs.replace(live.settings, kafka=kafka))
    async with reading(context, *consumers):
        await until(live.db, "select count(*) = 1 from inbox")
    [message] = await live.db.fetch("select source, id from inbox")
    assert tuple(message) == ("https://hr.example.com", "account-17-closed")
    [account] = await live.db.fetch("select id, is_active from users")
    assert tuple(account) == (user.id, False)
