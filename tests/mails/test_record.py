"""The record of mails: each attempt, without links and tokens."""

import base64
import re
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.features import FEATURES
from api.kernel import MailDelayed, MailRefused
from api.kernel.context import Context
from api.kernel.feature import recording
from api.kernel.mail import MemoryMailer
from api.mails.redaction import redact, redact_html
from api.mails.settings import MailSettings
from api.mails.upkeep import delete_old_mails
from api.users.tasks import ResetWanted, send_reset
from tests.factories import make_user
from tests.mails.conftest import Office, without_mail_server
from tests.mails.records import LINK, add_mail
from worker import queries

pytestmark = pytest.mark.case(443)


async def test_a_mail_is_shown_without_its_link(office: Office, mailbox: MemoryMailer) -> None:
    account = await office.register()
    assert await office.mails() == [], "a mail appears with its first attempt"
    await office.work()
    [token] = re.findall(r"#token=(\S+)", mailbox.sent[-1].text)
    [mail] = await office.mails()
    assert (mail["template"], mail["state"], mail["attempts"], mail["language"]) == ("verify", "sent", 1, "en")
    assert (mail["user_id"], mail["recipient"], mail["reply"]) == (str(account), "ada@example.com", "OK")
    shown = (await office.get(f"/{mail['id']}")).json()
    assert "[localhost/verify …]" in shown["body"]
    assert (shown["link"], shown["repeatable"], shown["task"]) == ("valid", True, "users.send_verification")
    page = await office.get(f"/{mail['id']}/html")
    assert "Confirm the address" in page.text
    assert "href" not in page.text
    assert "sandbox" in page.headers["content-security-policy"]
    assert "script" not in page.headers["content-security-policy"]
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    stored = await office.context.db.fetch("select mails::text from mails")
    assert token not in shown["body"] + page.text + stored[0][0]


async def test_attempts_of_one_mail_are_one_record(office: Office, context: Context) -> None:
    await office.register()
    office.worker = without_mail_server(
        office.worker, MailDelayed("smtp 451 4.7.1 try again"), MailRefused("smtp 550 5.1.1 unknown")
    )
    await office.work()
    [mail] = await office.mails(state="delayed")
    assert mail["reply"] == "smtp 451 4.7.1 try again"
    assert (await office.get(f"/{mail['id']}")).json()["next_attempt_at"]
    assert await office.mails(state="sent") == []
    await context.db.fetch("update outbox_tasks set available_at = now()")
    await office.work()
    [refused] = await office.mails(state="refused")
    assert (refused["id"], refused["attempts"], refused["reply"]) == (mail["id"], 2, "smtp 550 5.1.1 unknown")


async def test_a_mail_is_sent_although_it_cannot_be_recorded(live: Context, mailbox: MemoryMailer) -> None:
    worker = recording(msgspec.structs.replace(live, mail=mailbox), FEATURES)
    await make_user(live, "ada@example.com")
    await live.db.fetch("alter table mails rename to mails_away")
    await send_reset.defer_alone(live.db, ResetWanted("ada@example.com"))
    [task] = await queries.lease_tasks(live.db, ["users.send_reset"], 1, 30)
    await send_reset.run(worker, task.id, task.lease)
    assert len(mailbox.sent) == 1
    assert await live.db.fetch("select 1 from outbox_tasks where task = 'users.send_reset'") == []


async def test_mails_are_filtered_and_paged(office: Office, context: Context) -> None:
    ada, bob = await make_user(context, "ada@example.com"), await make_user(context, "bob@example.com")
    ids = [str(await add_mail(context, ada.id)) for _ in range(5)]
    other = str(await add_mail(context, bob.id, to="bob@example.com", template="reset"))
    assert [mail["id"] for mail in await office.mails()] == [other, *reversed(ids)]
    assert [mail["id"] for mail in await office.mails(recipient="BOB@example.com")] == [other]
    assert [mail["id"] for mail in await office.mails(user_id=bob.id, state="sent", template="reset")] == [other]
    assert await office.mails(user_id=bob.id, template="verify") == []
    first = (await office.get(template="verify", limit=2)).json()
    assert first["total"] == 5
    await context.db.fetch("delete from mails where id = $1", ids[3])  # the last of that page
    second = (await office.get(template="verify", limit=2, cursor=first["next_cursor"])).json()
    assert [mail["id"] for mail in second["items"]] == [ids[2], ids[1]]


@pytest.mark.parametrize(
    "query",
    [
        {"recipient": "a\x00@example.com"},
        {"template": "verify'--"},
        {"state": "lost"},
        {"user_id": "1"},
        {"limit": -1},
        {"cursor": "a" * 2000},
    ],
)
async def test_malformed_filters_are_refused(office: Office, query: dict[str, Any]) -> None:
    await office.get(expected=422, **query)


async def test_only_superusers_see_mails(office: Office, signed_in: httpx.AsyncClient) -> None:
    id = await add_mail(office.context, (await make_user(office.context)).id)
    for path in ("", f"/{id}", f"/{id}/html"):
        assert (await signed_in.get(f"/api/operations/mails{path}")).status_code == 403
    assert (await signed_in.post(f"/api/operations/mails/{id}/resend")).status_code == 403


async def test_records_leave_with_the_account_and_with_age(office: Office, context: Context) -> None:
    ada, bob = await make_user(context, "ada@example.com"), await make_user(context, "bob@example.com")
    await add_mail(context, ada.id)
    old, new = await add_mail(context, bob.id), await add_mail(context, bob.id)
    await context.db.fetch("delete from users where id = $1", ada.id)
    days = context.settings.of(MailSettings).days
    await context.db.fetch("update mails set created_at = now() - $2 * interval '25 hours' where id = $1", old, days)
    assert await delete_old_mails(context) == 1
    assert [mail["id"] for mail in await office.mails()] == [str(new)]


async def test_a_mail_to_no_account_has_no_personal_data(office: Office, context: Context) -> None:
    ada = await make_user(context, "ada@example.com")
    await context.db.fetch("delete from users where id = $1", ada.id)
    await add_mail(context, ada.id)
    [row] = await context.db.fetch("select user_id, recipient, subject, body, html, value from mails")
    assert [*row] == [None] * 6


def test_pages_are_named_and_secrets_are_not() -> None:
    assert redact(f"Open {LINK}, please.") == "Open [app.example.com/verify …] please."
    assert redact("See https://example.com and myapp://verify?t=1.") == "See [example.com] and [verify …]"
    assert redact("id 0198c1f4-0000-7000-8000-000000000001") == "id 0198c1f4-0000-7000-8000-000000000001"
    assert redact_html(f'<a class="x" href="{LINK}">Go</a>') == '<a class="x">Go</a>'
    assert redact_html("<img src=https://example.com/p?t=1>") == "<img>"


@given(
    token=st.binary(min_size=32, max_size=32).map(lambda random: base64.urlsafe_b64encode(random).decode().rstrip("=")),
    form=st.sampled_from(
        [
            "{}",
            "https://app.example.com/{}",
            "https://app.example.com/verify/{}",
            "https://{}.example.com/a?x=1",
            "app://open?token={}&x=1",
            "Code: {}.",
            '<a href="https://a.example/#{}">x</a>',
            "<a href='/verify?t={}'>x</a>",
            "<b>{}</b>",
        ]
    ),
)
def test_no_token_survives(token: str, form: str) -> None:
    """C-61: in any place of a text."""
    text = form.format(token)
    assert token not in redact_html(text)
    if "/verify?" not in form:  # a relative link is an attribute, and not in plain text
        assert token not in redact(text)
