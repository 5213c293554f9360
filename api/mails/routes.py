"""Routes of the record of mails."""

from uuid import UUID

import msgspec

from api.kernel import NOT_FOUND, Context, Cursors, Page, Reply, defer_again, get, post, record, superuser, uuid7
from api.mails import queries
from api.mails.errors import MAIL_LINK_USED, MAIL_NOT_REPEATABLE, MAIL_UNFINISHED
from api.mails.events import MailRepeated
from api.mails.types import Mail, MailDetails, MailQuery

# The HTML has no links, images or scripts. `sandbox` gives it an origin of its own if it is opened by itself.
FRAMED = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'",
    "cross-origin-resource-policy": "same-origin",
}


async def list_mails(context: Context, query: MailQuery) -> Page[Mail]:
    """List the mails that were sent or are being sent, newest first.

    A mail appears with its first attempt; before, it is a pending task. `total` counts up to 10,000."""
    cursors = Cursors(context.settings, "mails", query.user_id, query.recipient, query.template, query.state)
    (before,) = cursors.read(query.cursor, UUID)
    wanted = (query.user_id, query.recipient, query.template, query.state)
    found = await queries.list_mails(context.db, *wanted, before, query.limit + 1)
    total = await queries.count(context.db, *wanted)
    return cursors.page(found, query.limit, total, lambda mail: (mail.id,))


async def get_mail(context: Context, id: UUID) -> MailDetails:
    """Get a mail with its text, in which links and tokens are replaced."""
    fields = msgspec.structs.asdict(await queries.get(context.db, id))
    value = fields.pop("value")
    return MailDetails(**fields, repeatable=value is not None and fields["link"] != "used")


async def show_mail(context: Context, id: UUID) -> Reply:
    """Show a mail as HTML for a frame, without links, images and scripts."""
    html = await queries.get_html(context.db, id)
    if html is None:
        raise NOT_FOUND
    return Reply(content=html.encode(), media_type="text/html; charset=utf-8", headers=FRAMED)


async def resend_mail(context: Context, id: UUID) -> MailDetails:
    """Send a mail again: its task runs again, with its checks and limits, and makes a new link.

    The answer is the new mail, `queued`; it becomes `skipped` if the task sends nothing. A mail whose link expired can
    be sent again, one whose link was used cannot."""
    new, task = uuid7(), uuid7()
    async with context.db.transaction() as db:
        await queries.lock(db, id)
        mail = await queries.get_repeatable(db, id)
        if mail.used:
            raise MAIL_LINK_USED
        if mail.task is None or mail.value is None or mail.user_id is None:
            raise MAIL_NOT_REPEATABLE
        if mail.busy:
            raise MAIL_UNFINISHED
        await queries.insert_repetition(db, new, id, task)
        await defer_again(db, mail.task, task, mail.value)
        await record(db, MailRepeated(mail_id=new, user_id=mail.user_id, template=mail.template))
    return await get_mail(context, new)


routes = [
    get("/operations/mails", list_mails, guard=superuser),
    get("/operations/mails/{id}", get_mail, guard=superuser),
    get("/operations/mails/{id}/html", show_mail, guard=superuser, media_type="text/html"),
    post(
        "/operations/mails/{id}/resend",
        resend_mail,
        guard=superuser,
        limit="30/minute",
        status=202,
        errors=(MAIL_NOT_REPEATABLE, MAIL_LINK_USED, MAIL_UNFINISHED),
    ),
]
