"""The mails about accounts. A task is one mail, and its id becomes the Message-ID: a second attempt sends the same mail
again. What is no longer so when its turn comes (confirmed already, cancelled, disabled, gone) is not mailed."""

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
    UserInvited,
    UserRegistered,
)
from api.users.tokens import digest
from api.users.trust import REVERT_LIFETIME
from api.users.types import Recipient


class VerificationWanted(msgspec.Struct, frozen=True):
    """Somebody asks for the link to confirm this address once more."""

    email: str
    network: str = ""
    """From which they ask."""


class ResetWanted(msgspec.Struct, frozen=True):
    """Somebody says that they forgot the password of this address."""

    email: str
    network: str = ""


class AlreadyRegistered(msgspec.Struct, frozen=True):
    """Somebody registers this address, which has an account, and must not learn so from the answer."""

    email: str
    network: str = ""


class Link(msgspec.Struct, frozen=True):
    """A page of the application, and the token that a mail carries to it."""

    page: str
    purpose: str
    lifetime: timedelta


VERIFY = Link("verify", "verify", timedelta(hours=24))
RESET = Link("reset-password", "reset", timedelta(minutes=30))
INVITE = Link("accept-invitation", "invite", timedelta(days=7))
CONFIRM_EMAIL = Link("confirm-email", "confirm_email", timedelta(hours=24))
REVERT_EMAIL = Link("revert-email", "revert_email", REVERT_LIFETIME)

MOST_A_MINUTE, MOST_AN_HOUR, MOST_IN_ALL = 1, 5, 20
"""Of the mails that anybody can ask for, to one account and for one purpose: the first two from one network, so that a
stranger uses up only their own share. Only those count whose link has not expired: as long as a mail is refused, links
that are good are on their way."""

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
    """The same, for whoever asks: nothing tells them whether there is such an account."""
    await _send_rarely(context, id, "verify", wanted, VERIFY)


@task(on=ResetWanted, urgent=True)
async def send_reset(context: Context, wanted: ResetWanted, id: UUID) -> None:
    """Mail the link to a new password."""
    await _send_rarely(context, id, "reset", wanted, RESET)


@task(on=AlreadyRegistered, urgent=True)
async def send_already_registered(context: Context, wanted: AlreadyRegistered, id: UUID) -> None:
    """Tell an account's owner that it is there, with the link to a new password: they have forgotten, most likely."""
    await _send_rarely(context, id, "already_registered", wanted, RESET)


@task(on=UserInvited, urgent=True)
async def send_invitation(context: Context, event: UserInvited, id: UUID) -> None:
    """Mail the link to the account's first password."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and not user.has_password:
        link = await _make_link(context, context.db, id, user, user.email, INVITE)
        await _send(context, id, "invitation", user, link)


@task(on=EmailChangeRequested, urgent=True)
async def send_email_confirmation(context: Context, event: EmailChangeRequested, id: UUID) -> None:
    """Ask at the new address whether it is theirs."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and user.pending_email:
        link = await _make_link(context, context.db, id, user, user.pending_email, CONFIRM_EMAIL)
        await _send(context, id, "confirm_email", user, link, to=user.pending_email)


@task(on=EmailChangeRequested, urgent=True)
async def send_email_change_notice(context: Context, event: EmailChangeRequested, id: UUID) -> None:
    """Tell the old address, with the link that stops the change, if the address was proved: whoever reads the mail to
    another one has no account with us."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user is None or user.pending_email is None:
        return
    link = await _make_revert_link(context, id, user, user.email)
    if link:
        await _send(context, id, "email_change_requested", user, link, new_email=shown_address(user.pending_email))


@task(on=EmailChanged, urgent=True)
async def send_email_changed(context: Context, event: EmailChanged, id: UUID) -> None:
    """Tell the address that was the account's, if it was proved, with the link that makes it so again; without a link
    where an administrator made the change."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user is None or user.email == event.old_email or not event.was_verified:
        return
    link = await _make_revert_link(context, id, user, event.old_email)
    if link or user.email == event.email:
        link = link or {"link": None}
        await _send(context, id, "email_changed", user, link, to=event.old_email, new_email=shown_address(event.email))


@task(on=EmailChangeReverted, urgent=True)
async def send_choose_password(context: Context, event: EmailChangeReverted, id: UUID) -> None:
    """Mail the link to a new password, where the old one is void and none was chosen yet."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and user.email == event.email and not user.has_password:
        link = await _make_link(context, context.db, id, user, user.email, RESET)
        await _send(context, id, "choose_password", user, link)


@task(on=EmailChangeReverted, urgent=True)
async def send_email_taken_back(context: Context, event: EmailChangeReverted, id: UUID) -> None:
    """Tell the address that the account had until then."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and event.old_email:
        await _send(context, id, "email_taken_back", user, to=event.old_email)


@task(on=PasswordChanged, urgent=True)
async def send_password_changed(context: Context, event: PasswordChanged, id: UUID) -> None:
    """Tell the owner, whoever changed it. Like the other notices, not at an address that was not proved: it may be a
    stranger's."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and user.is_verified:
        await _send(context, id, "password_changed", user, how=event.how, time=user.credentials_changed_at)


@task(on=DeletionRequested, urgent=True)
async def send_deletion_requested(context: Context, event: DeletionRequested, id: UUID) -> None:
    """Tell the owner when the account will be gone and how to keep it. It is the last mail: afterwards nobody knows the
    address."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and user.is_verified and user.delete_after:
        await _send(context, id, "deletion_requested", user, time=user.delete_after)


@task(on=DeletionCancelled, urgent=True)
async def send_deletion_cancelled(context: Context, event: DeletionCancelled, id: UUID) -> None:
    """Tell the owner that the account stays."""
    user = await queries.find_recipient(context.db, event.user_id)
    if user and user.is_verified and not user.delete_after:
        await _send(context, id, "deletion_cancelled", user)


async def _send_rarely(
    context: Context, id: UUID, name: str, wanted: VerificationWanted | ResetWanted | AlreadyRegistered, link: Link
) -> None:
    """A mail that anybody can ask for: to an account that is there and may have it, and not too often."""
    async with context.db.transaction() as db:
        user = await queries.lock_recipient(db, wanted.email)  # so that two at once are counted one after the other
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
    """A link, made at the moment of sending, so that no row, queue, log or event ever held its token. Its hash is kept
    before it is sent: a crash in between costs a second mail, never a link that does not work."""
    token = secrets.token_urlsafe(32)
    await queries.insert_token(db, digest(token), user.id, link.purpose, to, link.lifetime, id, network)
    return _url(context, link, token)


async def _make_revert_link(context: Context, id: UUID, user: Recipient, to: str) -> dict[str, object] | None:
    """The link that takes the account back to `to`, where its reader has the right to."""
    token = secrets.token_urlsafe(32)
    lifetime = REVERT_EMAIL.lifetime
    if await queries.insert_revert_token(context.db, digest(token), user.id, to, lifetime, id) is None:
        return None
    return _url(context, REVERT_EMAIL, token)


def _url(context: Context, link: Link, token: str) -> dict[str, object]:
    # Browsers send no fragment to any server, so no access log sees the token.
    url = f"{context.settings.public_url}/{link.page}#token={token}"
    return {"link": url, "minutes": link.lifetime // timedelta(minutes=1)}


def _opening(user: Recipient) -> dict[str, object]:
    """When and from where the account was opened."""
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
    mail = TEMPLATES[name].render(id=str(id), to=to or user.email, language=user.language, **values)
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
]
