"""Endpoints on loopback, and accounts that own them."""

import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.outbox.events import Event, record
from api.kernel.settings import Settings
from api.users.events import UserVerified
from api.webhooks import queries, secrets
from api.webhooks.delivery import Dispatcher
from api.webhooks.settings import WebhookSettings
from tests.factories import make_user
from tests.kernel.http_server import HttpServer, says, serving
from tests.transactions import in_transaction

URL = "https://93.184.216.34/hooks"  # an address, because a test must not need a name server
SECRET = secrets.PREFIX + base64.b64encode(b"a secret of tests, 32 bytes long").decode()
OTHER = secrets.PREFIX + base64.b64encode(b"another secret of tests, 34 bytes ").decode()
LOOPBACK = ("127.0.0.0/8", "::1/128")


def on_loopback(settings: Settings, **changed: Any) -> Settings:
    """Return the settings with loopback as an allowed network, and other changes."""
    features = {**settings.features, WebhookSettings: WebhookSettings(allowed_networks=LOOPBACK)}
    return msgspec.structs.replace(settings, features=features, **changed)


class Hooks:
    """Endpoints of one account, events about it, and their deliveries."""

    def __init__(self, context: Context, user_id: UUID) -> None:
        self.context, self.user_id = context, user_id
        self.dispatcher = Dispatcher(context)

    async def add(self, url: str, *events: str, scope: str = "own") -> tuple[UUID, str]:
        """Insert an endpoint. Returns its id and secret."""
        id, secret = uuid7(), secrets.generate()
        async with self.context.db.transaction() as db:
            await queries.insert(db, id, self.user_id, scope, url, "", list(events) or ["users.verified"])
            await queries.insert_secret(db, uuid7(), id, secrets.seal(self.context.settings, id, secret))
        return id, secret

    async def happen(self, event: Event | None = None, times: int = 1) -> None:
        """Record an event about the account."""
        for _ in range(times):
            await in_transaction(
                self.context.db, record, event or UserVerified(user_id=self.user_id, email="ada@example.com")
            )

    async def deliver(self) -> int:
        """Make one attempt of each due delivery."""
        return await self.dispatcher.deliver_due()

    async def make_due(self) -> None:
        """Let the time of the next attempts come."""
        await self.context.db.fetch("update webhook_deliveries set due_at = now() where state = 'pending'")
        await self.context.db.fetch("update webhook_endpoints set paused_until = null")

    async def rows(self) -> list[Mapping[str, Any]]:
        """Return the deliveries, the oldest event first."""
        return [dict(row) for row in await self.context.db.fetch("select * from webhook_deliveries order by event_id")]

    async def endpoint(self, id: UUID) -> Mapping[str, Any]:
        return dict((await self.context.db.fetch("select * from webhook_endpoints where id = $1", id))[0])

    async def recorded(self, topic: str) -> list[tuple[str, str | None]]:
        """Return the events of a topic with their reasons, in their order."""
        found = await self.context.db.fetch(
            "select type, data ->> 'reason' from outbox_events where topic = $1 order by seq", topic
        )
        return [(row[0], row[1]) for row in found]


@pytest.fixture
async def local(live: Context) -> Context:
    """A Context with a database of its own, which may deliver to loopback."""
    return msgspec.structs.replace(live, settings=on_loopback(live.settings))


@pytest.fixture
async def hooks(local: Context) -> AsyncIterator[Hooks]:
    made = Hooks(local, (await make_user(local)).id)
    yield made
    made.dispatcher.close()


@pytest.fixture
async def receiver() -> AsyncIterator[HttpServer]:
    """An endpoint that answers 200. Set its `answer` for others."""
    async with serving(says()) as started:
        yield started
