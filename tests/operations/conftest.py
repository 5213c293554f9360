"""A superuser's client and a relay, on one database with commits."""

from collections.abc import AsyncIterator

import httpx
import pytest

from api.kernel.context import Context, open_context
from api.kernel.settings import Settings
from tests.factories import make_user
from tests.users.people import sign_in
from worker.kafka import Publisher
from worker.main import open_queue
from worker.relay import Relay


@pytest.fixture
async def operator(live_client: httpx.AsyncClient, live: Context, relay: Relay) -> httpx.AsyncClient:
    """The client, signed in as a superuser, with an empty outbox."""
    root = await make_user(live, "root@example.com", superuser=True)
    live_client.headers.update(await sign_in(live_client, root.email))
    await relay.publish_events()
    await live.db.fetch("delete from outbox_tasks")
    return live_client


@pytest.fixture
async def relay(live: Context, cloned: Settings) -> AsyncIterator[Relay]:
    publisher = Publisher(cloned)
    async with open_queue(cloned) as queue:
        yield Relay(live, publisher, queue, ["worker.wait_at_gate"])
    await publisher.stop()


@pytest.fixture
async def nowhere_context(nowhere: Settings) -> AsyncIterator[Context]:
    """A context without any service."""
    async with open_context(nowhere, {}) as opened:
        yield opened
