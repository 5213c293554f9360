"""GET /users for searches of words that many accounts have: the same accounts in the same order, in bounded pages."""

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.users import queries
from api.users.handlers import administration
from api.users.search import _split

COUNT = 60
LISTED = """
select email from users
 where search @@ $1::text::tsquery
 order by case when $2 = 'created_at' then id end,
          case when $2 = '-created_at' then id end desc,
          case when $2 = 'email' then email end,
          case when $2 = '-email' then email end desc
"""
SEARCHES = {
    "person": "'.person':*",
    "zimmer": "'.zimmer':*",  # of the oldest third
    "anna zimmer": "'.anna':* & '.zimmer':*",
    "anna bert": "'.anna':* & '.bert':*",  # of no account
    "anna@example": "'.anna':* & '.example':*",
    "müller": "'.muller':*",
}


@pytest.fixture
async def many(admin: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    for number in range(COUNT):
        name = f"{('Anna', 'Bert', 'Clara')[number % 3]} {'Zimmer' if number < COUNT // 3 else 'Müller'}"
        email = f"person{number}@{('example', 'mail')[number % 2]}.org"
        await context.db.fetch("insert into users (id, email, name) values ($1, $2, $3)", uuid7(), email, name)
    monkeypatch.setattr(administration, "FREQUENT", 5)
    monkeypatch.setattr(administration, "MOST_READ", 7)
    return admin


async def pages(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    found, cursor = list[dict[str, Any]](), dict[str, str]()
    while not found or found[-1]["next_cursor"]:
        answer = await client.get("/api/users", params=query | cursor)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        cursor = {"cursor": found[-1]["next_cursor"]}
        assert len(found) <= COUNT
    return found


@pytest.mark.parametrize("sort", administration.BEGINNINGS)
@pytest.mark.parametrize("limit", [3, 20])
@pytest.mark.parametrize("q", SEARCHES)
async def test_the_pages_hold_each_account_once_in_order(
    many: httpx.AsyncClient, context: Context, q: str, limit: int, sort: str
) -> None:
    """C-349: although a page reads seven accounts at most."""
    found = await pages(many, q=q, sort=sort, limit=limit)
    expected = [row[0] for row in await context.db.fetch(LISTED, SEARCHES[q], sort)]
    assert [item["email"] for page in found for item in page["items"]] == expected
    assert {page["total"] for page in found} == {administration.MOST_COUNTED}
    assert all(len(page["items"]) <= min(limit, 7) for page in found)


@pytest.mark.parametrize("sort", ["created_at", "-created_at"])
async def test_accounts_before_the_first_that_matches_are_skipped(many: httpx.AsyncClient, sort: str) -> None:
    """C-349: they are all in the oldest third of the list."""
    [first, *_] = await pages(many, q="zimmer clara", sort=sort, limit=2)
    assert len(first["items"]) == 2


async def test_one_rare_word_suffices_to_count(many: httpx.AsyncClient) -> None:
    for q, total in (("person anna 12", 0), ("person31@mail", 1), ("person31@example", 0), ("müller person31 ber", 1)):
        [page] = await pages(many, q=q)
        assert (page["total"], len(page["items"])) == (total, total), q


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=100))
async def test_words_of_ascii_are_split_as_the_index_does(context: Context, text: str) -> None:
    [words] = await queries.split_words(context.db, [text])
    assert _split(text) == words
