"""One-click unsubscription (RFC 8058): the headers of mails, and the request that mail clients send."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.notifications import tokens
from api.users.types import User
from tests.factories import make_user
from tests.mailed import mailed
from tests.notifications.conftest import events_of, notified

pytestmark = pytest.mark.case(404)
PATH = "/api/notifications/unsubscribe"
FORM = {"List-Unsubscribe": "One-Click"}
# A browser at a mail provider: another origin, cookies of none, and a form.
FOREIGN = {"origin": "https://mail.google.com", "sec-fetch-site": "cross-site"}


async def values_of(context: Context, user: User) -> list[tuple[str, str, str]]:
    rows = await context.db.fetch(
        "select kind_group, channel, value from notification_switches where user_id = $1 order by 1", user.id
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def test_the_link_in_the_header_switches_this_kind_of_mail_off(
    client: httpx.AsyncClient, context: Context, ada: User, mailbox: MemoryMailer
) -> None:
    await notified(context, ada)
    await mailed(context)
    headers = mailbox.sent[0].headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(r"<http://localhost:8000(.+)>", headers["List-Unsubscribe"])
    assert found
    client.cookies.clear()
    for _ in range(2):
        answer = await client.post(found[1], data=FORM, headers=FOREIGN)
        assert (answer.status_code, answer.json()) == (200, {"groups": ["product"]})
    assert await values_of(context, ada) == [("product", "mail", "off")]
    assert len(await events_of(context, "notifications.preferences_changed")) == 1
    await notified(context, ada)
    await mailed(context)
    assert mailbox.sent == []


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"content": b""},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"json": FORM},
        {"content": b"\xff\x00", "headers": {"content-type": "text/plain"}},
    ],
    ids=["none", "empty", "multipart", "json", "garbage"],
)
async def test_the_body_does_not_matter(
    client: httpx.AsyncClient, context: Context, ada: User, sent: dict[str, object]
) -> None:
    token = await tokens.make(context, ada.id, "product")
    assert (await client.post(PATH, params={"token": token}, **sent)).status_code == 200  # type: ignore[arg-type]
    assert await values_of(context, ada) == [("product", "mail", "off")]


async def test_cookies_of_a_signed_in_browser_do_not_matter(
    adas: httpx.AsyncClient, context: Context, ada: User
) -> None:
    other = await make_user(context)
    token = await tokens.make(context, other.id, "product")
    cookies = {"cookie": "__Host-access=broken; XSRF-TOKEN=broken"}
    assert (await adas.post(PATH, params={"token": token}, data=FORM, headers=FOREIGN | cookies)).status_code == 200
    assert (await values_of(context, other), await values_of(context, ada)) == ([("product", "mail", "off")], [])


async def test_opening_the_link_leads_to_the_application_and_changes_nothing(
    client: httpx.AsyncClient, context: Context, ada: User
) -> None:
    token = await tokens.make(context, ada.id, "product")
    opened = await client.get(PATH, params={"token": token})
    assert (opened.status_code, opened.headers["location"]) == (303, f"/unsubscribe#token={token}")
    assert (await client.get(f"{PATH}/preview", params={"token": token})).json() == {"groups": ["product"]}
    assert await values_of(context, ada) == []


async def test_changed_tokens_are_refused(client: httpx.AsyncClient, context: Context, ada: User) -> None:
    good = await tokens.make(context, ada.id, "product")
    other = await tokens.make(context, ada.id, "account")
    version, payload, signature = good.split(".")
    forged = [
        f"{version}.{other.split('.')[1]}.{signature}",
        f"{int(version) + 1}.{payload}.{signature}",
        f"{version}.{payload}.{signature[:-2]}AA",
        f"{version}.{payload}.",
        f"{version}..{signature}",
        good + "=",
        good.replace(".", ".."),
        "",
        ".",
        "\u00e9.\u00e9.\u00e9",
        "a\0b",
    ]
    for token in forged:
        for method in ("GET", "POST"):
            refused = await client.request(method, PATH, params={"token": token})
            assert refused.status_code in (400, 422), token
    assert (await client.post(PATH, params={"token": forged[0]})).json()["code"] == "UNSUBSCRIBE_TOKEN_INVALID"
    assert (await client.post(PATH, params={"token": "a" * 201})).status_code == 422
    assert await values_of(context, ada) == []


async def test_mails_about_security_cannot_be_switched_off(
    client: httpx.AsyncClient, context: Context, ada: User
) -> None:
    token = await tokens.make(context, ada.id, "security")
    refused = await client.post(PATH, params={"token": token}, data=FORM)
    assert (refused.status_code, refused.json()["code"]) == (409, "NOTIFICATION_SWITCH_LOCKED")
    everything = await tokens.make(context, ada.id, tokens.ALL)
    assert (await client.post(PATH, params={"token": everything})).json() == {"groups": ["account", "product"]}
    assert [group for group, _, _ in await values_of(context, ada)] == ["account", "product"]


async def test_a_token_outlives_its_account_and_a_newer_key(
    client: httpx.AsyncClient, context: Context, ada: User
) -> None:
    token = await tokens.make(context, ada.id, "product")
    await context.db.fetch("insert into notification_keys default values")
    context.cache.flights.clear()
    newer = await tokens.make(context, ada.id, "product")
    assert int(newer.split(".")[0]) > int(token.split(".")[0])
    for each in (token, newer):
        assert (await client.post(PATH, params={"token": each})).status_code == 200
    await context.db.fetch("delete from users where id = $1", ada.id)
    assert (await client.post(PATH, params={"token": token})).status_code == 200


async def test_the_footer_has_the_page_of_the_application(context: Context, ada: User, mailbox: MemoryMailer) -> None:
    await notified(context, ada)
    await mailed(context)
    mail = mailbox.sent[0]
    [page] = re.findall(r"http://localhost:8000/unsubscribe#token=\S+", mail.text)
    assert page in mail.html
    header = urlsplit(mail.headers["List-Unsubscribe"].strip("<>"))
    assert parse_qs(header.query)["token"] == [page.partition("=")[2]]
