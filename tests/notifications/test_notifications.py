"""notifications.requested: another service sends an account a message."""

import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.errors import NOT_FOUND, VALIDATION_FAILED
from api.kernel.mail import MemoryMailer
from api.kernel.outbox.consumers import Delivery
from api.notifications.requests import consumers
from tests.factories import make_user
from tests.mailed import mailed

[requests] = consumers


async def ask(context: Context, **data: object) -> bool:
    body = msgspec.json.encode({"subject": "Your order", "text": "It is on its way."} | data)
    return await requests.handle(context, Delivery("", str(uuid7()), "notifications.requested", "", body))


async def test_the_account_gets_a_mail_in_its_language(context: Context, mailbox: MemoryMailer) -> None:
    user = await make_user(context, language="de")
    assert await ask(context, user_id=user.id, subject="Bestellung", text="Zeile 1\n<b>Zeile 2</b> {{ 7*7 }}")
    await mailed(context)
    [mail] = mailbox.sent
    assert (mail.to, mail.subject) == (user.email, "Bestellung")
    assert mail.text.startswith("Zeile 1\n<b>Zeile 2</b> {{ 7*7 }}\n\nSie erhalten diese E-Mail")
    assert "&lt;b&gt;Zeile 2&lt;/b&gt; {{ 7*7 }}" in mail.html


@pytest.mark.parametrize("state", [{"verified": False}, {"active": False}, None])
async def test_an_account_that_may_have_no_mail_is_reported(context: Context, state: dict[str, bool] | None) -> None:
    id = uuid7() if state is None else (await make_user(context, **state)).id  # type: ignore[arg-type]
    with pytest.raises(NOT_FOUND):
        await ask(context, user_id=id)
    assert await context.db.fetch("select 1 from outbox_tasks") == []


async def test_a_deleted_account_gets_no_mail(context: Context, mailbox: MemoryMailer) -> None:
    user = await make_user(context)
    assert await ask(context, user_id=user.id)
    await context.db.fetch("delete from users where id = $1", user.id)
    await mailed(context)
    assert mailbox.sent == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "Two\nlines"),
        ("subject", "\u202edrawkcab"),
        ("subject", " "),
        ("subject", "a" * 151),
        ("text", ""),
        ("text", "a" * 10_001),
        ("text", "a\0"),
        ("user_id", "ada"),
    ],
)
async def test_an_invalid_notification_is_refused(context: Context, field: str, value: str) -> None:
    user = await make_user(context)
    with pytest.raises(VALIDATION_FAILED) as refused:
        await ask(context, **{"user_id": user.id, field: value})
    assert [each.pointer for each in refused.value.errors] == [f"/{field}"]
