"""POST /auth/register."""

import asyncio
import json
from collections import Counter

import httpx
import msgspec
import pytest

from api.app import create_app
from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.users.types import User
from tests.configured import configured
from tests.conftest import client_of
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed

LONG = ("correct horse battery staple " * 5)[:128]


@pytest.mark.hashing
async def test_creates_an_account(client: httpx.AsyncClient, context: Context) -> None:
    answer = await client.post("/api/auth/register", json={"email": "Ada@Example.com", "password": PASSWORD})
    assert answer.status_code == 201
    user = answer.json()
    assert user["email"] == "ada@example.com"
    assert (user["is_active"], user["is_superuser"], user["is_verified"], user["roles"]) == (True, False, False, [])
    rows = await context.db.fetch("select email, password_hash from users")
    assert [row["email"] for row in rows] == ["ada@example.com"]
    assert rows[0]["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_records_the_event_and_the_task_with_actor_and_origin(
    client: httpx.AsyncClient, context: Context
) -> None:
    answer = await client.post(
        "/api/auth/register", json={"email": "ada@example.com", "password": PASSWORD}, headers={"user-agent": "tests"}
    )
    [event] = await context.db.fetch("select * from outbox_events")
    assert (event["type"], event["topic"], str(event["key"])) == ("users.registered", "users", answer.json()["id"])
    assert (event["address"], event["user_agent"]) == ("127.0.0.1", "tests")
    assert event["traceparent"].split("-")[1] == answer.headers["x-trace-id"]
    [task] = await context.db.fetch("select * from outbox_tasks")
    assert (task["task"], task["event_id"], task["data"]) == ("users.send_verification", event["id"], event["data"])


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.COM"])
async def test_refuses_a_taken_address(client: httpx.AsyncClient, context: Context, email: str) -> None:
    await make_user(context, "ada@example.com")
    answer = await client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (400, "REGISTER_USER_ALREADY_EXISTS")
    assert await context.db.fetch("select 1 from outbox_events") == []


async def test_fifty_concurrent_requests_create_one_account(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-39."""
    emails = ["ada@example.com", "ADA@example.com", "Ada@Example.Com"]
    answers = await asyncio.gather(*(register(live_client, emails[number % 3]) for number in range(50)))
    statuses = Counter(answer.status_code for answer in answers)
    assert (statuses[201], statuses[400] + statuses[503]) == (1, 49)
    [row] = await live.db.fetch(
        "select (select count(*) from users) as users, (select count(*) from outbox_events) as events, "
        "(select count(*) from outbox_tasks) as mails"
    )
    assert tuple(row) == (1, 1, 1)


async def register(client: httpx.AsyncClient, email: str, password: str = PASSWORD, **more: object) -> httpx.Response:
    return await client.post("/api/auth/register", json={"email": email, "password": password, **more})


async def nothing_happened(context: Context) -> bool:
    rows = await context.db.fetch(
        "select 1 from users union all select 1 from outbox_events union all select 1 from outbox_tasks"
    )
    return rows == []


@pytest.mark.parametrize(
    "email",
    [
        # C-31, C-87: addresses that mail servers interpret differently, or as two addresses.
        "a@example.com, evil@example.org",
        "a@example.com,evil@example.org",
        "a@example.com;evil@example.org",
        '"a@example.com" <evil@example.org>',
        "<evil@example.org>",
        "a@example.com(evil)@example.org",
        "a(evil)@example.com",
        '"a b"@example.com',
        '"a"@example.com',
        "a@[127.0.0.1]",
        "a@[IPv6:::1]",
        "a@127.0.0.1",
        "a@10.1",
        "a@localhost",
        "a@com",
        "a@example.com.",
        "a@.example.com",
        "a@example..com",
        "a@-example.com",
        "a@example-.com",
        "a@@example.com",
        "a@b@example.com",
        "@example.com",
        "example.com",
        "",
        " a@example.com",
        "a@example.com ",
        "a b@example.com",
        "a@example.com\n",
        "a@example.com\r\nBcc: evil@example.org",
        "a\r\n@example.com",
        "a\t@example.com",
        "a\v@example.com",
        "a\u2028@example.com",
        "a\u200b@example.com",
        "a\x00@example.com",
        "a@example.com\x00",
        "a\x7f@example.com",
        "ad\u0430@example.com",  # CYRILLIC SMALL LETTER A
        "\u212aate@example.com",  # KELVIN SIGN, which lower() turns into k
        "\u0130van@example.com",  # LATIN CAPITAL LETTER I WITH DOT ABOVE
        "\u017fam@example.com",  # LATIN SMALL LETTER LONG S
        "stra\u00dfe@example.com",
        "ada@-\u00e9.example",
        "ada@\u00e9_x.example",
        "ada@\u2615.example",  # HOT BEVERAGE
        "ada@\u00e9@example.com",
        "ada@" + "\u00e9" * 60 + ".example",
        "ada@\u00e9\x00.example",
        "ad\u0061\u0301@example.com",
        "a\\@example.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 64 + ".com",
        "abcdefgh@" + ".".join(["b" * 60] * 4) + ".com",  # 256 characters
    ],
)
async def test_refuses_an_invalid_address(client: httpx.AsyncClient, context: Context, email: str) -> None:
    answer = await register(client, email)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/email"]
    assert await nothing_happened(context)


@pytest.mark.parametrize(
    "email",
    [
        "a@b.co",
        "first.last+tag@sub.example.co.uk",
        "o'brien@example.com",
        "x_y-z@bücher.example",
        "1@1.example",
        "a" * 64 + "@" + ".".join(["b" * 59] * 3) + ".example",
        "a@example.рф",
    ],
)
async def test_accepts_every_ordinary_address(client: httpx.AsyncClient, email: str) -> None:
    answer = await register(client, email)
    assert (answer.status_code, answer.json().get("email")) == (201, email)


@pytest.mark.parametrize(
    "password", ["k7#Vq2pL", "correct horse battery staple " * 4, LONG, " leading and trailing ", "pässwörter"]
)
async def test_accepts_any_password_of_8_to_128_characters_unchanged(client: httpx.AsyncClient, password: str) -> None:
    """C-49."""
    assert (await register(client, "ada@example.com", password)).status_code == 201
    form = {"username": "ada@example.com", "password": password}
    assert (await client.post("/api/auth/jwt/login", data=form)).status_code == 200
    form["password"] = password.strip() + "!"
    assert (await client.post("/api/auth/jwt/login", data=form)).status_code == 400


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "at least 8 characters"),
        ("x7x7x7x", "at least 8 characters"),
        ("🦉" * 7, "at least 8 characters"),
        ("x" * 129, "at most 128 characters"),
        ("x" * 60_000, "at most 128 characters"),
        ("ada@example.com", "must not be the e-mail address"),
        ("ADA@Example.com", "must not be the e-mail address"),
    ],
)
async def test_refuses_a_weak_password_with_the_reason(
    client: httpx.AsyncClient, context: Context, password: str, why: str
) -> None:
    """C-49; the status and code are FastAPI Users'."""
    answer = await register(client, "Ada@example.com", password)
    assert (answer.status_code, answer.json()["code"]) == (400, "REGISTER_INVALID_PASSWORD")
    assert why in answer.json()["detail"]
    assert await nothing_happened(context)


@pytest.mark.parametrize("position", [72, 127])
async def test_every_character_of_a_password_counts(client: httpx.AsyncClient, position: int) -> None:
    """C-49: bcrypt would stop at 72 bytes."""
    password = LONG
    other = password[:position] + "!" + password[position + 1 :]
    await register(client, "ada@example.com", password)
    answer = await client.post("/api/auth/jwt/login", data={"username": "ada@example.com", "password": other})
    assert answer.json()["code"] == "LOGIN_BAD_CREDENTIALS"


async def test_a_password_with_a_nul_is_refused(client: httpx.AsyncClient, context: Context) -> None:
    answer = await register(client, "ada@example.com", "x7x7x7x7\x00")
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
    assert await nothing_happened(context)


async def test_the_flags_are_accepted_and_ignored(client: httpx.AsyncClient, context: Context) -> None:
    answer = await register(client, "ada@example.com", is_superuser=True, is_verified=True, is_active=False)
    assert answer.status_code == 201
    [row] = await context.db.fetch("select is_active, is_superuser, is_verified from users")
    assert tuple(row) == (True, False, False)


@pytest.mark.parametrize("field", ["is_admin", "id", "created_at", "roles", "password_hash", "__proto__"])
async def test_any_other_field_is_refused(client: httpx.AsyncClient, context: Context, field: str) -> None:
    """C-50."""
    answer = await register(client, "ada@example.com", PASSWORD, **{field: None})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]
    assert await nothing_happened(context)


@pytest.mark.parametrize("body", [{}, {"email": "ada@example.com"}, {"password": PASSWORD}, [], None, "x", 1])
async def test_a_missing_field_is_named(client: httpx.AsyncClient, context: Context, body: object) -> None:
    answer = await client.post(
        "/api/auth/register", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
    given = set(body) if isinstance(body, dict) else {"email", "password"}
    missing = {f"/{name}" for name in {"email", "password"} - given} or {""}
    assert {error["pointer"] for error in answer.json()["errors"]} == missing
    assert await nothing_happened(context)


async def test_the_answer_does_not_contain_the_password(client: httpx.AsyncClient) -> None:
    answer = await register(client, "ada@example.com")
    assert answer.json().keys() == set(User.__struct_fields__)
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(("accepted", "language"), [("de-AT,en;q=0.5", "de"), ("fr,de;q=0.9,en", "de"), ("fr", "en")])
async def test_the_accounts_language_is_the_browsers(
    client: httpx.AsyncClient, context: Context, mailbox: MemoryMailer, accepted: str, language: str
) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    await client.post("/api/auth/register", json=body, headers={"accept-language": accepted})
    assert [row[0] for row in await context.db.fetch("select language from users")] == [language]
    await mailed(context)
    assert [f'lang="{language}"' in mail.html for mail in mailbox.sent] == [True]


@pytest.fixture
def hiding(context: Context) -> httpx.AsyncClient:
    """A client of an application that hides accounts."""
    settings = configured(context.settings, hide_accounts=True)
    app = create_app(settings)
    app.state.context = msgspec.structs.replace(context, settings=settings)
    return client_of(app)


async def test_hidden_accounts_are_not_revealed(
    hiding: httpx.AsyncClient, context: Context, mailbox: MemoryMailer
) -> None:
    """C-37: one answer, and the owner is notified by mail."""
    first = await register(hiding, "ada@example.com")
    await mailed(context)
    assert [mail.to for mail in mailbox.sent] == ["ada@example.com"]
    confirm = mailbox.sent[0].subject
    again = await register(hiding, "ADA@example.com", "another horse and battery")
    assert (first.status_code, first.text) == (again.status_code, again.text) == (202, "null")
    assert first.headers.keys() == again.headers.keys()
    await mailed(context)
    assert [mail.to for mail in mailbox.sent] == ["ada@example.com"]
    assert mailbox.sent[0].subject != confirm
    [row] = await context.db.fetch("select email, is_verified from users")
    assert tuple(row) == ("ada@example.com", False)


async def test_a_weak_password_is_refused_alike_for_taken_and_free_addresses(
    hiding: httpx.AsyncClient, context: Context
) -> None:
    await make_user(context, "ada@example.com")
    for email in ("ada@example.com", "nobody@example.com"):
        answer = await register(hiding, email, "short")
        assert (answer.status_code, answer.json()["code"]) == (400, "REGISTER_INVALID_PASSWORD")
