"""The plans of GET /users: by index, for every page and number of accounts. Each statement is explained with the plan
that PostgreSQL chooses after many executions, and with a generic plan, which does not use the parameters."""

import itertools
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from api.kernel.context import Context
from api.users import queries
from api.users.handlers.administration import BEGINNINGS, MOST_WORDS, REVERSED
from api.users.search import search_of
from api.users.types import Range, UserSearch
from tests.query_plans import explain, nodes, pages

pytestmark = pytest.mark.fresh

ACCOUNTS = 10_000
OPEN = """
insert into users (id, email, name, is_active, roles)
select lpad(to_hex(n), 32, '0')::uuid, 'account' || n || '@example.com', 'Nómen ' || n, n % 1000 <> 0,
       case n % 4000 when 7 then '{notifier}'::text[] else '{}' end
  from generate_series(1, $1::integer) as n
"""
MODES = ("auto", "force_generic_plan")
MIDDLE: dict[str, UUID | str] = {
    "created_at": UUID(int=5000),
    "-created_at": UUID(int=5000),
    "email": "account5",
    "-email": "account5",
}
RARE = [
    UserSearch(q="account777"),
    UserSearch(q="nobody"),
    UserSearch(q="nómen account1234@exam"),
    UserSearch(q="account ñ account1234"),
    UserSearch(role="notifier"),
    UserSearch(is_active=False),
    UserSearch(is_active=False, q="n"),
]
FREQUENT_WORDS = "n", "account", "a n e c", "nómen account@exam"
FREQUENT = 1_000
MOST_COUNTED = 500


@pytest.fixture
async def many(context: Context) -> Context:
    await context.db.fetch(OPEN, ACCOUNTS)
    await context.db.fetch("analyze users, user_words")
    return context


def literal(value: object) -> str:
    if isinstance(value, list):
        return f"'{msgspec.json.encode(value).decode()}'"
    return "null" if value is None else f"$_${value}$_$"


def place(after: UUID | str) -> tuple[UUID, str]:
    return (after, "") if isinstance(after, UUID) else (UUID(int=0), after)


async def plan(context: Context, query: Any, *arguments: object, mode: str = "auto") -> dict[str, Any]:
    """The plan in use after many executions, executed once more. `mode` is a plan_cache_mode of PostgreSQL."""
    literals = ", ".join(map(literal, arguments))
    types = {UUID: "uuid", int: "bigint", bool: "boolean", list[Range]: "jsonb"}
    parameters = ", ".join(types.get(kind, "text") for kind in query.bound.parameters.values())
    await context.db.fetch("select set_config('plan_cache_mode', $1, false)", mode)
    await context.db.fetch(f"prepare it ({parameters}) as {query.bound.statement}")
    for _ in range(8):
        await context.db.fetch(f"execute it ({literals})")
    made = await explain(context.db, f"execute it ({literals})")
    await context.db.fetch("deallocate it")
    return made


def executed(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the executed nodes, without the branches of a union that a filter disabled."""
    if plan["Actual Loops"]:
        yield plan
        for part in plan.get("Plans", []):
            yield from executed(part)


def kinds(plan: dict[str, Any]) -> set[str]:
    return {node["Node Type"] for node in nodes(plan)}


def unbounded(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes that read all matches before the first is used."""
    return [node for node in executed(plan) if node["Node Type"] in ("Seq Scan", "Bitmap Heap Scan")]


NEWEST = "-created_at", UUID(int=2**128 - 1), "", UUID(int=0), ""


async def test_a_page_is_read_along_an_index(many: Context) -> None:
    searches = None, "'.exam':*", "'+active'"
    for mode, sort, search in itertools.product(MODES, BEGINNINGS, searches):
        for after in (BEGINNINGS[sort], MIDDLE[sort]):
            bounds = *place(after), *place(BEGINNINGS[REVERSED[sort]])
            made = await plan(
                many, queries.list_sorted, sort, *bounds, search, [], FREQUENT, MOST_COUNTED, 21, mode=mode
            )
            assert "Seq Scan" not in kinds(made)
            [page] = [node for node in executed(made) if node["Node Type"] == "Append"]
            walked = [node for node in executed(page) if "Index Name" in node]
            index = "users_pkey" if sort.endswith("created_at") else "users_email_key"
            backwards = "Backward" if sort.startswith("-") else "Forward"
            assert [(each["Index Name"], each["Scan Direction"]) for each in walked] == [(index, backwards)], made
            assert walked[0]["Actual Rows"] == made["Actual Rows"] == 21
            assert pages(page) < 100, made


async def test_one_plan_serves_all_calls(many: Context) -> None:
    """Making a plan takes longer than reading a page. PostgreSQL makes five before it keeps one."""
    for query in (UserSearch(), *RARE):
        search = await search_of(many, query)
        for _ in range(8):
            known = search.tsquery, search.ranges, FREQUENT, MOST_COUNTED, 21
            await queries.list_sorted(many.db, *NEWEST, *known)
    rows = await many.db.fetch(
        "select custom_plans, generic_plans from pg_prepared_statements where statement like '-- users.list_sorted%'"
    )
    assert [tuple(row) for row in rows] == [(5, 8 * (1 + len(RARE)) - 5)]


async def test_accounts_are_found_by_a_word_that_few_have(many: Context) -> None:
    for mode, query in itertools.product(MODES, RARE):
        search = await search_of(many, query)
        known = search.tsquery, search.ranges, FREQUENT, MOST_COUNTED, 21
        made = await plan(many, queries.list_sorted, *NEWEST, *known, mode=mode)
        assert unbounded(made) == []
        read = [node["Actual Rows"] for node in executed(made) if node.get("Relation Name") == "users"]
        assert max(read) < 20, (query, made)


async def test_a_frequent_word_is_counted_up_to_a_bound(many: Context) -> None:
    """C-349."""
    for mode, q in itertools.product(MODES, FREQUENT_WORDS):
        search = await search_of(many, UserSearch(q=q))
        known = search.tsquery, search.ranges, 100, 50, 21
        made = await plan(many, queries.list_sorted, *NEWEST, *known, mode=mode)
        assert unbounded(made) == []
        read = [node["Actual Rows"] for node in executed(made) if node.get("Relation Name") == "user_words"]
        assert read
        assert max(read) <= 100
        found = await queries.list_sorted(many.db, *NEWEST, *known)
        assert (found.total, found.items) == (None, [])


async def test_the_end_of_a_walk_is_found_in_an_index(many: Context) -> None:
    """C-349."""
    for mode, sort in itertools.product(MODES, BEGINNINGS):
        made = await plan(many, queries.find_reached, sort, *place(BEGINNINGS[sort]), 1_000, mode=mode)
        assert "Seq Scan" not in {node["Node Type"] for node in executed(made)}
        assert {node["Actual Rows"] for node in executed(made)} <= {0, 1, 1_000}, made


async def test_the_next_account_is_found_by_few_words(many: Context) -> None:
    """C-349: `account` has ten thousand words here, of which as many are read as are allowed."""
    for mode, q in itertools.product(MODES, FREQUENT_WORDS):
        search = await search_of(many, UserSearch(q=q))
        made = await plan(many, queries.list_next, True, UUID(int=5000), search.ranges, MOST_WORDS, mode=mode)
        assert unbounded(made) == []
        read = sum(node["Actual Rows"] * node["Actual Loops"] for node in executed(made) if "Index Name" in node)
        assert read <= 3 * MOST_WORDS * len(search.ranges)


async def test_all_are_counted_in_an_index_unless_it_is_known_that_there_are_more(many: Context) -> None:
    for most, total in ((ACCOUNTS - 1, ACCOUNTS - 1), (ACCOUNTS + 1, ACCOUNTS), (100, 100)):
        made = await plan(many, queries.list_sorted, *NEWEST, None, [], FREQUENT, most, 21)
        assert "Seq Scan" not in kinds(made)
        read = max(node["Actual Rows"] for node in executed(made))
        assert read == (total if most > 100 else 21)
        assert (await queries.list_sorted(many.db, *NEWEST, None, [], FREQUENT, most, 21)).total == total
