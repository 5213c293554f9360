"""GET /users."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.kernel.context import Context
from api.users.handlers import administration
from tests.factories import make_user
from tests.users.people import sign_in

PEOPLE = {
    "ada.lovelace@example.com": "Ada Lovelace",
    "grace@navy.example": "Grace Brewster Hopper",
    "juergen@example.com": "Jürgen Ärmel",
    "o.brien@example.com": "Conan O'Brien",
    "percent_50%@example.com": "50% \\ (sic",
    "root@example.com": None,
}


@pytest.fixture
async def people(admin: httpx.AsyncClient, context: Context) -> httpx.AsyncClient:
    for email, name in PEOPLE.items():
        if name:
            user = await make_user(context, email)
            await context.db.fetch("update users set name = $2 where id = $1", user.id, name)
    return admin


async def emails(client: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await client.get("/api/users", params=query)
    assert answer.status_code == 200, answer.text
    return [item["email"] for item in answer.json()["items"]]


async def test_lists_accounts_newest_first(people: httpx.AsyncClient) -> None:
    page = (await people.get("/api/users")).json()
    assert set(page) == {"items", "next_cursor", "total"}
    assert (page["total"], page["next_cursor"]) == (len(PEOPLE), None)
    created = [item["created_at"] for item in page["items"]]
    assert created == sorted(created, reverse=True)
    assert (await people.get("/api/users/me")).json() in page["items"]


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "email", "-email"])
@pytest.mark.parametrize("q", ["", "example"])
async def test_pages_are_complete_and_without_repetition(people: httpx.AsyncClient, sort: str, q: str) -> None:
    whole = await emails(people, sort=sort, q=q)
    assert len(whole) == len(PEOPLE)
    if sort.endswith("email"):
        assert whole == sorted(PEOPLE, reverse=sort == "-email")
    else:
        assert whole == (await emails(people, sort={"created_at": "-created_at"}.get(sort, "created_at"), q=q))[::-1]
    found, link = list[str](), f"/api/users?sort={sort}&limit=4&q={q}"
    for size in (4, 2):
        answer = await people.get(link)
        assert answer.json()["total"] == len(PEOPLE)
        assert len(answer.json()["items"]) == size
        found += [item["email"] for item in answer.json()["items"]]
        link = answer.links.get("next", {}).get("url", "")
    assert link == ""
    assert found == whole


@pytest.mark.parametrize("sort", ["email", "-created_at"])
async def test_the_total_of_a_search_stops_at_its_bound(
    people: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    """The bound is 10,000 in production."""
    whole = await emails(people, q="example", sort=sort)
    monkeypatch.setattr(administration, "MOST_COUNTED", 3)
    first = (await people.get("/api/users", params={"q": "example", "limit": 4, "sort": sort})).json()
    assert first["total"] == 3
    rest = {"q": "example", "limit": 4, "sort": sort, "cursor": first["next_cursor"]}
    assert [item["email"] for item in first["items"]] + await emails(people, **rest) == whole


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("ada", {"ada.lovelace@example.com"}),
        ("LOVE", {"ada.lovelace@example.com"}),
        ("lace", set()),
        ("hop grace", {"grace@navy.example"}),
        ("hop ada", set()),
        ("ada.lovelace@example.com", {"ada.lovelace@example.com"}),
        ("love@exam", {"ada.lovelace@example.com"}),
        ("ada@navy", set()),
        ("@navy", {"grace@navy.example"}),
        ("ada@", {"ada.lovelace@example.com"}),
        ("jür", {"juergen@example.com"}),
        ("JU\u0308R", {"juergen@example.com"}),
        ("ärm", {"juergen@example.com"}),
        ("O'Brien", {"o.brien@example.com"}),
        ("50%", {"percent_50%@example.com"}),
        ("5_", {"percent_50%@example.com"}),
        ("(", PEOPLE.keys()),
        ("  ", PEOPLE.keys()),
    ],
)
async def test_every_word_is_a_prefix_of_a_word_of_address_or_name(
    people: httpx.AsyncClient, q: str, found: set[str]
) -> None:
    """C-29: no input is an operator or a wildcard."""
    assert set(await emails(people, q=q)) == set(found)


@pytest.mark.parametrize(
    "q", ["%", "_", "\\", "'", "':*", "a & !b", "a | b", "!a", "a <-> b", "a:*B", "'+active'", "$$", "--", '"', "{}"]
)
async def test_an_operator_separates_words(people: httpx.AsyncClient, q: str) -> None:
    plain = "".join(each if each.isalnum() else " " for each in q)
    assert await emails(people, q=q) == await emails(people, q=plain)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8"), max_size=30))
async def test_any_input_is_answered(admin: httpx.AsyncClient, q: str) -> None:
    answer = await admin.get(f"/api/users?q={quote(q)}")
    assert answer.status_code == (422 if "\0" in q else 200)


async def test_filters(people: httpx.AsyncClient, context: Context) -> None:
    await make_user(context, "gone@example.com", active=False, roles=["active", "notifier"])
    await make_user(context, "sender@example.com", roles=["notifier"])
    await make_user(context, "notifier@example.com")
    assert await emails(people, is_active="false") == ["gone@example.com"]
    assert "gone@example.com" not in await emails(people, is_active="true")
    assert len(await emails(people, is_active="true")) == len(PEOPLE) + 2
    assert set(await emails(people, role="notifier")) == {"gone@example.com", "sender@example.com"}
    assert await emails(people, role="notifier", is_active="true", q="send") == ["sender@example.com"]
    assert await emails(people, role="notif") == [], "a role matches as a whole word"
    assert await emails(people, q="notif") == ["notifier@example.com"], "and matches no word of a name"
    await context.db.fetch("update users set is_active = true, roles = '{}' where email = 'gone@example.com'")
    assert await emails(people, is_active="false") == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1", "limit=0", "limit=101", "limit=1e9", "limit=abc", "limit=5&limit=6", "limit=",
        "limit=" + "9" * 5000,
        "sort=password_hash", "sort=name", "sort=", "sort=email&sort=-email", "sort=email%20desc", "fields=*",
        "is_active=1", "is_active=True", "role=Admin", "role=a%20b", "role=" + "a" * 33, "role=admin%0A", "role=%27",
        "q=" + "a" * 101, "q=%00", "q=a&q=b", "cursor=x", "cursor=", "cursor=" + "a" * 10_000, "unknown=1",
    ],
)  # fmt: skip
async def test_refuses_an_invalid_query(admin: httpx.AsyncClient, query: str) -> None:
    """C-17, C-33."""
    answer = await admin.get(f"/api/users?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")


async def test_a_cursor_is_valid_for_its_caller_and_query_only(people: httpx.AsyncClient, context: Context) -> None:
    """C-17."""
    cursor = (await people.get("/api/users", params={"limit": 2})).json()["next_cursor"]
    assert (await people.get("/api/users", params={"limit": 3, "cursor": cursor})).status_code == 200
    swapped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for other in ({"cursor": swapped}, {"cursor": cursor, "sort": "email"}, {"cursor": cursor, "q": "ada"}):
        assert (await people.get("/api/users", params={"limit": 2, **other})).status_code == 422
    await make_user(context, "second@example.com", superuser=True)
    headers = await sign_in(people, "second@example.com")
    assert (await people.get("/api/users", params={"cursor": cursor}, headers=headers)).status_code == 422


async def test_concurrently_created_or_deleted_accounts_move_no_other(
    people: httpx.AsyncClient, context: Context
) -> None:
    whole = await emails(people)
    first = (await people.get("/api/users", params={"limit": 3})).json()
    await make_user(context, "new@example.com")
    await context.db.fetch("delete from users where email = $1", first["items"][-1]["email"])
    assert await emails(people, cursor=first["next_cursor"]) == whole[3:]


@pytest.mark.parametrize("path", ["", "/0190f3a0-0000-7000-8000-000000000000", "/nonsense"])
async def test_is_for_superusers_only(client: httpx.AsyncClient, context: Context, path: str) -> None:
    """C-96, C-97: 401 and 403 precede all validation."""
    answer = await client.get(f"/api/users{path}")
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
    user = await make_user(context, roles=["superuser", "admin"])
    answer = await client.get(f"/api/users{path}", headers=await sign_in(client, user.email))
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
