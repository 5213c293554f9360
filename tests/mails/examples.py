"""Test data for the tests that cover all features (tests/examples.py)."""

from collections.abc import Mapping
from uuid import UUID

from api.kernel.context import Context
from api.users.types import User
from tests.examples import SUPERUSERS
from tests.mails.records import add_mail
from tests.transcript import Transcript

ACCESS = {
    "GET /operations/mails": SUPERUSERS,
    "GET /operations/mails/{id}": SUPERUSERS,
    "GET /operations/mails/{id}/html": SUPERUSERS,
    "POST /operations/mails/{id}/resend": SUPERUSERS,
}


async def things(context: Context, user: User, sid: UUID) -> Mapping[str, Mapping[str, object]]:
    """A mail to the account."""
    return {"/operations/mails/{id}": {"id": await add_mail(context, user.id)}}


async def page(transcript: Transcript, context: Context, admin: dict[str, str]) -> None:
    transcript.write("## Mails")
    me = (await transcript.client.get("/api/users/me", headers=admin)).json()
    id = await add_mail(context, UUID(me["id"]))
    await transcript.show("GET /operations/mails", params={"template": "verify", "limit": 1}, headers=admin)
    await transcript.show("GET /operations/mails/{id}", id=id, headers=admin)
    transcript.describe("GET /operations/mails/{id}/html")
    await transcript.show("POST /operations/mails/{id}/resend", id=id, headers=admin)
