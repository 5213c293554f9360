"""Test data for the tests that cover all features (tests/examples.py)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.users.types import User
from api.webhooks import queries, secrets
from api.webhooks.events import EndpointDisabled, EndpointFailing
from tests.examples import SIGNED_IN
from tests.transcript import Transcript
from tests.webhooks.conftest import OTHER, SECRET, URL

ACCESS = {
    "GET /webhooks": SIGNED_IN,
    "POST /webhooks": SIGNED_IN,
    "GET /webhooks/event-types": SIGNED_IN,
    "GET /webhooks/{id}": SIGNED_IN,
    "PATCH /webhooks/{id}": SIGNED_IN,
    "DELETE /webhooks/{id}": SIGNED_IN,
    "POST /webhooks/{id}/secret": SIGNED_IN,
    "DELETE /webhooks/{id}/secret/previous": SIGNED_IN,
    "POST /webhooks/{id}/test": SIGNED_IN,
    "GET /webhooks/{id}/deliveries": SIGNED_IN,
    "GET /webhooks/{id}/deliveries/{delivery_id}": SIGNED_IN,
    "POST /webhooks/{id}/deliveries/{delivery_id}/redeliver": SIGNED_IN,
    "POST /webhooks/{id}/redeliver": SIGNED_IN,
}
TWICE = {"": [EndpointFailing, EndpointDisabled]}
VALUES = {"endpoint_id": UUID(int=4), "reason": "gone"}


async def things(context: Context, user: User, sid: UUID) -> Mapping[str, Mapping[str, object]]:
    """A webhook of the account with a delivery."""
    id, delivery = uuid7(), uuid7()
    async with context.db.transaction() as db:
        await queries.insert(db, id, user.id, "own", URL, "", ["*"])
        await queries.insert_secret(db, uuid7(), id, secrets.seal(context.settings, id, SECRET))
        await queries.insert_test(db, delivery, id, uuid7())
    return {"/webhooks/{id}": {"id": id, "delivery_id": delivery}}


async def page(transcript: Transcript, context: Context, admin: dict[str, str]) -> None:
    transcript.write("## Webhooks")
    transcript.write("[docs/webhooks.md](webhooks.md) describes what an endpoint receives, and verifies it.")
    new = {"url": URL, "events": ["users.*"], "description": "Orders", "secret": SECRET}
    created = (await transcript.show("POST /webhooks", json=new, headers=admin)).json()
    id = created["endpoint"]["id"]
    await transcript.show("GET /webhooks", headers=admin)
    answer = await transcript.show("GET /webhooks/{id}", id=id, headers=admin)
    match = {"if-match": answer.headers["etag"]}
    await transcript.show("PATCH /webhooks/{id}", id=id, json={"events": ["sessions.*"]}, headers=admin | match)
    transcript.describe("GET /webhooks/event-types")
    rotation = {"grace_hours": 48, "secret": OTHER}
    await transcript.show("POST /webhooks/{id}/secret", id=id, json=rotation, headers=admin)
    await transcript.show("DELETE /webhooks/{id}/secret/previous", id=id, headers=admin)
    delivery = (await transcript.show("POST /webhooks/{id}/test", id=id, headers=admin)).json()["id"]
    await transcript.show("GET /webhooks/{id}/deliveries", id=id, params={"limit": 1}, headers=admin)
    where = {"id": id, "delivery_id": delivery}
    await transcript.show("GET /webhooks/{id}/deliveries/{delivery_id}", **where, headers=admin)
    await transcript.show("POST /webhooks/{id}/deliveries/{delivery_id}/redeliver", **where, headers=admin)
    since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    replay = {"what": "failed", "since": since}
    await transcript.show("POST /webhooks/{id}/redeliver", id=id, json=replay, headers=admin)
    await transcript.show("DELETE /webhooks/{id}", id=id, headers=admin)
