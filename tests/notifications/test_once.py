"""A trigger takes effect once, by REST and by Kafka."""

import asyncio

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.kernel.settings import Settings
from api.notifications.requests import consumers
from api.notifications.tasks import tasks
from tests.factories import make_user
from tests.notifications.conftest import NEW, headers_of
from tests.worker.jobs import soon, until, working
from tests.worker.messages import Sent, reading, send
from worker.main import open_queue

pytestmark = pytest.mark.case(408)


async def test_twenty_requests_with_one_key_notify_once(
    live: Context, live_client: httpx.AsyncClient, cloned: Settings
) -> None:
    user, notifier = await make_user(live), await make_user(live, roles=["notifier"])
    headers = await headers_of(live_client, notifier) | {"idempotency-key": "order-7"}
    new = NEW | {"user_ids": [str(user.id)]}

    async def post() -> httpx.Response:
        return await live_client.post("/api/notifications/send", json=new, headers=headers)

    answers = await asyncio.gather(*(post() for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {202, 409}, "409: the first is in progress"
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    context = msgspec.structs.replace(live, mail=(mailbox := MemoryMailer()))
    async with open_queue(cloned) as queue, working(context, queue, tasks):
        await until(live.db, "select count(*) = 0 from outbox_tasks where task like 'notifications.%'")
    assert [mail.to for mail in mailbox.sent] == [user.email]
    assert len(await live.db.fetch("select from notifications")) == 1


async def test_twenty_copies_of_a_message_notify_once(live: Context, cloned: Settings) -> None:
    user, other = await make_user(live), await make_user(live)
    context = msgspec.structs.replace(live, mail=(mailbox := MemoryMailer()))
    bodies = [msgspec.json.encode(NEW | {"user_id": each.id}) for each in (user, other)]
    copies = [Sent(data=bodies[0], id="order-7", type="notifications.requested", key=str(n)) for n in range(20)]
    last = Sent(data=bodies[1], id="order-8", type="notifications.requested")
    await send(cloned, "notifications.requested", [*copies, last])
    async with open_queue(cloned) as queue, working(context, queue, tasks), reading(context, *consumers):
        await until(live.db, "select count(*) = 2 from notifications")
        await soon(lambda: len(mailbox.sent) == 2)
    assert {mail.to for mail in mailbox.sent} == {user.email, other.email}
    assert len(await live.db.fetch("select from notifications where user_id = $1", user.id)) == 1
