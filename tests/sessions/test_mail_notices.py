"""Mails about sign-ins: a new device, and a reused refresh token."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mail import LANGUAGES, MemoryMailer
from api.kernel.mime import Message
from api.sessions.events import SessionEnded, SessionStarted
from api.sessions.tasks import send_new_device, send_token_reused
from tests.factories import make_user

WHEN = datetime(2026, 12, 24, 17, 30, tzinfo=UTC)
WRITTEN = {"en": "24 December 2026, 17:30 UTC", "de": "24. Dezember 2026, 17:30 Uhr (UTC)"}
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def start(
    context: Context, user_agent: str | None = FIREFOX, language: str = "en", verified: bool = True
) -> SessionStarted:
    """Return an account's session on another device."""
    id = (await make_user(context, "ada@example.com", verified=verified)).id
    await context.db.fetch("update users set language = $1", language)
    sid = uuid7()
    await context.db.fetch(
        "insert into sessions (id, user_id, created_at, ended_at, end_reason, idle_expires_at, expires_at, address, "
        "user_agent) values ($1, $2, $3, $3, 'reuse', now(), now(), '192.0.2.7', $4)",
        sid,
        id,
        WHEN,
        user_agent,
    )
    return SessionStarted(session_id=sid, user_id=id, method="password", mode="bearer", new_device=True)


async def send_new(context: Context, event: SessionStarted, new: bool = True) -> list[Message]:
    changed = SessionStarted(
        session_id=event.session_id, user_id=event.user_id, method="password", mode="bearer", new_device=new
    )
    await send_new_device._function(context, changed, uuid7())
    assert isinstance(context.mail, MemoryMailer)
    return context.mail.sent


async def send_reused(
    context: Context, event: SessionStarted, reason: str = "reuse", id: UUID | None = None
) -> list[Message]:
    ended = SessionEnded(session_id=event.session_id, user_id=event.user_id, reason=reason)
    await send_token_reused._function(context, ended, id or uuid7())
    assert isinstance(context.mail, MemoryMailer)
    return context.mail.sent


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_mail_about_a_new_device_has_time_device_and_place(context: Context, language: str) -> None:
    [mail] = await send_new(context, await start(context, language=language))
    assert mail.to == "ada@example.com"
    assert f'<html lang="{language}">' in mail.html
    for part in (mail.text, mail.html):
        for told in (WRITTEN[language], "Firefox, Windows", "192.0.2.7", "http://localhost:8000/forgot-password"):
            assert told in part


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_reused_token_is_mailed(context: Context, language: str) -> None:
    """C-69."""
    [mail] = await send_reused(context, await start(context, language=language))
    assert mail.to == "ada@example.com"
    for part in (mail.text, mail.html):
        for told in (WRITTEN[language], "Firefox, Windows", "http://localhost:8000/forgot-password"):
            assert told in part


async def test_the_german_mails_have_no_english_in_them(context: Context, mailbox: MemoryMailer) -> None:
    event = await start(context, user_agent=None, language="de")
    await send_new(context, event)
    for mail in await send_reused(context, event):
        for part in (mail.subject, mail.text, re.sub(r"<[^>]*>", " ", mail.html)):
            words = set(re.findall(r"\w+", re.sub(r"\S+/\S+", "", part).lower()))
            assert (
                words & {"the", "you", "your", "if", "device", "unknown", "password", "account", "sign", "of"} == set()
            )
    assert len(mailbox.sent) == 2


async def test_a_known_device_is_not_mailed(context: Context) -> None:
    assert await send_new(context, await start(context), new=False) == []


@pytest.mark.parametrize("reason", ["logout", "revoked", "credentials", "disabled", "limit"])
async def test_other_ends_are_not_mailed(context: Context, reason: str) -> None:
    assert await send_reused(context, await start(context), reason) == []


@pytest.mark.parametrize("happened", ["update users set is_active = false", "delete from users"])
async def test_a_disabled_or_deleted_account_gets_no_mail(context: Context, happened: str) -> None:
    event = await start(context)
    await context.db.fetch(happened)
    await send_new(context, event)
    assert await send_reused(context, event) == []


async def test_an_unconfirmed_address_gets_no_mail_about_sign_ins(context: Context) -> None:
    """It may belong to another person, whose mailbox an attacker could fill."""
    assert await send_new(context, await start(context, verified=False)) == []


async def test_a_retried_mail_is_the_same(context: Context) -> None:
    event, id = await start(context), uuid7()
    await send_reused(context, event, id=id)
    first, second = await send_reused(context, event, id=id)
    assert first == second


@pytest.mark.parametrize(
    ("user_agent", "told"),
    [
        (None, "unknown browser, unknown system"),
        ("curl/8.5.0", "unknown browser, unknown system"),
        ("http://evil.example <script>{{7*7}}\r\nBcc: eve@example.com", "unknown browser, unknown system"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "Chrome, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 OPR/120.0", "Opera, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari, macOS"),
    ],
)
async def test_a_device_is_described_in_fixed_words(context: Context, user_agent: str | None, told: str) -> None:
    """C-88: an attacker with the password controls the User-Agent; none of it is in the mail."""
    [mail] = await send_new(context, await start(context, user_agent))
    for part in (mail.text, mail.html):
        assert f"Device: {told}" in part
        assert not re.search(r"evil|49|Mozilla|curl|Bcc|script", part)
