"""From a request over the worker and the mail to the page behind the link, and the page's request."""

import logging
import re

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.mail import MailRefused, MemoryMailer
from api.kernel.mime import Message
from api.kernel.outbox.events import record
from api.users import tasks
from api.users.events import UserInvited
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.transactions import in_transaction
from tests.users.people import can_sign_in, sign_in

ADA, NEW = "ada@example.com", "ada.new@example.org"
CHANGED = "a better horse and battery"


async def post(client: httpx.AsyncClient, path: str, **body: str) -> None:
    answer = await client.post(f"/api{path}", json=body)
    assert answer.is_success, answer.text


async def invite(context: Context) -> None:
    user = await make_user(context, ADA, verified=False)
    await context.db.fetch("update users set password_hash = null")
    await in_transaction(context.db, record, UserInvited(user_id=user.id, email=ADA, language="en"))


async def change_email(client: httpx.AsyncClient, context: Context) -> dict[str, str]:
    """Request it as a signed-in user. Returns the tokens by address."""
    await make_user(context, ADA)
    body = {"email": NEW, "current_password": PASSWORD}
    answer = await client.patch("/api/users/me", json=body, headers=await sign_in(client, ADA))
    assert answer.status_code == 200, answer.text
    return dict(await mailed(context))


async def test_an_address_is_confirmed(client: httpx.AsyncClient, context: Context) -> None:
    await post(client, "/auth/register", email=ADA, password=PASSWORD)
    [(to, token)] = await mailed(context)
    await post(client, "/auth/verify", token=token)
    assert to == ADA


async def test_a_forgotten_password_is_replaced(client: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, ADA)
    await post(client, "/auth/forgot-password", email="ADA@example.com")
    [(_, token)] = await mailed(context)
    await post(client, "/auth/reset-password", token=token, password=CHANGED)
    assert await can_sign_in(client, ADA, CHANGED)
    assert not await can_sign_in(client, ADA)


async def test_an_invitation_is_accepted(client: httpx.AsyncClient, context: Context) -> None:
    await invite(context)
    [(_, token)] = await mailed(context)
    await post(client, "/auth/reset-password", token=token, password=CHANGED)
    assert await can_sign_in(client, ADA, CHANGED)


async def test_a_new_address_is_confirmed_and_reverted(client: httpx.AsyncClient, context: Context) -> None:
    links = await change_email(client, context)
    await post(client, "/auth/confirm-email", token=links[NEW])
    assert await can_sign_in(client, NEW)
    [(to, token)] = await mailed(context)
    assert to == ADA
    await post(client, "/auth/revert-email", token=token)
    assert not await can_sign_in(client, ADA), "the author of the change knows the password"
    assert not await can_sign_in(client, NEW)
    [(to, token)] = await mailed(context)
    assert to == ADA
    await post(client, "/auth/reset-password", token=token, password=CHANGED)
    assert await can_sign_in(client, ADA, CHANGED)


async def test_a_new_address_is_cancelled_before_its_confirmation(client: httpx.AsyncClient, context: Context) -> None:
    links = await change_email(client, context)
    await post(client, "/auth/revert-email", token=links[ADA], password=CHANGED)
    answer = await client.post("/api/auth/confirm-email", json={"token": links[NEW]})
    assert (answer.status_code, await can_sign_in(client, ADA, CHANGED)) == (400, True)
    assert await mailed(context) == [], "a password can be chosen"


@pytest.mark.parametrize("header", ["host", "x-forwarded-host", "forwarded", "origin", "referer"])
async def test_no_header_changes_the_links_host(
    client: httpx.AsyncClient, context: Context, mailbox: MemoryMailer, header: str
) -> None:
    """C-82."""
    await make_user(context, ADA)
    evil = {"forwarded": "host=evil.example", "origin": "https://evil.example", "referer": "https://evil.example/"}
    value = evil.get(header, "evil.example")
    for path, body in (
        ("/auth/forgot-password", {"email": ADA}),
        ("/auth/register", {"email": NEW, "password": PASSWORD}),
    ):
        answer = await client.post(f"/api{path}", json=body, headers={header: value})
        assert (answer.status_code == 421) == (header == "host")
    assert len(await mailed(context)) == (0 if header == "host" else 2)
    for mail in mailbox.sent:
        for link in re.findall(r"https?://[^\s<\"]*", mail.text + mail.html):
            assert link.startswith("http://localhost:8000/")
        assert "evil" not in mail.text + mail.html


@pytest.mark.parametrize("language", ["de", "en"])
async def test_a_registration_is_answered_in_its_language(
    client: httpx.AsyncClient, context: Context, mailbox: MemoryMailer, language: str
) -> None:
    accepted = {"accept-language": f"{language}-AT,{language};q=0.9,fr;q=0.5"}
    await client.post("/api/auth/register", json={"email": ADA, "password": PASSWORD}, headers=accepted)
    await mailed(context)
    assert [f'<html lang="{language}">' in mail.html for mail in mailbox.sent] == [True]


async def test_a_repeated_registration_is_answered_by_mail_where_accounts_are_hidden(
    context: Context, mailbox: MemoryMailer
) -> None:
    await make_user(context, ADA)
    await tasks.send_already_registered.defer_alone(context.db, tasks.AlreadyRegistered(email=ADA))
    assert [to for to, _ in await mailed(context)] == [ADA]
    assert mailbox.sent[0].subject == "You already have an account"


class Refusing(MemoryMailer):
    """Stores the mail for the test, and raises a permanent failure."""

    async def send(self, message: Message) -> str:
        await super().send(message)
        raise MailRefused(550)


async def test_no_token_and_no_address_reaches_a_log_when_a_mail_fails(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    """C-61."""
    caplog.set_level(logging.DEBUG)
    await invite(context)
    await make_user(context, NEW, verified=False)
    await tasks.send_reset.defer_alone(context.db, tasks.ResetWanted(email=ADA))
    await tasks.send_verification_again.defer_alone(context.db, tasks.VerificationWanted(email=NEW))
    mailbox = Refusing()
    refusing = msgspec.structs.replace(context, mail=mailbox)
    with pytest.raises(AssertionError):  # dead letters keep their rows
        await mailed(refusing)
    assert len(mailbox.sent) == 3
    logged = caplog.text + "".join(repr(vars(each)) for each in caplog.records)
    assert "task failed" in logged
    kept = repr(
        await context.db.fetch("select o::text from outbox_tasks o union all select o::text from outbox_events o")
    )
    for mail in mailbox.sent:
        (token,) = re.findall(r"#token=(\S+)", mail.text)
        assert token not in logged + kept
        assert mail.recipients[0] not in logged
