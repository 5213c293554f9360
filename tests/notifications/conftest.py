"""Clients and notifications."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.notifications import queries
from api.notifications.sending import notify
from api.notifications.types import Content, Made
from api.users.types import User
from tests.factories import PASSWORD, make_user

NEW: dict[str, Any] = {"kind": "product.order", "subject": "Your order", "text": "It is on its way."}
CONTENT = Content("product.order", "product", "Your order", "It is on its way.", "/orders/7", {"order": "7"})


async def headers_of(client: httpx.AsyncClient, user: User) -> dict[str, str]:
    """Sign in. Returns the header with the access token."""
    form = {"username": user.email, "password": PASSWORD}
    pair = (await client.post("/api/auth/jwt/login", data=form)).json()
    return {"authorization": f"Bearer {pair['access_token']}"}


async def notified(context: Context, user: User, count: int = 1, content: Content = CONTENT) -> list[Made]:
    """Notify an account so many times. Returns the notifications, oldest first."""
    made: list[Made] = []
    for _ in range(count):
        async with context.db.transaction() as db:
            made += await notify(db, uuid7(), [user.id], content)
    return made


async def notifications_of(context: Context, user_id: UUID) -> None:
    """Insert notifications, to the account and by it, a switch, and a digest."""
    content = Content("product.note", "product", "needle", "needle", "/needle", {"needle": "needle"})
    digest = "insert into notification_digests (id, user_id, due_at) values (gen_random_uuid(), $1, now())"
    await context.db.fetch(digest, user_id)
    await context.db.fetch("insert into notification_switches values ($1, 'account', 'mail', 'off')", user_id)
    async with context.db.transaction() as db:
        await notify(db, uuid7(), [user_id], content)
        source = f"account:{user_id}"
        await queries.insert_send(db, uuid7(), source, "key", b"", user_id, content, "accounts", None, 1)


async def events_of(context: Context, type: str) -> Sequence[Any]:
    rows = await context.db.fetch("select data from outbox_events where type = $1 order by seq", type)
    return [json.loads(row[0]) for row in rows]


@pytest.fixture
async def ada(context: Context) -> User:
    return await make_user(context)


@pytest.fixture
async def adas(client: httpx.AsyncClient, ada: User) -> httpx.AsyncClient:
    """The client with Ada's token."""
    client.headers.update(await headers_of(client, ada))
    return client


@pytest.fixture
async def notifier(context: Context, client: httpx.AsyncClient) -> dict[str, str]:
    """The header of an account with the role notifier."""
    return await headers_of(client, await make_user(context, roles=["notifier"]))
