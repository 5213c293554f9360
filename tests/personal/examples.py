"""Test data for the tests that cover all features (tests/examples.py)."""

from collections.abc import Mapping
from uuid import UUID

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.personal import queries
from api.personal.events import ExportRequested
from api.users.types import User
from tests.examples import OWNERS, SIGNED_IN
from tests.transcript import Transcript

ACCESS = {
    "POST /users/me/export": SIGNED_IN,
    "GET /users/me/exports": SIGNED_IN,
    "GET /users/me/exports/{id}/download": OWNERS,
}
TWICE = {"": [ExportRequested]}
VALUES = {"export_id": UUID(int=5)}


async def things(context: Context, user: User, sid: UUID) -> Mapping[str, Mapping[str, object]]:
    """An export of the account that is ready."""
    id = uuid7()
    async with context.db.transaction() as db:
        await queries.insert_export(db, id, user.id)
        await queries.mark_ready(db, id, 1)
    return {"/users/me/exports/{id}": {"id": id}}


async def page(transcript: Transcript, context: Context, admin: dict[str, str]) -> None:
    transcript.write("## Personal data")
    transcript.write("[docs/personal-data.md](personal-data.md) lists what an export contains and what is erased.")
    id = (await transcript.show("POST /users/me/export", headers=admin)).json()["id"]
    await queries.mark_ready(context.db, UUID(id), 6200)  # the worker's part; the size varies with the run
    await transcript.show("GET /users/me/exports", headers=admin)
    transcript.describe("GET /users/me/exports/{id}/download")
