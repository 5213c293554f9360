"""Actions of superusers on other accounts, and their effects."""

from typing import Any

import httpx

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.users.types import User

NOBODY = "0190f3a0-0000-7000-8000-000000000000"
BETTER = "another horse battery staple"


async def announced(context: Context, since: int = 0) -> list[str]:
    """Return the events about accounts."""
    rows = await context.db.fetch("select type from outbox_events where topic = 'users' order by seq offset $1", since)
    return [row["type"] for row in rows]


async def change(admin: httpx.AsyncClient, user: User, **body: Any) -> httpx.Response:
    return await admin.patch(f"/api/users/{user.id}", json=body)


async def hold_token(context: Context, user: User, purpose: str = "reset") -> None:
    """Return a pending token of the account."""
    await context.db.fetch(
        "insert into user_tokens (token_hash, user_id, purpose, email, expires_at)"
        " values ($1, $2, $3, $4, now() + interval '1 hour')",
        uuid7().bytes,
        user.id,
        purpose,
        user.email,
    )


async def good_tokens(context: Context) -> int:
    rows = await context.db.fetch("select 1 from user_tokens where used_at is null and purpose <> 'revert_email'")
    return len(rows)
