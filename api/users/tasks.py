"""E-mails about accounts. Each task sends one e-mail and uses its id as the Message-ID, so that a retry sends the same
e-mail. An e-mail is skipped if its reason no longer applies: the address was confirmed, the change was cancelled, or
the account was disabled or deleted."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from api.kernel import Context, Database, Task, Template, browser_of, shown_address, system_of, task
from api.users import queries
from api.users.events import (
    DeletionCancelled,
    DeletionRequested,
    EmailChanged,
    EmailChangeRequested,
    EmailChangeReverted,
    PasswordChanged,
    UserExpiring,
    UserInvited,
    UserRegistered,
)
from api.users.tokens import digest
from api.users.trust import REVERT_LIFETIME
from api.users.types import Recipient


class VerificationWanted(msgspec.Struct, frozen=True):
    """A request to mail the verification link again."""

    email: str
    network: str = ""
    """Network of the client that made the request."""


class ResetWanted(msgspec.Struct, frozen=True):
    """A request to mail a password reset link."""

    email: str
    network: str = ""


class AlreadyRegistered(msgspec.Struct, frozen=True):
    """A registration of an address that has an account, which the response must not reveal."""

    email: str
    network: str = ""


class Link(msgspec.Struct, frozen=True):
    """A page of the application and the token that a mailed link carries to it."""

    page: str
    purpose: str
    lifetime: timedelta


VERIFY = Link("verify", "verify", timedelta(hours=24))
RESET = Link("reset-password", "reset", timedelta(minutes=30))
INVITE = Link("accept-invitation", "invite", timedelta(days=7))
CONFIRM_EMAIL = Link("confirm-email", "confirm_email", timedelta(hours=24))
REVERT_EMAIL = Link("revert-email", "revert_email", REVERT_LIFETIME)

EXPIRY_NOTICE = timedelta(days=2)
"""Time between the warning and the deletion of an account that was never verified."""

MOST_A_MINUTE, MOST_AN_HOUR, MOST_IN_ALL = 1, 5, 20
"""Limits of e-mails to one account and for one purpose that can be requested without signing in. The first two count
per network, so that one client cannot use up the owner's share. Only e-mails with an unexpired link count: while a
request is dropped, the owner has valid links."""

TEMPLATES = {
    name: Template(Path(__file__).parent / "emails", name)
    for name in (
        "already_registered",
        "choose_password",
        "confirm_email",
        "deletion_cancelled",
        "deletion_requested",
        "email_change_requested",
        "email_changed",
        "email_taken_back",
        "expiring",
        "invitation",
        "password_changed",
        "reset",
        "verify",
    )
}


@task(on=UserRegistered, urgent=True)
async def send_verification(context: Context, event: UserRegistered, id: UUID) -> None:
    """Mail the link that confirms the address."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and not user.is_verified:
        link = await _make_link(context, context.db, id, user, user.email, VERIFY)
        await _send(context, id, "verify", user, link | _opening(user))


@task(on=VerificationWanted, urgent=True)
async def send_verification_again(context: Context, wanted: VerificationWanted, id: UUID) -> None:
    """Mail the verification link again, on request."""
    await _send_rarely(context, id, "verify", wanted, VERIFY)


@task(on=ResetWanted, urgent=True)
async def send_reset(context: Context, wanted: ResetWanted, id: UUID) -> None:
    """Mail a password reset link."""
    await _send_rarely(context, id, "reset", wanted, RESET)


@task(on=AlreadyRegistered, urgent=True)
async def send_already_registered(context: Context, wanted: AlreadyRegistered, id: UUID) -> None:
    """Notify the owner that the address is already registered, with a password reset link."""
    await _send_rarely(context, id, "already_registered", wanted, RESET)


@task(on=UserInvited, urgent=True)
async def send_invitation(context: Context, event: UserInvited, id: UUID) -> None:
    """Mail the link to choose the account's first password."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and not user.has_password:
        link = await _make_link(context, context.db, id, user, user.email, INVITE)
        await _send(context, id, "invitation", user, link)


@task(on=EmailChangeRequested, urgent=True)
async def send_email_confirmation(context: Context, event: EmailChangeRequested, id: UUID) -> None:
    """Mail the confirmation link to the new address."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and user.pending_email:
        link = await _make_link(context, context.db, id, user, user.pending_email, CONFIRM_EMAIL)
        await _send(context, id, "confirm_email", user, link, to=user.pending_email)


@task(on=EmailChangeRequested, urgent=True)
async def send_email_change_notice(context: Context, event: EmailChangeRequested, id: UUID) -> None:
    """Notify the old address if it was confirmed, with a link that stops the change."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user is None or user.pending_email is None:
        return
    link = await _make_revert_link(context, id, user, user.email)
    if link:
        await _send(context, id, "email_change_requested", user, link, new_email=shown_address(user.pending_email))


@task(on=EmailChanged, urgent=True)
async def send_email_changed(context: Context, event: EmailChanged, id: UUID) -> None:
    """Notify the old address if it was confirmed, with a link that reverts the change. There is no link if an
    administrator made the change."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user is None or user.email == event.old_email or not event.was_verified:
        return
    link = await _make_revert_link(context, id, user, event.old_email)
    if link or user.email == event.email:
        link = link or {"link": None}
        await _send(context, id, "email_changed", user, link, to=event.old_email, new_email=shown_address(event.email))


@task(on=EmailChangeReverted, urgent=True)
async def send_choose_password(context: Context, event: EmailChangeReverted, id: UUID) -> None:
    """Mail a link to choose a password, if the old one is void and none was chosen yet."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and user.email == event.email and not user.has_password:
        link = await _make_link(context, context.db, id, user, user.email, RESET)
        await _send(context, id, "choose_password", user, link)


@task(on=EmailChangeReverted, urgent=True)
async def send_email_taken_back(context: Context, event: EmailChangeReverted, id: UUID) -> None:
    """Notify the address that the account had until the change was reverted."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and event.old_email:
        await _send(context, id, "email_taken_back", user, to=event.old_email)


@task(on=PasswordChanged, urgent=True)
async def send_password_changed(context: Context, event: PasswordChanged, id: UUID) -> None:
    """Notify the owner. Like the other notices, it is not sent to an unconfirmed address, which may belong to another
    person."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and user.is_verified:
        await _send(context, id, "password_changed", user, how=event.how, time=user.credentials_changed_at)


@task(on=DeletionRequested, urgent=True)
async def send_deletion_requested(context: Context, event: DeletionRequested, id: UUID) -> None:
    """Notify the owner of the deletion date and how to cancel it. It is the last e-mail, because the address is deleted
    with the account."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and user.is_verified and user.delete_after:
        await _send(context, id, "deletion_requested", user, time=user.delete_after)


@task(on=DeletionCancelled, urgent=True)
async def send_deletion_cancelled(context: Context, event: DeletionCancelled, id: UUID) -> None:
    """Notify the owner that the deletion was cancelled."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and user.is_verified and not user.delete_after:
        await _send(context, id, "deletion_cancelled", user)


@task(on=UserExpiring, urgent=True)
async def send_expiring(context: Context, event: UserExpiring, id: UUID) -> None:
    """Warn that the account will be deleted, with a link that confirms the address."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and not user.is_verified and not user.delete_after:
        until_then = msgspec.structs.replace(VERIFY, lifetime=EXPIRY_NOTICE)
        link = await _make_link(context, context.db, id, user, user.email, until_then)
        values = _opening(user) | {"opened": user.created_at, "time": event.expires_after}
        await _send(context, id, "expiring", user, link | values)


async def _send_rarely(
    context: Context, id: UUID, name: str, wanted: VerificationWanted | ResetWanted | AlreadyRegistered, link: Link
) -> None:
    """Send an e-mail that can be requested without signing in, if the account exists, may get it, and the limits allow
    it."""
    async with context.db.transaction() as db:
        user = await queries.lock_recipient(db, wanted.email)  # so that concurrent requests are counted in turn
        if user is None or (link is VERIFY and user.is_verified):
            return
        sent = await queries.count_mails(db, user.id, link.purpose, wanted.network, id)
        if sent.last_minute >= MOST_A_MINUTE or sent.last_hour >= MOST_AN_HOUR or sent.in_all >= MOST_IN_ALL:
            return
        made = await _make_link(context, db, id, user, user.email, link, wanted.network)
    await _send(context, id, name, user, made | (_opening(user) if link is VERIFY else {}))


async def _make_link(
    context: Context, db: Database, id: UUID, user: Recipient, to: str, link: Link, network: str | None = None
) -> dict[str, object]:
    """Create a link at the time of sending, so that its token is never stored, queued or logged. The token's hash is
    stored before the e-mail is sent: a crash in between costs a second e-mail, but never leaves a link that does not
    work."""
    token = secrets.token_urlsafe(32)
    await queries.insert_token(db, digest(token), user.id, link.purpose, to, link.lifetime, id, network)
    return _url(context, link, token)


async def _make_revert_link(context: Context, id: UUID, user: Recipient, to: str) -> dict[str, object] | None:
    """Create the link that moves the account back to `to`; None if there is no right to revert."""
    token = secrets.token_urlsafe(32)
    lifetime = REVERT_EMAIL.lifetime
    if await queries.insert_revert_token(context.db, digest(token), user.id, to, lifetime, id) is None:
        return None
    return _url(context, REVERT_EMAIL, token)


def _url(context: Context, link: Link, token: str) -> dict[str, object]:
    # Browsers do not send the fragment, so the token is in no access log.
    url = f"{context.settings.public_url}/{link.page}#token={token}"
    return {"link": url, "minutes": link.lifetime // timedelta(minutes=1)}


def _opening(user: Recipient) -> dict[str, object]:
    """When and from where the account was registered."""
    agent = user.opened_user_agent
    return {
        "time": user.created_at,
        "address": user.opened_address,
        "browser": browser_of(agent),
        "system": system_of(agent),
    }


async def _send(
    context: Context,
    id: UUID,
    name: str,
    user: Recipient,
    link: dict[str, object] | None = None,
    to: str | None = None,
    **values: Any,
) -> None:
    values |= {"application": context.settings.public_url} | (link or {})
    mail = TEMPLATES[name].render(id=str(id), to=to or user.email, language=user.language, account=user.id, **values)
    await context.mail.send(mail)


tasks: list[Task[Any]] = [
    send_verification,
    send_verification_again,
    send_reset,
    send_already_registered,
    send_invitation,
    send_email_confirmation,
    send_email_change_notice,
    send_email_changed,
    send_choose_password,
    send_email_taken_back,
    send_password_changed,
    send_deletion_requested,
    send_deletion_cancelled,
    send_expiring,
]
