"""GET /users?q=: typed text finds the intended accounts; index and query split it into words alike."""

import unicodedata

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.users import queries
from tests.factories import make_user
from tests.transactions import in_transaction
from tests.users.people import sign_in

NAMES = [
    "हिन्दी शर्मा",
    "José Martínez",
    "İstanbul Öztürk",
    "Diyarbakır Işık",
    "ΟΔΥΣΣΕΥΣ Λαέρτης",
    "Майя Йовович",
    "Straße Müller",
    "김철수",
    "ジョン・スミス",
    "หมู่บ้าน",
    "هاشمی‌رفسنجانی",
    "Zoë 🎉",
    "Łukasz Ørsted",
    "ﬁona O’Brien-Smith",
]
FOUND = [
    ("हिन्दी", 0),
    ("हिन", 0),
    ("José", 1),
    (unicodedata.normalize("NFD", "José"), 1),
    ("jose martinez", 1),
    ("İstanbul", 2),
    ("istanbul", 2),
    ("ISTANBUL", 2),
    ("ıstanbul", 2),
    ("DİYARBAKIR", 3),
    ("diyarbakir ışık", 3),
    ("οδυσ", 4),
    ("ΟΔΥΣ", 4),
    ("Οδυσσεύς ΛΑΕΡΤΗΣ", 4),
    ("майя йов", 5),
    ("ЙОВОВИЧ", 5),
    ("strasse", 6),
    ("STRASSE muller", 6),
    ("김철", 7),
    ("スミス", 8),
    ("หมู่", 9),
    ("هاشمی‌رفسنجانی", 10),
    ("هاشمیرفسنجانی", 10),
    ("zoe", 11),
    ("🎉", 11),
    ("łukasz", 12),
    ("ØRSTED", 12),
    ("Fiona", 13),
    ("smith o'brien", 13),
    ("O’Brien", 13),
]


@pytest.fixture
async def admin(client: httpx.AsyncClient, context: Context) -> httpx.AsyncClient:
    for number, name in enumerate(NAMES):
        user = await make_user(context, f"{number}x@example.com")
        await in_transaction(context.db, queries.change_profile, user.id, True, name, None)
    superuser = await make_user(context, "root@example.com", superuser=True)
    client.headers.update(await sign_in(client, superuser.email))
    return client


async def test_typed_text_finds_the_intended_accounts(admin: httpx.AsyncClient) -> None:
    """C-157: in any case, composed or not, with or without accents and joiners."""
    wrong = {}
    for q, number in FOUND:
        answer = await admin.get("/api/users", params={"q": q})
        found = [each["email"] for each in answer.json()["items"]]
        if found != [f"{number}x@example.com"]:
            wrong[q] = found
    assert wrong == {}


@pytest.mark.parametrize("q", ["Ösmith, fiona", "Ösmith_fiona", "„Öfiona“", "Ö/x"])
async def test_text_that_cannot_be_a_domain_is_searched_as_words_only(admin: httpx.AsyncClient, q: str) -> None:
    """C-157: its ASCII letters alone are not labels of a domain."""
    assert (await admin.get("/api/users", params={"q": q})).json()["items"] == []


async def test_a_whole_name_finds_its_account(admin: httpx.AsyncClient) -> None:
    """C-157."""
    for number, name in enumerate(NAMES):
        for typed in (name, name.upper(), name.lower(), unicodedata.normalize("NFD", name)):
            answer = await admin.get("/api/users", params={"q": typed})
            assert [each["email"] for each in answer.json()["items"]] == [f"{number}x@example.com"], typed


@pytest.mark.parametrize("q", ["'", "\\", "&|!()<->:*", "'.ada':*", "a'b\\c", "\u200d", "\u0301", "'' | ''"])
async def test_no_character_is_an_operator(admin: httpx.AsyncClient, q: str) -> None:
    """C-29, C-30."""
    assert (await admin.get("/api/users", params={"q": q})).status_code == 200


async def test_changed_accounts_are_searchable_at_once(admin: httpx.AsyncClient, context: Context) -> None:
    """C-157: also with the statements of the previous release, which do not write the column."""
    id = uuid7()
    await context.db.fetch("insert into users (id, email, name) values ($1, 'new@example.org', 'Åsa')", id)
    for change, q in (
        ("name = name", "asa"),
        ("name = 'Élodie'", "elodie"),
        ("email = 'other@example.net'", "other@example.net"),
        ("roles = '{notifier}'", "elodie&role=notifier"),
        ("is_active = false", "elodie&is_active=false"),
    ):
        await context.db.fetch(f"update users set {change} where id = $1", id)
        found = (await admin.get(f"/api/users?q={q}")).json()["items"]
        assert [each["id"] for each in found] == [str(id)], change
