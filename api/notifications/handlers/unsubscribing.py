"""The links in mails (RFC 8058). A mail client sends the POST on its own, from another origin, without cookies and with
a form; the token is the only proof, and the body is ignored."""

from api.kernel import Context, Reply, record
from api.notifications import queries, tokens
from api.notifications.errors import NOTIFICATION_SWITCH_LOCKED
from api.notifications.events import PreferencesChanged
from api.notifications.settings import NotificationSettings
from api.notifications.types import Unsubscribed, UnsubscribeQuery


async def unsubscribe(context: Context, query: UnsubscribeQuery) -> Unsubscribed:
    """Switch off the mails that the link stands for. Repeating it changes nothing."""
    wanted = await tokens.read(context, query.token)
    groups = _groups(context, wanted.group)
    async with context.db.transaction() as db:
        if await queries.open_box(db, wanted.user_id) and await queries.switch_mails_off(db, wanted.user_id, groups):
            await record(db, PreferencesChanged(user_id=wanted.user_id, how="unsubscribe"))
    return Unsubscribed(groups)


async def open_unsubscribe_page(context: Context, query: UnsubscribeQuery) -> Reply:
    """Open the application's page, whose button unsubscribes. This request changes nothing: mail filters open links."""
    await tokens.read(context, query.token)
    # Browsers do not send the fragment, so the token is in no access log.
    return Reply(content=b"", status=303, headers={"location": f"/unsubscribe#token={query.token}"})


async def preview_unsubscribe(context: Context, query: UnsubscribeQuery) -> Unsubscribed:
    """Show which mails a link would switch off. Changes nothing."""
    return Unsubscribed(_groups(context, (await tokens.read(context, query.token)).group))


def _groups(context: Context, group: str) -> list[str]:
    """Raises NOTIFICATION_SWITCH_LOCKED."""
    if group == "security":
        raise NOTIFICATION_SWITCH_LOCKED
    if group == tokens.ALL:
        return [each for each in context.settings.of(NotificationSettings).all_groups if each != "security"]
    return [group]
