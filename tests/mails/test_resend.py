"""Sending a mail again: a fresh link, and when there is no reason to."""

import asyncio
import re
from uuid import uuid4

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from tests.factories import make_user
from tests.mails.conftest import Office
from tests.mails.records import add_mail
from tests.sessions.signing import bearer, login

pytestmark = pytest.mark.case(444)


def tokens(mailbox: MemoryMailer) -> list[str]:
    return [token for mail in mailbox.sent for token in re.findall(r"#token=(\S+)", mail.text)]


async def test_a_repeated_mail_has_a_new_link(office: Office, context: Context, mailbox: MemoryMailer) -> None:
    account = await office.register()
    await office.work()
    [first] = await office.mails()
    await context.db.fetch("update user_tokens set expires_at = now() - interval '1 minute'")
    assert (await office.get(f"/{first['id']}")).json()["link"] == "expired"
    answer = await office.resend(first["id"])
    assert (answer.status_code, answer.json()["state"], answer.json()["repeats"]) == (202, "queued", first["id"])
    await office.work()
    second = (await office.get(f"/{answer.json()['id']}")).json()
    assert (second["state"], second["attempts"], second["link"]) == ("sent", 1, "valid")
    old, new = tokens(mailbox)
    assert (await office.client.post("/api/auth/verify", json={"token": old})).status_code == 400
    assert (await office.client.post("/api/auth/verify", json={"token": new})).status_code == 200
    assert (await office.get(f"/{first['id']}")).json()["repeated_at"]
    [entry] = await context.db.fetch("select data::text, subjects from audit_entries where type = 'mails.repeated'")
    assert (second["id"] in entry[0], entry[1]) == (True, [account])


async def test_a_mail_whose_link_was_used_is_not_repeated(
    office: Office, context: Context, mailbox: MemoryMailer
) -> None:
    await office.register()
    await office.work()
    [mail] = await office.mails()
    await office.client.post("/api/auth/verify", json={"token": tokens(mailbox)[0]})
    shown = (await office.get(f"/{mail['id']}")).json()
    assert (shown["link"], shown["repeatable"]) == ("used", False)
    answer = await office.resend(mail["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "MAIL_LINK_USED")


async def test_a_repetition_without_a_reason_is_skipped(office: Office, context: Context) -> None:
    account = await office.register()
    await office.work()
    [mail] = await office.mails()
    await context.db.fetch("update users set is_verified = true where id = $1", account)
    new = (await office.resend(mail["id"])).json()
    assert [each["id"] for each in await office.mails(state="queued")] == [new["id"]]
    await office.work()
    assert (await office.get(f"/{new['id']}")).json()["state"] == "skipped"
    assert [each["id"] for each in await office.mails(state="skipped")] == [new["id"]]
    assert await office.mails(state="queued") == []


async def test_a_missing_mail(office: Office) -> None:
    assert (await office.resend(uuid4())).status_code == 404
    await office.get(f"/{uuid4()}", expected=404)
    await office.get(f"/{uuid4()}/html", expected=404)


async def test_concurrent_repetitions_send_one_mail(live_client: httpx.AsyncClient, live: Context) -> None:
    root = await make_user(live, "root@example.com", superuser=True)
    office = Office(live_client, live, bearer((await login(live_client, root.email)).json()))
    mail = await add_mail(live, (await make_user(live, "ada@example.com", verified=False)).id)
    answers = await asyncio.gather(*(office.resend(mail) for _ in range(20)))
    assert sorted({each.status_code for each in answers}) == [202, 409]
    assert [each.status_code for each in answers].count(202) == 1
    assert {each.json()["code"] for each in answers if each.status_code == 409} == {"MAIL_UNFINISHED"}
    [row] = await live.db.fetch("select count(*) from outbox_tasks where task = 'users.send_verification'")
    assert row[0] == 1
