"""Notifications of the kinds `security.*`, which this application sends."""

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mail import MemoryMailer
from api.kernel.outbox.events import Event, record
from api.sessions.events import SessionEnded, SessionStarted
from api.users.events import EmailChanged, EmailChangeReverted, PasswordChanged, UserClaimed
from api.users.types import User
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.notifications.conftest import headers_of, notified
from tests.transactions import in_transaction

pytestmark = pytest.mark.case(410)
LIST = "/api/notifications"


async def test_a_changed_password_appears_in_the_list_and_is_mailed_once(
    client: httpx.AsyncClient, context: Context, mailbox: MemoryMailer
) -> None:
    user = await make_user(context, language="de")
    headers = await headers_of(client, user)
    await mailed(context)
    body = {"current_password": PASSWORD, "new_password": "another long passphrase"}
    changed = await client.post("/api/users/change-password", json=body, headers=headers)
    assert changed.is_success, changed.text
    await mailed(context)
    assert [mail.subject for mail in mailbox.sent] == ["Ihr Passwort wurde geändert"]
    token = {"authorization": f"Bearer {changed.headers['x-access-token']}"}
    [item] = (await client.get(LIST, headers=token)).json()["items"]
    assert (item["kind"], item["subject"], item["link"]) == (
        "security.password_changed",
        "Ihr Passwort wurde geändert",
        "/account/password",
    )


def events(user: User) -> list[tuple[Event, str | None]]:
    session, email = uuid7(), user.email

    def started(new_device: bool) -> SessionStarted:
        return SessionStarted(
            session_id=session, user_id=user.id, method="password", mode="bearer", new_device=new_device
        )

    return [
        (PasswordChanged(user_id=user.id, how="reset"), "security.password_changed"),
        (EmailChanged(user_id=user.id, old_email=email, email=email), "security.email_changed"),
        (EmailChangeReverted(user_id=user.id, email=email), "security.email_reverted"),
        (started(True), "security.new_device"),
        (started(False), None),
        (SessionEnded(session_id=session, user_id=user.id, reason="reuse"), "security.token_reused"),
        (SessionEnded(session_id=session, user_id=user.id, reason="logout"), None),
    ]


async def test_each_event_that_an_owner_must_know_is_one_notification(context: Context) -> None:
    for language in ("en", "de"):
        user = await make_user(context, language=language)
        for event, kind in events(user):
            await context.db.fetch("delete from notifications")
            await in_transaction(context.db, record, event)
            await mailed(context)
            rows = await context.db.fetch("select kind from notifications")
            assert [row[0] for row in rows] == ([kind] if kind else [])


@pytest.mark.case(462)
async def test_a_claimed_account_has_nothing_of_the_time_before(
    adas: httpx.AsyncClient, context: Context, ada: User
) -> None:
    await notified(context, ada, 2)
    digest = {"every": "hour", "hour": 3, "zone": "Asia/Tokyo"}
    change = {"switches": [{"group": "product", "channel": "mail", "value": "off"}], "digest": digest}
    assert (await adas.put("/api/notifications/preferences", json=change)).status_code == 200
    await in_transaction(context.db, record, PasswordChanged(user_id=ada.id, how="reset"))
    await in_transaction(context.db, record, UserClaimed(user_id=ada.id))
    await mailed(context)
    rows = await context.db.fetch("select kind from notifications")
    assert [row[0] for row in rows] == ["security.password_changed"]
    [box] = await context.db.fetch("select unseen, unread from notification_boxes where user_id = $1", ada.id)
    assert tuple(box) == (1, 1)
    assert await context.db.fetch("select from notification_switches") == []
    kept = (await adas.get("/api/notifications/preferences")).json()["digest"]
    assert kept == {"every": "day", "hour": 8, "zone": None}, "choices of the other person"


async def test_a_deleted_account_leaves_nothing(context: Context, ada: User) -> None:
    await notified(context, ada, 2)
    await context.db.fetch("delete from users where id = $1", ada.id)
    for table in ("notifications", "notification_boxes", "notification_switches", "notification_mails"):
        assert await context.db.fetch(f"select from {table}") == []  # a name of this file
