"""Notifications in the record of mails."""

import httpx

from api.kernel.context import Context
from api.notifications.tasks import send_notification
from api.notifications.types import Notification
from tests.factories import make_user
from tests.mails.conftest import open_office


async def test_content_with_a_link_is_not_kept_for_a_repetition(client: httpx.AsyncClient, context: Context) -> None:
    """C-444: other services may put links of their own into a notification."""
    office = await open_office(client, context)
    user = await make_user(context, "ada@example.com")
    for text in ("Your order has been sent.", "Open https://shop.example.com/?key=1 to see it."):
        await send_notification.defer_alone(context.db, Notification(user.id, "Your order", text))
    await office.work()
    by_link = {"shop" in (await office.get(f"/{mail['id']}")).json()["body"]: mail for mail in await office.mails()}
    assert (await office.resend(by_link[False]["id"])).status_code == 202
    answer = await office.resend(by_link[True]["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "MAIL_NOT_REPEATABLE")
    [row] = await context.db.fetch("select count(*) from mails where mails::text like '%key=1%'")
    assert row[0] == 0
