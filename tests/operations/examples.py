"""Test data for the tests that cover all features (tests/examples.py)."""

from collections.abc import Mapping
from uuid import UUID

from api.kernel.context import Context
from api.kernel.outbox.tasks import HEARTBEAT_KEY
from api.users import tasks
from api.users.types import User
from tests.examples import SUPERUSERS
from tests.mailed import mailed
from tests.transcript import Transcript
from tests.worker.jobs import add_tasks

ACCESS = {
    "GET /operations/dead-letters": SUPERUSERS,
    "POST /operations/dead-letters/retry": SUPERUSERS,
    "POST /operations/dead-letters/discard": SUPERUSERS,
    "GET /operations/dead-letters/{id}": SUPERUSERS,
    "POST /operations/dead-letters/{id}/retry": SUPERUSERS,
    "POST /operations/dead-letters/{id}/discard": SUPERUSERS,
    "GET /operations/outbox": SUPERUSERS,
}


async def things(context: Context, user: User, sid: UUID) -> Mapping[str, Mapping[str, object]]:
    """A task that is a dead letter."""
    [letter] = await add_tasks(context.db)
    await context.db.fetch("update outbox_tasks set dead_at = now() where id = $1", letter)
    return {"/operations/dead-letters/{id}": {"id": letter}}


async def page(transcript: Transcript, context: Context, admin: dict[str, str]) -> None:
    transcript.write("## Operations")
    await mailed(context)
    await context.db.fetch("update outbox_events set published_at = now()")
    await context.cache.set(HEARTBEAT_KEY, b"here", 30)
    for _ in range(4):
        await tasks.send_reset.defer_alone(context.db, tasks.ResetWanted(email="ada@example.com"))
    await context.db.fetch("update outbox_tasks set dead_at = now(), attempts = 20, last_error = 'OSError'")
    letters = (await transcript.show("GET /operations/dead-letters", params={"limit": 1}, headers=admin)).json()[
        "items"
    ]
    await transcript.show("GET /operations/dead-letters/{id}", id=letters[0]["id"], headers=admin)
    await transcript.show("POST /operations/dead-letters/{id}/retry", id=letters[0]["id"], headers=admin)
    other, *rest = (await transcript.client.get("/api/operations/dead-letters", headers=admin)).json()["items"]
    await transcript.show("POST /operations/dead-letters/{id}/discard", id=other["id"], headers=admin)
    wanted = {"type": "users.send_reset", "ids": [rest[0]["id"]]}
    await transcript.show("POST /operations/dead-letters/retry", json=wanted, headers=admin)
    await transcript.show("POST /operations/dead-letters/discard", json={"all": True}, headers=admin)
    await transcript.show("GET /operations/outbox", headers=admin)
