"""From another service's record to the mail."""

import msgspec

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mail import MemoryMailer
from api.kernel.settings import Settings
from api.notifications.requests import consumers
from api.notifications.tasks import tasks
from tests.factories import make_user
from tests.worker.jobs import header, read_records, soon, working
from tests.worker.messages import Sent, reading, send
from worker.main import open_queue


async def test_one_record_is_one_mail_and_an_unknown_account_a_dead_letter(live: Context, cloned: Settings) -> None:
    user = await make_user(live)
    mailbox = MemoryMailer()
    context = msgspec.structs.replace(live, mail=mailbox)
    body = {"user_id": user.id, "subject": "Your order", "text": "It is on its way."}
    known = Sent(data=msgspec.json.encode(body), id="1", type="notifications.requested")
    unknown = Sent(data=msgspec.json.encode(body | {"user_id": uuid7()}), id="2", type="notifications.requested")
    await send(cloned, "notifications.requested", [known, unknown, known])
    async with open_queue(cloned) as queue, working(context, queue, tasks), reading(context, *consumers):
        [dead] = await read_records(cloned, "notifications.requested.dead", 1, 20)
        await soon(lambda: mailbox.sent)
    assert [(mail.to, mail.subject) for mail in mailbox.sent] == [(user.email, "Your order")]
    reason = "NOT_FOUND: No active account with a confirmed address has this id."
    assert (header(dead, "ce_id"), header(dead, "dead_reason")) == ("2", reason)
