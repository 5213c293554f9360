"""The mails about sign-ins."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from api.kernel import Context, Task, Template, browser_of, system_of, task
from api.sessions import queries
from api.sessions.events import SessionEnded, SessionStarted
from api.sessions.types import Notice

NEW_DEVICE = Template(Path(__file__).parent / "emails", "new_device")
TOKEN_REUSED = Template(Path(__file__).parent / "emails", "token_reused")


@task(on=SessionStarted, urgent=True)
async def send_new_device(context: Context, event: SessionStarted, id: UUID) -> None:
    """Tell the owner of a sign-in from where there was none. Not at an address that nobody confirmed: it may be a
    stranger's, and every sign-in a mail to them."""
    notice = await queries.find_notice(context.db, event.session_id) if event.new_device else None
    if notice and notice.is_verified:
        await _send(context, id, NEW_DEVICE, notice, notice.created_at)


@task(on=SessionEnded, urgent=True)
async def send_token_reused(context: Context, event: SessionEnded, id: UUID) -> None:
    """Tell the owner that two parties had the refresh token of one device, under the same condition."""
    notice = await queries.find_notice(context.db, event.session_id) if event.reason == "reuse" else None
    if notice and notice.is_verified and notice.ended_at:
        await _send(context, id, TOKEN_REUSED, notice, notice.ended_at)


async def _send(context: Context, id: UUID, template: Template, notice: Notice, time: datetime) -> None:
    mail = template.render(
        id=str(id),
        to=notice.email,
        language=notice.language,
        application=context.settings.public_url,
        time=time,
        browser=browser_of(notice.user_agent),
        system=system_of(notice.user_agent),
        address=notice.address,
    )
    await context.mail.send(mail)


tasks: list[Task[Any]] = [send_new_device, send_token_reused]
