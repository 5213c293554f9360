"""Test data for the tests that cover all features (tests/examples.py)."""

from api.audit.chain import seal
from api.audit.tasks import Erasure
from api.kernel.context import Context
from api.kernel.outbox.events import NOBODY
from tests.examples import SIGNED_IN, SUPERUSERS
from tests.transcript import Transcript

ACCESS = {
    "GET /users/me/activity": SIGNED_IN,
    "GET /audit": SUPERUSERS,
    "GET /audit/verification": SUPERUSERS,
}
TWICE = {"": [Erasure]}
VALUES = {"after": NOBODY}
EFFECTS = [
    "select count(*) from audit_entries",
    "select md5(string_agg(coalesce(data::text, '-'), '|' order by seq)) from audit_entries",
]


async def page(transcript: Transcript, context: Context, admin: dict[str, str]) -> None:
    transcript.write("## Activity and audit")
    while await seal(context):
        pass
    await transcript.show("GET /users/me/activity", params={"limit": 1}, headers=admin)
    await transcript.show("GET /audit", params={"type": "users.invited", "limit": 1}, headers=admin)
    await transcript.show("GET /audit/verification", headers=admin)
