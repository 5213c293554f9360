"""Each mail about an account, in each language."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mail import LANGUAGES, MemoryMailer
from api.kernel.mime import Message
from api.kernel.outbox.events import Event
from api.kernel.outbox.tasks import Task
from api.users import tasks
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
from api.users.trust import allow_return
from tests.factories import make_user
from tests.transactions import in_transaction

ADA, NEW = "ada@example.com", "ada.new@example.org"
WHEN = datetime(2026, 3, 9, 4, 5, tzinfo=UTC)
WRITTEN = {"en": "9 March 2026, 04:05 UTC", "de": "9. März 2026, 04:05 Uhr (UTC)"}
ENGLISH = {
    "the",
    "you",
    "your",
    "if",
    "and",
    "not",
    "it",
    "of",
    "this",
    "account",
    "password",
    "device",
    "sign",
    "hours",
}


def made(kind: type[Event], **fields: Any) -> Callable[[UUID], Event]:
    return lambda id: kind(user_id=id, **fields)


def changed(how: str) -> tuple[Task[Any], Callable[[UUID], Event], str]:
    return tasks.send_password_changed, made(PasswordChanged, how=how), "credentials_changed_at = $2"


# The task, its event, and the account's state.
MAILS: dict[str, tuple[Task[Any], Callable[[UUID], Any], str]] = {
    "verify": (tasks.send_verification, made(UserRegistered, email=ADA, language="en"), "is_verified = false"),
    "verify again": (
        tasks.send_verification_again,
        lambda _: tasks.VerificationWanted(email=ADA),
        "is_verified = false",
    ),
    "reset": (tasks.send_reset, lambda _: tasks.ResetWanted(email=ADA), "updated_at = now()"),
    "already registered": (
        tasks.send_already_registered,
        lambda _: tasks.AlreadyRegistered(email=ADA),
        "updated_at = now()",
    ),
    "invitation": (tasks.send_invitation, made(UserInvited, email=ADA, language="en"), "password_hash = null"),
    "confirm email": (
        tasks.send_email_confirmation,
        made(EmailChangeRequested),
        f"pending_email = '{NEW}'",
    ),
    "email change requested": (
        tasks.send_email_change_notice,
        made(EmailChangeRequested),
        f"pending_email = '{NEW}'",
    ),
    "email changed": (
        tasks.send_email_changed,
        made(EmailChanged, old_email=ADA, email=NEW),
        f"email = '{NEW}'",
    ),
    "email changed by an administrator": (
        tasks.send_email_changed,
        made(EmailChanged, old_email=ADA, email=NEW, how="admin"),
        f"email = '{NEW}'",
    ),
    "choose password": (
        tasks.send_choose_password,
        made(EmailChangeReverted, email=ADA, old_email=NEW),
        "password_hash = null",
    ),
    "email taken back": (
        tasks.send_email_taken_back,
        made(EmailChangeReverted, email=NEW, old_email=ADA),
        f"email = '{NEW}'",
    ),
    "password changed": changed("change"),
    "password reset": changed("reset"),
    "password invitation": changed("invitation"),
    "password admin": changed("admin"),
    "deletion requested": (
        tasks.send_deletion_requested,
        made(DeletionRequested, delete_after=WHEN),
        "deletion_requested_at = now(), delete_after = $2",
    ),
    "deletion cancelled": (tasks.send_deletion_cancelled, made(DeletionCancelled), "updated_at = now()"),
}
LINKS = {
    "verify": "verify",
    "verify again": "verify",
    "reset": "reset-password",
    "already registered": "reset-password",
    "invitation": "accept-invitation",
    "confirm email": "confirm-email",
    "email change requested": "revert-email",
    "email changed": "revert-email",
    "choose password": "reset-password",
}
WITH_TIME = {"verify", "verify again", "deletion requested", *(name for name in MAILS if name.startswith("password "))}


async def sent(context: Context, name: str, language: str, called: str | None = None) -> Message:
    """Return the mail, to an account in that state."""
    task, event, state = MAILS[name]
    user = await make_user(context, ADA)
    when = [WHEN] if "$2" in state else []
    await context.db.fetch(f"update users set {state} where id = $1", user.id, *when)
    await context.db.fetch("update users set language = $1, name = $2, created_at = $3", language, called, WHEN)
    if LINKS.get(name) == "revert-email":
        await in_transaction(context.db, allow_return, user.id, ADA)
    await task._function(context, event(user.id), uuid7())
    assert isinstance(context.mail, MemoryMailer)
    [mail] = context.mail.sent
    return mail


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", MAILS)
async def test_text_and_html_of_a_mail_agree(context: Context, name: str, language: str) -> None:
    mail = await sent(context, name, language)
    assert mail.to == (NEW if name == "confirm email" else ADA)
    assert 10 < len(mail.subject) < 78
    links = re.findall(r"http://localhost:8000/[a-z-]+#token=[\w-]{43}", mail.text)
    pages = [link.partition("#")[0].removeprefix("http://localhost:8000/") for link in links]
    assert pages == ([LINKS[name]] if name in LINKS else [])
    assert f'<html lang="{language}">' in mail.html
    for link in links:
        assert f'href="{link}"' in mail.html
    for part in (mail.text, mail.html):
        assert (WRITTEN[language] in part) == (name in WITH_TIME)
        assert "{" not in part
        assert re.search(r"\b[Ww]enn\b" if language == "de" else r"\b[Ii]f\b", part), (
            "every mail has advice for unintended recipients"
        )


@pytest.mark.parametrize("name", MAILS)
async def test_the_german_mail_contains_no_english(context: Context, name: str) -> None:
    mail = await sent(context, name, "de")
    visible = re.sub(r"(?s)<[^>]*>", " ", mail.html)
    for part in (mail.subject, mail.text, visible):
        words = set(re.findall(r"[a-zäöüß]+", re.sub(r"\S+[@/]\S+", "", part).lower()))
        assert words & ENGLISH == set()


async def test_each_way_to_change_a_password_has_its_own_text(context: Context, mailbox: MemoryMailer) -> None:
    user = await make_user(context, ADA)
    for language in LANGUAGES:
        await context.db.fetch("update users set language = $1", language)
        for how in ("change", "reset", "invitation", "admin"):
            await tasks.send_password_changed._function(context, PasswordChanged(user_id=user.id, how=how), uuid7())
    assert len({mail.text for mail in mailbox.sent}) == len({mail.html for mail in mailbox.sent}) == 8


@pytest.mark.parametrize("name", ["email change requested", "email changed", "email changed by an administrator"])
async def test_the_mail_to_the_old_address_names_the_new_one(context: Context, name: str) -> None:
    mail = await sent(context, name, "en")
    assert NEW in mail.text
    assert NEW in mail.html


@pytest.mark.parametrize("name", MAILS)
async def test_no_mail_contains_the_accounts_name(context: Context, name: str) -> None:
    """C-88: neither in a header, nor as markup, nor as a link that a mail program creates from it."""
    mail = await sent(context, name, "en", "{{7*7}} <script> http://evil.example\r\nBcc: eve@example.com")
    for part in (mail.subject, mail.text, mail.html):
        assert not re.search(r"evil|49|script|Bcc", re.sub(r"#token=[\w-]+", "", part)), "tokens may contain these"
