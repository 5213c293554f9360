"""Internationalized domains: Unicode for people, punycode for machines."""

import string

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.context import Context
from api.kernel.input.addresses import normal_address, shown_address
from api.kernel.mail import MemoryMailer
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.users.people import sign_in

SHOWN, STORED = "ada@münchen.example", "ada@xn--mnchen-3ya.example"
NEW_SHOWN, NEW_STORED = "ada@bücher.example", "ada@xn--bcher-kva.example"


@pytest.mark.case(275)
async def test_answers_show_unicode_and_events_and_tokens_contain_punycode(
    client: httpx.AsyncClient, context: Context
) -> None:
    """C-275: registering, one's own account, and an administrator's invitation and lists."""
    answer = await client.post("/api/auth/register", json={"email": SHOWN, "password": PASSWORD})
    assert (answer.status_code, answer.json()["email"]) == (201, SHOWN)
    [event] = await context.db.fetch("select data ->> 'email' from outbox_events where type = 'users.registered'")
    assert event[0] == STORED
    await make_user(context, "root@example.com", superuser=True)
    admin = await sign_in(client, "root@example.com")
    invited = await client.post("/api/users", json={"email": NEW_STORED}, headers=admin)
    assert invited.json()["email"] == NEW_SHOWN
    for sort in ("email", "created_at"):
        page = (await client.get(f"/api/users?sort={sort}&limit=2", headers=admin)).json()
        rest = (await client.get(f"/api/users?sort={sort}&cursor={page['next_cursor']}", headers=admin)).json()
        listed = [each["email"] for each in page["items"] + rest["items"]]
        assert sorted(listed) == sorted([SHOWN, NEW_SHOWN, "root@example.com"])
    for typed in (SHOWN, STORED):
        headers = await sign_in(client, typed)
        assert (await client.get("/api/users/me", headers=headers)).json()["email"] == SHOWN
        assert context.tokens.verify(headers["authorization"].split()[1]).email == STORED


@pytest.mark.case(275)
async def test_a_shown_address_can_be_sent_back(client: httpx.AsyncClient, context: Context) -> None:
    """C-275: with the ETag of the answer; the unchanged address needs no password."""
    await make_user(context, STORED)
    headers = await sign_in(client, SHOWN)
    mine = await client.get("/api/users/me", headers=headers)
    change = {"email": mine.json()["email"], "name": "Ada"}
    answer = await client.patch("/api/users/me", json=change, headers=headers | {"if-match": mine.headers["etag"]})
    assert (answer.status_code, answer.json()["email"], answer.json()["name"]) == (200, SHOWN, "Ada")
    again = await client.get("/api/users/me", headers=headers | {"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.case(275)
async def test_mails_go_to_punycode_and_their_text_is_in_unicode(client: httpx.AsyncClient, context: Context) -> None:
    """C-275: to the old address, before and after the change."""
    assert isinstance(context.mail, MemoryMailer)
    await make_user(context, STORED)
    body = {"email": NEW_SHOWN, "current_password": PASSWORD}
    await client.patch("/api/users/me", json=body, headers=await sign_in(client, STORED))
    tokens = dict(await mailed(context))
    assert tokens.keys() == {STORED, NEW_STORED}
    notices = [mail for mail in context.mail.sent if mail.to == STORED]
    answer = await client.post("/api/auth/confirm-email", json={"token": tokens[NEW_STORED]})
    assert answer.json()["email"] == NEW_SHOWN
    await mailed(context)
    notices += context.mail.sent
    assert [mail.to for mail in notices] == [STORED, STORED]
    for mail in notices:
        for text in (mail.text, mail.html):
            assert NEW_SHOWN in text
            assert "xn--" not in text


@pytest.mark.case(276)
async def test_a_search_accepts_both_forms(client: httpx.AsyncClient, context: Context) -> None:
    """C-276: whole addresses, domains and labels, also beside a name that is not ASCII."""
    user = await make_user(context, STORED)
    await context.db.fetch("update users set name = 'Zoë Müller' where id = $1", user.id)
    for other in ("eve@munchen.test", NEW_STORED, "zoe@example.com"):
        await make_user(context, other)
    await make_user(context, "root@example.com", superuser=True)
    admin = await sign_in(client, "root@example.com")
    for q in (
        *(SHOWN, STORED, "ADA@MU\u0308NCHEN.example", "@münchen.example", "@xn--mnchen-3ya.example"),
        *("münchen.example", "xn--mnchen-3ya.example", "München.ex", "zoë münchen.example", "ada münchen"),
        *("Zoë Müller", "mull ada"),
    ):
        found = (await client.get("/api/users", params={"q": q}, headers=admin)).json()["items"]
        assert [each["email"] for each in found] == [SHOWN], q
    found = (await client.get("/api/users", params={"q": "münchen"}, headers=admin)).json()["items"]
    assert {each["email"] for each in found} == {SHOWN, "eve@munchen.test"}


@pytest.mark.case(275)
@pytest.mark.parametrize(
    "address",
    [
        "ada@xn--99zz.example",  # no punycode
        "ada@xn--a.example",
        "ada@xn---bbk.example",  # another spelling of xn--bbk
        "ada@xn--ls8h.example",  # PILE OF POO, not in IDNA 2008
        "ada@xn--1ch.example",  # NOT EQUAL TO
        "ada@ab--cd.xn--mnchen-3ya.example",  # a label that UTS 46 refuses beside one that it accepts
        "xn--mnchen-3ya@example.com",
        "xn--mnchen-3ya",
        "ada@xn--",
    ],
)
def test_an_invalid_domain_is_shown_unchanged(address: str) -> None:
    assert shown_address(address) == address


@pytest.mark.case(275)
@given(st.text(string.ascii_lowercase + "xn-@.3yaßıİüöд\u05d0\u200d\u0301\u3002中", max_size=20), st.booleans())
def test_the_shown_address_is_the_same_address(text: str, is_encoded: bool) -> None:
    typed = f"ada@xn--{text}" if is_encoded else f"ada@{text}.example"
    address = normal_address(typed)
    shown = shown_address(address)
    assert normal_address(shown) == address
    assert shown_address(normal_address(shown)) == shown
