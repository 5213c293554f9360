"""Notifications in the record of mails."""

import httpx

from api.kernel.context import Context
from api.notifications.types import Content
from tests.factories import make_user
from tests.mails.conftest import open_office
from tests.notifications.conftest import notified


async def test_a_mail_is_sent_again_and_its_links_are_not_kept(client: httpx.AsyncClient, context: Context) -> None:
    """C-444: senders may put links of their own into a notification, and each mail has one to unsubscribe."""
    office = await open_office(client, context)
    user = await make_user(context, "ada@example.com")
    content = Content("product.order", "product", "Your order", "Open https://shop.example.com/?key=1 now.")
    await notified(context, user, 1, content)
    await office.work()
    [mail] = await office.mails()
    body = (await office.get(f"/{mail['id']}")).json()["body"]
    assert "[shop.example.com …]" in body
    assert "[localhost/unsubscribe …]" in body
    assert (await office.resend(mail["id"])).status_code == 202
    await office.work()
    assert len(await office.mails()) == 2
    [row] = await context.db.fetch("select count(*) from mails where mails::text ~ 'key=1|token='")
    assert row[0] == 0
