"""worker/internals.py: the only file that uses private parts of aiokafka, which have not changed."""

import ast
import asyncio
import functools
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from api.kernel.data.database import uuid7
from api.kernel.settings import Settings
from tests.worker.jobs import soon
from worker import internals
from worker.internals import Internals


def private_uses(source: str) -> list[str]:
    """`object._name`, where the object is not `self`."""
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    ]


def test_no_other_file_of_the_worker_uses_a_private_attribute(root: Path) -> None:
    files = [path for path in (root / "worker").glob("*.py") if path.name != "internals.py"]
    assert {path.name: uses for path in files if (uses := private_uses(path.read_text()))} == {}
    assert len(private_uses(Path(internals.__file__).read_text())) > 5
    assert private_uses("client._closed = self._closed") == ["1: client._closed"]


async def discarded(client: Any) -> None:
    """Start a client, and discard it once all its tasks run."""
    await client.start()
    if isinstance(client, AIOKafkaProducer):
        await client.send_and_wait(f"internals.{uuid7().hex}", b"value")
        await Internals.discard_producer(client)
    elif isinstance(client, AIOKafkaAdminClient):
        await Internals.discard_admin(client)
    else:
        if client._group_id:
            await soon(lambda: Internals.is_member(client), 30)
        await Internals.discard_consumer(client)
        assert not (client._group_id and Internals.is_member(client))


CLIENTS: dict[str, Callable[..., Any]] = {
    "producer": functools.partial(AIOKafkaProducer, acks="all"),
    "idempotent producer": functools.partial(AIOKafkaProducer, acks="all", enable_idempotence=True),
    "consumer": AIOKafkaConsumer,
    "member": functools.partial(AIOKafkaConsumer, "internals", group_id=f"internals.{uuid7().hex}"),
    "admin": AIOKafkaAdminClient,
}


@pytest.mark.parametrize("kind", CLIENTS)
async def test_a_discarded_client_leaves_nothing_running(settings: Settings, kind: str) -> None:
    before = asyncio.all_tasks()
    await discarded(CLIENTS[kind](bootstrap_servers=list(settings.kafka.bootstrap_servers)))
    for _ in range(20):
        await asyncio.sleep(0)
    assert {task for task in asyncio.all_tasks() - before if not task.done()} == set()
    gc.collect()  # an unclosed client warns, which fails the test
