"""Tokens in mails: created at sending, stored as a hash, replaced by the next one; and limits on mails on request."""

import asyncio
import hashlib
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mail import MemoryMailer
from api.kernel.mime import Message
from api.kernel.outbox.tasks import Task
from api.users import tasks
from api.users.events import (
    DeletionCancelled,
    DeletionRequested,
    EmailChanged,
    EmailChangeRequested,
    PasswordChanged,
    UserInvited,
    UserRegistered,
)
from api.users.tasks import AlreadyRegistered, ResetWanted, VerificationWanted
from api.users.trust import allow_return
from tests.factories import make_user
from tests.transactions import in_transaction
from tests.users.test_mail_texts import WHEN

ADA = "ada@example.com"


class Lost(MemoryMailer):
    """A mail server that disconnects before it answers whether it accepted the mail."""

    async def send(self, message: Message) -> str:
        await super().send(message)
        raise ConnectionResetError


def token_in(mail: Message) -> str:
    (token,) = re.findall(r"#token=(\S+)", mail.text)
    return str(token)


async def good_tokens(context: Context) -> set[bytes]:
    good = "select token_hash from user_tokens where used_at is null and expires_at > now() and task_id is not null"
    rows = await context.db.fetch(good)
    return {row[0] for row in rows}


def hashes(*mails: Message) -> set[bytes]:
    return {hashlib.sha256(token_in(mail).encode()).digest() for mail in mails}


async def ask(context: Context, task: Task[Any], value: msgspec.Struct, id: UUID | None = None) -> None:
    await task._function(context, value, id or uuid7())


@pytest.mark.parametrize(
    ("task", "event", "state", "purpose", "lifetime"),
    [
        (tasks.send_verification_again, VerificationWanted(email=ADA), "is_verified = false", "verify", 24),
        (tasks.send_reset, ResetWanted(email=ADA), "name = null", "reset", 0.5),
        (tasks.send_already_registered, AlreadyRegistered(email=ADA), "name = null", "reset", 0.5),
        (tasks.send_invitation, UserInvited, "password_hash = null", "invite", 7 * 24),
        (tasks.send_email_confirmation, EmailChangeRequested, "pending_email = 'new@example.org'", "confirm_email", 24),
        (tasks.send_email_change_notice, EmailChangeRequested, "pending_email = 'n@example.org'", "revert_email", 72),
        (tasks.send_email_changed, EmailChanged, "email = 'new@example.org'", "revert_email", 72),
    ],
)
async def test_a_token_belongs_to_its_purpose_address_and_time(
    context: Context, mailbox: MemoryMailer, task: Task[Any], event: Any, state: str, purpose: str, lifetime: float
) -> None:
    """C-40, C-43: only its hash is stored."""
    user = await make_user(context, ADA)
    await context.db.fetch(f"update users set {state}")
    known = {"user_id": user.id, "email": "new@example.org", "old_email": ADA, "language": "en"}
    known |= {"how": "confirmed", "was_verified": True}
    if isinstance(event, type):
        event = event(**{field.name: known[field.name] for field in msgspec.structs.fields(event)})
    if purpose == "revert_email":
        await in_transaction(context.db, allow_return, user.id, ADA)
    await ask(context, task, event)
    [mail] = mailbox.sent
    lasting = "select *, expires_at - created_at as lifetime from user_tokens where task_id is not null"
    [row] = await context.db.fetch(lasting)
    assert len(token_in(mail)) == 43
    assert hashes(mail) == {row["token_hash"]}
    assert token_in(mail) not in repr(dict(row))
    assert (row["user_id"], row["purpose"], row["email"]) == (user.id, purpose, mail.to)
    assert row["lifetime"] == timedelta(hours=lifetime)


async def test_a_retried_mail_is_the_same_and_both_links_work(context: Context) -> None:
    """The first attempt's mail may have arrived; mailboxes keep one of the two, because they have one Message-ID."""
    user, id, lost = await make_user(context, verified=False), uuid7(), Lost()
    event = UserRegistered(user_id=user.id, email=user.email, language="en")
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            await ask(msgspec.structs.replace(context, mail=lost), tasks.send_verification, event, id)
    assert {mail.id for mail in lost.sent} == {str(id)}
    assert await good_tokens(context) == hashes(*lost.sent)
    assert len(hashes(*lost.sent)) == 2


async def test_a_mail_on_request_is_retried_until_it_is_sent(context: Context) -> None:
    """Its failed attempts do not count against its limit."""
    await make_user(context, ADA)
    id, lost = uuid7(), Lost()
    for _ in range(7):
        with pytest.raises(ConnectionResetError):
            await ask(msgspec.structs.replace(context, mail=lost), tasks.send_reset, ResetWanted(email=ADA), id)
    assert len(lost.sent) == 7


async def test_the_next_mail_keeps_the_previous_link_valid(context: Context, mailbox: MemoryMailer) -> None:
    """C-138: the next one may be requested by a stranger."""
    await make_user(context, ADA)
    for _ in range(2):
        await ask(context, tasks.send_reset, ResetWanted(email=ADA))
        await context.db.fetch("update user_tokens set created_at = created_at - interval '2 minutes'")
    assert await good_tokens(context) == hashes(*mailbox.sent)
    assert len(mailbox.sent) == 2


async def test_tokens_of_other_purposes_accounts_and_addresses_stay_valid(
    context: Context, mailbox: MemoryMailer
) -> None:
    """A thief who changes the address again cannot invalidate the first owner's link."""
    user = await make_user(context, ADA, verified=False)
    await make_user(context, "bob@example.com")
    await ask(context, tasks.send_verification, UserRegistered(user_id=user.id, email=ADA, language="en"))
    for email in (ADA, "bob@example.com"):
        await ask(context, tasks.send_reset, ResetWanted(email=email))
    for old, new in ((ADA, "eve@example.com"), ("eve@example.com", "eve@example.org")):
        await context.db.fetch("update users set email = $2 where id = $1", user.id, new)
        await in_transaction(context.db, allow_return, user.id, old)
        await ask(context, tasks.send_email_changed, EmailChanged(user_id=user.id, old_email=old, email=new))
    assert await good_tokens(context) == hashes(*mailbox.sent)
    assert len(mailbox.sent) == 5


RARE: list[tuple[Task[Any], Any]] = [
    (tasks.send_reset, ResetWanted(email=ADA)),
    (tasks.send_already_registered, AlreadyRegistered(email=ADA)),
    (tasks.send_verification_again, VerificationWanted(email="ADA@example.com")),
]


@pytest.mark.parametrize(("task", "wanted"), RARE)
async def test_one_a_minute_and_five_an_hour(
    context: Context, mailbox: MemoryMailer, task: Task[Any], wanted: msgspec.Struct
) -> None:
    """C-44: silently, in order not to reveal accounts."""
    await make_user(context, ADA, verified=False)
    for minutes in range(60):
        for _ in range(2):
            await ask(context, task, wanted)
        assert len(mailbox.sent) == min(minutes + 1, 5)
        await context.db.fetch("update user_tokens set created_at = created_at - interval '1 minute'")
    await ask(context, task, wanted)
    assert len(mailbox.sent) == 6
    await make_user(context, "bob@example.com", verified=False)
    before = len(mailbox.sent)
    await ask(context, task, msgspec.structs.replace(wanted, email="bob@example.com"))
    assert [mail.to for mail in mailbox.sent[before:]] == ["bob@example.com"], "other accounts are counted separately"


async def test_of_many_concurrent_requests_one_is_sent(live: Context) -> None:
    await make_user(live, ADA)
    mailbox = MemoryMailer()
    context = msgspec.structs.replace(live, mail=mailbox)
    await asyncio.gather(*(ask(context, tasks.send_reset, ResetWanted(email=ADA)) for _ in range(8)))
    assert len(mailbox.sent) == 1


def both(task: Task[Any], kind: Any, **fields: Any) -> tuple[Task[Any], Any]:
    return task, lambda id: kind(user_id=id, **fields)


EVENTS = {
    "verify": both(tasks.send_verification, UserRegistered, email=ADA, language="en"),
    "invite": both(tasks.send_invitation, UserInvited, email=ADA, language="en"),
    "confirm": both(tasks.send_email_confirmation, EmailChangeRequested),
    "revert": both(tasks.send_email_change_notice, EmailChangeRequested),
    "changed": both(tasks.send_email_changed, EmailChanged, old_email=ADA, email="new@example.org"),
    "password": both(tasks.send_password_changed, PasswordChanged, how="change"),
    "deletion": both(tasks.send_deletion_requested, DeletionRequested, delete_after=WHEN),
    "cancelled": both(tasks.send_deletion_cancelled, DeletionCancelled),
    "reset": (tasks.send_reset, lambda _: ResetWanted(email=ADA)),
    "taken": (tasks.send_already_registered, lambda _: AlreadyRegistered(email=ADA)),
    "again": (tasks.send_verification_again, lambda _: VerificationWanted(email=ADA)),
}
EVERY_REASON = (
    "update users set is_verified = false, pending_email = 'new@example.org', password_hash = null, "
    "deletion_requested_at = now(), delete_after = now()"
)


@pytest.mark.parametrize("happened", ["update users set is_active = false", "delete from users"])
@pytest.mark.parametrize("name", EVENTS)
async def test_a_disabled_or_deleted_account_gets_no_mail(
    context: Context, mailbox: MemoryMailer, name: str, happened: str
) -> None:
    user = await make_user(context, ADA)
    await context.db.fetch(EVERY_REASON)
    await context.db.fetch(happened)
    task, event = EVENTS[name]
    await ask(context, task, event(user.id))
    assert mailbox.sent == []
    assert await context.db.fetch("select 1 from user_tokens") == []


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("verify", "is_verified = true"),
        ("again", "is_verified = true"),
        ("invite", "password_hash = 'x'"),
        ("confirm", "pending_email = null"),
        ("revert", "pending_email = null"),
        ("changed", "pending_email = null"),
        ("deletion", "delete_after = null, deletion_requested_at = null"),
        ("cancelled", "delete_after = now(), deletion_requested_at = now()"),
    ],
)
async def test_an_outdated_mail_is_not_sent(context: Context, mailbox: MemoryMailer, name: str, state: str) -> None:
    """`changed`: reverted before the mail was sent."""
    user = await make_user(context, ADA)
    await context.db.fetch(f"update users set {state}")
    task, event = EVENTS[name]
    await ask(context, task, event(user.id))
    assert mailbox.sent == []
    assert await context.db.fetch("select 1 from user_tokens") == []


async def test_an_address_without_an_account_gets_nothing(context: Context, mailbox: MemoryMailer) -> None:
    for task, wanted in RARE:
        await ask(context, task, wanted)
    assert mailbox.sent == []
