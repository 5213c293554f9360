"""Passwords set by a superuser: possible, as in FastAPI Users, but never readable. A superuser may instead start a
reset at /auth/forgot-password."""

import re

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.users.events import PasswordChanged
from api.users.types import User
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.users.administering import BETTER, change
from tests.users.people import can_sign_in, is_signed_in, sign_in


@pytest.mark.case(101)
async def test_no_answer_shows_a_password_or_its_hash(admin: httpx.AsyncClient, context: Context) -> None:
    ada = await make_user(context, "ada@example.com")
    answers = [
        await admin.post("/api/users", json={"email": "ida@example.com"}),
        await admin.get("/api/users"),
        await admin.get(f"/api/users/{ada.id}"),
        await change(admin, ada, password=BETTER),
        await change(admin, ada, password="short"),
        await admin.get(f"/api/users/{ada.id}"),
        await admin.get("/api/audit"),
        await admin.get("/api/users/me/activity"),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 400, 200, 200, 200]
    rows = await context.db.fetch("select password_hash from users where password_hash is not null")
    secrets = {PASSWORD, BETTER, "$argon2", *[row["password_hash"] for row in rows]}
    for answer in answers:
        assert [secret for secret in secrets if secret in answer.text] == [], answer.url
        names = set(re.findall(r'"(\w+)":', answer.text))
        assert not {name for name in names if "password" in name or "hash" in name} - {"hash"}, answer.url
        assert ("hash" in names) == (answer.url.path == "/api/audit"), "the chain's entries"


@pytest.mark.case(101)
async def test_a_password_set_by_an_administrator_is_recorded_and_mailed_to_the_owner(
    admin: httpx.AsyncClient, context: Context, mailbox: MemoryMailer
) -> None:
    ada = await make_user(context, "ada@example.com")
    headers = await sign_in(admin, ada.email)
    assert (await change(admin, ada, password=BETTER)).status_code == 200
    assert not await is_signed_in(admin, headers)
    root = (await admin.get("/api/users/me")).json()["id"]
    entries = (await admin.get("/api/audit", params={"type": "users.password_changed"})).json()["items"]
    [entry] = entries
    assert entry["principal_id"] == root
    assert entry["data"] == msgspec.to_builtins(PasswordChanged(user_id=ada.id, how="admin"), str_keys=True)
    assert await mailed(context) == [], "no link: the administrator may be able to read the mail"
    told = [mail for mail in mailbox.sent if "password" in mail.subject.lower()]
    assert [mail.to for mail in told] == ["ada@example.com"]
    assert "administrator" in told[0].text
    assert BETTER not in repr(mailbox.sent)


@pytest.mark.case(101)
@pytest.mark.parametrize("own", [False, True])
async def test_only_superusers_set_it(admin: httpx.AsyncClient, context: Context, own: bool) -> None:
    ada, ida = [await make_user(context, f"{name}@example.com", roles=["notifier"]) for name in ("ada", "ida")]
    headers = await sign_in(admin, ida.email)
    target: User = ida if own else ada
    answer = await admin.patch(f"/api/users/{target.id}", json={"password": BETTER}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert await can_sign_in(admin, target.email)


@pytest.mark.case(101)
async def test_a_reset_started_by_an_administrator_goes_to_the_owner_only(
    admin: httpx.AsyncClient, context: Context
) -> None:
    await make_user(context, "ada@example.com")
    answer = await admin.post("/api/auth/forgot-password", json={"email": "ada@example.com"})
    assert (answer.status_code, answer.json()) == (202, None)
    [(to, token)] = await mailed(context)
    assert to == "ada@example.com"
    assert token not in (await admin.get("/api/audit")).text
    assert await can_sign_in(admin, "ada@example.com"), "until the owner chooses another"
