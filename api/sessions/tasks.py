"""E-mails about sessions, and ending sessions after a change of their account."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from api.kernel import Context, Event, Task, Template, browser_of, record, system_of, task
from api.sessions import queries
from api.sessions.events import SessionEnded, SessionStarted
from api.sessions.types import Notice
from api.users.events import (
    DeletionRequested,
    EmailChanged,
    EmailChangeReverted,
    PasswordChanged,
    SessionsRevoked,
    UserClaimed,
    UserDisabled,
    UserVerified,
)

NEW_DEVICE = Template(Path(__file__).parent / "emails", "new_device")
TOKEN_REUSED = Template(Path(__file__).parent / "emails", "token_reused")

Ending = (
    PasswordChanged
    | EmailChanged
    | EmailChangeReverted
    | DeletionRequested
    | SessionsRevoked
    | UserClaimed
    | UserDisabled
    | UserVerified
)
REASONS: dict[type[Event], str] = {SessionsRevoked: "revoked", UserDisabled: "disabled"}
"""Reasons of SessionEnded by event; `credentials` for all others."""


@task(on=SessionStarted, urgent=True)
async def send_new_device(context: Context, event: SessionStarted, id: UUID) -> None:
    """Notify the owner of a sign-in from a new device or place. Not sent to an unconfirmed address, which may belong to
    another person."""
    notice = await queries.find_notice(context.db, event.session_id) if event.new_device else None
    if notice and notice.is_verified:
        await _send(context, id, NEW_DEVICE, notice, notice.created_at)


@task(on=SessionEnded, urgent=True)
async def send_token_reused(context: Context, event: SessionEnded, id: UUID) -> None:
    """Notify the owner that a refresh token was used twice. Not sent to an unconfirmed address."""
    notice = await queries.find_notice(context.db, event.session_id) if event.reason == "reuse" else None
    if notice and notice.is_verified and notice.ended_at:
        await _send(context, id, TOKEN_REUSED, notice, notice.ended_at)


@task(on=Ending, urgent=True)
async def end_sessions(context: Context, event: Ending, id: UUID) -> None:
    """Mark the sessions that a change of the account ended. After a claim they are deleted, so that no device of the
    person who registered the account stays known."""
    reason = REASONS.get(type(event), "credentials")
    async with context.db.transaction() as db:
        for sid in await queries.end_dead(db, event.user_id, reason):
            await record(db, SessionEnded(session_id=sid, user_id=event.user_id, reason=reason))
        if isinstance(event, UserClaimed):
            await queries.forget(db, event.user_id)


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


mails: list[Task[Any]] = [send_new_device, send_token_reused]
tasks: list[Task[Any]] = [*mails, end_sessions]
