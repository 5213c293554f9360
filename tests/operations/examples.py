"""Test data for the tests that cover all features (tests/examples.py)."""

from collections.abc import Mapping
from uuid import UUID

from api.kernel.context import Context
from api.kernel.outbox.sweeps import Run, report_sweeps
from api.kernel.outbox.tasks import HEARTBEAT_KEY
from api.users import tasks
from api.users.types import User
from tests.examples import SUPERUSERS
from tests.mailed import mailed
from tests.transcript import Transcript
from tests.worker.jobs import add_tasks, postpone

ACCESS = {
    "GET /operations/dead-letters": SUPERUSERS,
    "POST /operations/dead-letters/retry": SUPERUSERS,
    "POST /operations/dead-letters/discard": SUPERUSERS,
    "GET /operations/dead-letters/{id}": SUPERUSERS,
    "POST /operations/dead-letters/{id}/retry": SUPERUSERS,
    "POST /operations/dead-letters/{id}/discard": SUPERUSERS,
    "GET /operations/outbox": SUPERUSERS,
    "GET /operations/log-level": SUPERUSERS,
    "PATCH /operations/log-level": SUPERUSERS,
    "GET /operations/tasks": SUPERUSERS,
    "GET /operations/tasks/counts": SUPERUSERS,
    "POST /operations/tasks/{id}/retry": SUPERUSERS,
    "POST /operations/tasks/{id}/cancel": SUPERUSERS,
    "GET /operations/schedules": SUPERUSERS,
}


async def things(context: Context, user: User, sid: UUID) -> Mapping[str, Mapping[str, object]]:
    """A task that is a dead letter, and one that waits for another attempt."""
    letter, waiting = await add_tasks(context.db, count=2)
    await context.db.fetch("update outbox_tasks set dead_at = now() where id = $1", letter)
    await postpone(context, waiting)
    return {"/operations/dead-letters/{id}": {"id": letter}, "/operations/tasks/{id}": {"id": waiting}}


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
    await context.db.fetch("delete from outbox_tasks")
    waiting, other_one = await add_tasks(context.db, "users.send_reset", count=2)
    for each in (waiting, other_one):
        await postpone(context, each)
    await transcript.show("GET /operations/tasks", params={"state": "retrying", "limit": 1}, headers=admin)
    await transcript.show("GET /operations/tasks/counts", headers=admin)
    await transcript.show("POST /operations/tasks/{id}/retry", id=waiting, headers=admin)
    await transcript.show("POST /operations/tasks/{id}/cancel", id=other_one, headers=admin)
    await context.db.fetch("delete from outbox_tasks")
    await report_sweeps(context.cache, [Run("delete_old_mails", 60.0, 1796000000.0, 1796000000.5, rows=12)])
    await transcript.show("GET /operations/schedules", headers=admin)
    change = {"level": "DEBUG", "minutes": 30, "logger": "api.sessions"}
    await transcript.show("PATCH /operations/log-level", json=change, headers=admin)
    transcript.describe("GET /operations/log-level")
