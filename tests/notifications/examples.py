"""Test data for the tests that cover all features (tests/examples.py)."""

from collections.abc import Mapping
from uuid import UUID

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.notifications import queries, tokens
from api.notifications.events import NotificationCreated
from api.notifications.sending import notify
from api.notifications.tasks import DigestClosed, DigestDue, Distribution
from api.notifications.types import Content, Notification
from api.users.types import User
from tests.examples import EVERYBODY, OWNERS, SIGNED_IN, SUPERUSERS, holders_of
from tests.transcript import Transcript

ACCESS = {
    "GET /notifications": SIGNED_IN,
    "GET /notifications/counts": SIGNED_IN,
    "PATCH /notifications/{id}": SIGNED_IN,
    "DELETE /notifications/{id}": OWNERS,
    "POST /notifications/read": SIGNED_IN,
    "POST /notifications/seen": SIGNED_IN,
    "GET /notifications/preferences": SIGNED_IN,
    "PUT /notifications/preferences": SIGNED_IN,
    "GET /notifications/role-preferences": SUPERUSERS,
    "GET /notifications/role-preferences/{role}": SUPERUSERS,
    "PUT /notifications/role-preferences/{role}": SUPERUSERS,
    "POST /notifications/send": holders_of("notifier"),
    "GET /notifications/audience": holders_of("notifier"),
    "GET /notifications/jobs": holders_of("notifier"),
    "GET /notifications/jobs/{id}": holders_of("notifier"),
    "POST /notifications/jobs/{id}/cancel": holders_of("notifier"),
    "POST /notifications/unsubscribe": EVERYBODY,
    "GET /notifications/unsubscribe": EVERYBODY,
    "GET /notifications/unsubscribe/preview": EVERYBODY,
}
# Apart from UserClaimed, which deletes the new notification.
TWICE = {
    "name = 'Ada'": [Notification, NotificationCreated],
    "": [NotificationCreated, Distribution, DigestDue, DigestClosed],
}
VALUES = {
    "subject": "Your order",
    "text": "is on its way",
    "notification_id": UUID(int=5),
    "send_id": UUID(int=6),
    "digest_id": UUID(int=7),
    "kind": "product.order",
    "push": True,
    "unseen": 1,
    "unread": 1,
}
EFFECTS = ["select count(*) from notifications"]
CONTENT = Content("product.order", "product", "Your order", "It is on its way.", "/orders/7", {"order": "7"})


async def things(context: Context, user: User, sid: UUID) -> Mapping[str, Mapping[str, object]]:
    """A notification of the account."""
    async with context.db.transaction() as db:
        [made] = await notify(db, uuid7(), [user.id], CONTENT)
        job = uuid7()
        await queries.insert_send(db, job, str(job), "", b"", user.id, CONTENT, "everyone", None, 1)
    token = await tokens.make(context, user.id, "product")
    return {
        "/notifications/{id}": {"id": made.notification_id},
        "/notifications/jobs/{id}": {"id": job},
        "/notifications/jobs/{id}/cancel": {"id": job},
        "/notifications/unsubscribe": {"?": f"token={token}"},
        "/notifications/role-preferences/{role}": {"role": "editor"},
    }


async def page(transcript: Transcript, context: Context, admin: dict[str, str]) -> None:
    transcript.write("## Notifications")
    transcript.write("[docs/notifications.md](notifications.md) describes kinds, channels, digests and mails.")
    [[user_id]] = await context.db.fetch("select id from users where is_superuser order by created_at desc limit 1")
    new = {
        "kind": "product.order",
        "subject": "Your order",
        "text": "It is on its way.",
        "link": "/orders/7",
        "data": {"order": "7"},
        "user_ids": [str(user_id)],
    }
    key = {"idempotency-key": "order-7-sent"}
    job = (await transcript.show("POST /notifications/send", json=new, headers=admin | key)).json()
    await transcript.show("GET /notifications/jobs/{id}", id=job["id"], headers=admin)
    await transcript.show("GET /notifications/audience", params={"role": "editor"}, headers=admin)
    new = {key: value for key, value in new.items() if key != "user_ids"} | {"role": "editor"}
    job = (await transcript.show("POST /notifications/send", json=new, headers=admin)).json()
    await transcript.show("POST /notifications/jobs/{id}/cancel", id=job["id"], headers=admin)
    await transcript.show("GET /notifications/jobs", params={"limit": 1}, headers=admin)
    page = (await transcript.show("GET /notifications", params={"unread": "true"}, headers=admin)).json()
    id = page["items"][0]["id"]
    await transcript.show("GET /notifications/counts", headers=admin)
    await transcript.show("POST /notifications/seen", json={"up_to": id}, headers=admin)
    await transcript.show("PATCH /notifications/{id}", id=id, json={"is_read": True}, headers=admin)
    await transcript.show("POST /notifications/read", json={"up_to": id}, headers=admin)
    await transcript.show("DELETE /notifications/{id}", id=id, headers=admin)
    answer = await transcript.show("GET /notifications/preferences", headers=admin)
    match = {"if-match": answer.headers["etag"]}
    own = {
        "switches": [{"group": "product", "channel": "push", "value": "off"}],
        "digest": {"every": "day", "hour": 7, "zone": "Europe/Berlin"},
    }
    await transcript.show("PUT /notifications/preferences", json=own, headers=admin | match)
    of_role = {"switches": [{"group": "product", "channel": "mail", "value": "off"}]}
    await transcript.show("PUT /notifications/role-preferences/{role}", role="editor", json=of_role, headers=admin)
    await transcript.show("GET /notifications/role-preferences/{role}", role="editor", headers=admin)
    await transcript.show("GET /notifications/role-preferences", headers=admin)
    token = {"token": await tokens.make(context, user_id, "product")}
    await transcript.show("GET /notifications/unsubscribe", params=token)
    await transcript.show("GET /notifications/unsubscribe/preview", params=token)
    await transcript.show("POST /notifications/unsubscribe", params=token)
