"""POST /notifications/send, GET /notifications/jobs/{id}."""

from typing import Any

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mail import MemoryMailer
from api.users.types import User
from tests.factories import make_user
from tests.mailed import mailed
from tests.notifications.conftest import NEW, headers_of

pytestmark = pytest.mark.case(401)
SEND = "/api/notifications/send"


async def test_accounts_are_notified_in_their_list_and_by_mail(
    client: httpx.AsyncClient, context: Context, mailbox: MemoryMailer, notifier: dict[str, str], ada: User
) -> None:
    bob = await make_user(context, language="de")
    new = NEW | {"user_ids": [str(ada.id), str(bob.id), str(ada.id)], "link": "/orders/7", "data": {"order": "7"}}
    answer = await client.post(SEND, json=new, headers=notifier)
    assert (answer.status_code, answer.json()["state"], answer.json()["notified"]) == (202, "done", 2)
    headers = await headers_of(client, ada)
    [item] = (await client.get("/api/notifications", headers=headers)).json()["items"]
    assert (item["kind"], item["subject"], item["link"], item["data"]) == (
        "product.order",
        "Your order",
        "/orders/7",
        {"order": "7"},
    )
    assert (await client.get("/api/notifications/counts", headers=headers)).json() == {"unseen": 1, "unread": 1}
    await mailed(context)
    assert {mail.to for mail in mailbox.sent} == {ada.email, bob.email}
    assert all("http://localhost:8000/orders/7" in mail.text for mail in mailbox.sent)


@pytest.mark.parametrize("state", ["is_active = false", "deletion_requested_at = now(), delete_after = now()", None])
async def test_an_account_that_may_not_be_notified_is_named_and_none_is_notified(
    client: httpx.AsyncClient, context: Context, notifier: dict[str, str], ada: User, state: str | None
) -> None:
    other = uuid7()
    if state:
        other = (await make_user(context)).id
        await context.db.fetch(f"update users set {state} where id = $1", other)
    answer = await client.post(SEND, json=NEW | {"user_ids": [str(ada.id), str(other)]}, headers=notifier)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["/user_ids/1"])
    assert await context.db.fetch("select from notifications") == []


async def test_a_key_sends_once(
    client: httpx.AsyncClient, context: Context, notifier: dict[str, str], ada: User
) -> None:
    new = NEW | {"user_ids": [str(ada.id)]}
    keyed = notifier | {"idempotency-key": "order-7"}
    first, second = [(await client.post(SEND, json=new, headers=keyed)).json() for _ in range(2)]
    assert first == second
    other = await client.post(SEND, json=new | {"text": "It is lost."}, headers=keyed)
    assert other.status_code == 422
    await context.db.fetch("delete from answers")  # as after a day
    assert (await client.post(SEND, json=new, headers=keyed)).json() == first
    await context.db.fetch("delete from answers")
    other = await client.post(SEND, json=new | {"text": "It is lost."}, headers=keyed)
    assert (other.status_code, other.json()["code"]) == (422, "NOTIFICATION_KEY_REUSED")
    another = await headers_of(client, await make_user(context, roles=["notifier"]))
    assert (await client.post(SEND, json=new, headers=another | {"idempotency-key": "order-7"})).status_code == 202
    assert len(await context.db.fetch("select from notifications")) == 2, "a key is that of its sender"


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "security.alert"},
        {"kind": "account.closed"},
        {"kind": "unknown.kind"},
        {"kind": "product"},
        {"kind": "product.\u0000"},
        {"subject": "Two\nlines"},
        {"text": "a" * 10_001},
        {"text": "a\0"},
        {"link": "//evil.example"},
        {"link": "/\\evil.example"},
        {"link": "/..//evil.example"},
        {"link": "/a/..//evil.example?a"},
        {"link": "https://evil.example"},
        {"link": "/a b"},
        {"link": "javascript:alert(1)"},
        {"data": {"a": "b" * 501}},
        {"data": {"a": 1}},
        {"data": {"a": "b\0"}},
        {"data": {"a\0": "b"}},
        {"data": {"": "b"}},
        {"subject": "\u202edrawkcab"},
        {"role": "a b"},
        {"data": {f"k{n}": "v" for n in range(21)}},
        {"user_ids": []},
        {"user_ids": ["00000000-0000-0000-0000-000000000001"] * 1001},
        {"role": "editor"},
        {"everyone": False},
        {"extra": 1},
    ],
)
async def test_invalid_sends_are_refused(
    client: httpx.AsyncClient, context: Context, notifier: dict[str, str], ada: User, change: dict[str, Any]
) -> None:
    answer = await client.post(SEND, json=NEW | {"user_ids": [str(ada.id)]} | change, headers=notifier)
    assert answer.status_code == 422
    assert await context.db.fetch("select from notifications") == []


@pytest.mark.case(460)
@pytest.mark.parametrize(
    "change",
    [
        *({"subject": blank} for blank in (" ", "\u00a0", "\u3164", "\u2800\u200d", "\ufe0f", "\uffff")),
        *({"text": blank} for blank in (" \n\t", "\u3164\n\u200b")),
        *({"text": f"a{control}b"} for control in "\x1b\x07\x08\x0b\x0c\x7f\x85\x9b\u202e\u202a"),
    ],
)
async def test_texts_show_and_command_nothing(
    client: httpx.AsyncClient, notifier: dict[str, str], ada: User, change: dict[str, Any]
) -> None:
    answer = await client.post(SEND, json=NEW | {"user_ids": [str(ada.id)]} | change, headers=notifier)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{next(iter(change))}")


@pytest.mark.case(460)
async def test_texts_of_any_script_are_kept(
    client: httpx.AsyncClient, context: Context, notifier: dict[str, str], ada: User
) -> None:
    """Joined emoji, marks of direction and isolated parts, and lines of each kind."""
    words = {"subject": "👩\u200d👧 \u05d0\u200e1 ก็", "text": "\r\n1.\ta\r\n\u2067\u05d0 1\u2069\n" + "é" * 9000}
    answer = await client.post(SEND, json=NEW | words | {"user_ids": [str(ada.id)]}, headers=notifier)
    assert answer.status_code == 202
    [row] = await context.db.fetch("select subject, body as text from notifications")
    assert dict(row) == words


@pytest.mark.case(461)
async def test_a_key_is_the_same_in_both_forms_and_no_other_one(
    client: httpx.AsyncClient, context: Context, notifier: dict[str, str], ada: User
) -> None:
    new, sends = NEW | {"user_ids": [str(ada.id)]}, []
    for key in ("a\\", r'"a\\"', r'"a\""', "a", '"a"'):
        await context.db.fetch("delete from answers")  # as after a day
        answer = await client.post(SEND, json=new, headers=notifier | {"idempotency-key": key})
        sends.append(answer.json()["id"])
    assert len(set(sends[:4])) == 4
    assert sends[4] == sends[3]


@pytest.mark.parametrize("key", ["", "a" * 256, "ä"])
async def test_invalid_keys_are_refused(
    client: httpx.AsyncClient, notifier: dict[str, str], ada: User, key: str
) -> None:
    headers = {**notifier, "idempotency-key": key}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await client.post(SEND, json=NEW | {"user_ids": [str(ada.id)]}, headers=encoded)
    assert 400 <= answer.status_code < 500


async def test_a_role_is_notified_by_a_job(
    client: httpx.AsyncClient, context: Context, notifier: dict[str, str], mailbox: MemoryMailer, ada: User
) -> None:
    editors = [await make_user(context, roles=["editor"]) for _ in range(3)]
    await make_user(context, roles=["editor"], active=False)
    job = (await client.post(SEND, json=NEW | {"role": "editor"}, headers=notifier)).json()
    assert (job["state"], job["total"], job["notified"]) == ("running", 3, 0)
    await mailed(context)
    done = (await client.get(f"/api/notifications/jobs/{job['id']}", headers=notifier)).json()
    assert (done["state"], done["total"], done["notified"]) == ("done", 3, 3)
    assert {mail.to for mail in mailbox.sent} == {editor.email for editor in editors}


async def test_a_job_is_that_of_its_sender(
    client: httpx.AsyncClient, context: Context, notifier: dict[str, str], ada: User
) -> None:
    job = (await client.post(SEND, json=NEW | {"everyone": True}, headers=notifier)).json()
    path = f"/api/notifications/jobs/{job['id']}"
    other = await headers_of(client, await make_user(context, roles=["notifier"]))
    root = await headers_of(client, await make_user(context, superuser=True))
    assert [(await client.get(path, headers=each)).status_code for each in (notifier, other, root)] == [200, 404, 200]
