"""Requests with an Idempotency-Key."""

from typing import Any
from uuid import uuid4

import httpx

from api.kernel.context import Context
from tests.factories import make_user
from tests.sessions.signing import bearer, login

REPLAYED = "idempotency-replayed"


def keyed(key: str | None = None, headers: dict[str, str] | None = None) -> dict[str, str]:
    return {"idempotency-key": key or str(uuid4()), **(headers or {})}


async def operator(client: httpx.AsyncClient, context: Context) -> dict[str, str]:
    """The headers of a superuser."""
    user = await make_user(context, superuser=True)
    return bearer((await login(client, user.email)).json())


async def count(context: Context, table: str) -> int:
    [row] = await context.db.fetch(f"select count(*) from {table}")
    return int(row[0])


def same(answer: httpx.Response) -> tuple[Any, ...]:
    named = ("content-type", "etag", "cache-control", "content-length")
    return answer.status_code, answer.content, *(answer.headers.get(name) for name in named)
