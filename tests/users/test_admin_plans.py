"""How PostgreSQL answers GET /users: by index, whatever the page and the number of accounts. Each statement is
explained with the plan that PostgreSQL chooses after many executions, and with a generic plan, which knows no
parameter."""

import itertools
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from api.kernel.context import Context
from api.users import queries
from api.users.handlers.administration import BEGINNINGS, MOST_COUNTED
from tests.plans import explain, nodes, pages

pytestmark = pytest.mark.fresh

ACCOUNTS = 10_000
OPEN = """
insert into users (id, email, name, is_active, roles)
select lpad(to_hex(n), 32, '0')::uuid, 'account' || n || '@example.com', 'Nómen ' || n, n % 1000 <> 0,
       case n % 4000 when 7 then '{notifier}'::text[] else '{}' end
  from generate_series(1, $1::integer) as n
"""
MODES = ("auto", "force_generic_plan")
MIDDLE = {"created_at": UUID(int=5000), "-created_at": UUID(int=5000), "email": "account5", "-email": "account5"}
RARE = [
    "'.account777':*",
    "'.nobody':*",
    "'.account1234':* & '.exam':*",
    "'notifier'",
    "'-active'",
    "'-active' & '.n':*",
]


@pytest.fixture
async def many(context: Context) -> Context:
    await context.db.fetch(OPEN, ACCOUNTS)
    await context.db.fetch("analyze users")
    return context


async def plan(context: Context, query: Any, *arguments: object, mode: str = "auto") -> dict[str, Any]:
    """The plan in use after many executions, executed once more. `mode` is a plan_cache_mode of PostgreSQL."""
    literals = ", ".join("null" if each is None else f"$_${each}$_$" for each in arguments)
    types = {UUID: "uuid", int: "bigint", bool: "boolean"}
    parameters = ", ".join(types.get(kind, "text") for kind in query.bound.parameters.values())
    await context.db.fetch("select set_config('plan_cache_mode', $1, false)", mode)
    await context.db.fetch(f"prepare it ({parameters}) as {query.bound.statement}")
    for _ in range(8):
        await context.db.fetch(f"execute it ({literals})")
    made = await explain(context.db, f"execute it ({literals})")
    await context.db.fetch("deallocate it")
    return made


def executed(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes that ran: not the branches of a union that a filter turned off."""
    if plan["Actual Loops"]:
        yield plan
        for part in plan.get("Plans", []):
            yield from executed(part)


def kinds(plan: dict[str, Any]) -> set[str]:
    return {node["Node Type"] for node in nodes(plan)}


@pytest.mark.parametrize("mode", MODES)
async def test_a_page_is_read_along_an_index(many: Context, mode: str) -> None:
    for sort, beginning in BEGINNINGS.items():
        for after, search in itertools.product((beginning, MIDDLE[sort]), (None, "'.exam':*", "'+active'")):
            id, email = (after, "") if isinstance(after, UUID) else (UUID(int=0), after)
            made = await plan(many, queries.list_sorted, sort, id, email, search, None, False, 21, mode=mode)
            assert "Seq Scan" not in kinds(made)
            walked = [each for each in executed(made) if "id = ANY" not in str(each) and "Index Name" in each]
            index = "users_pkey" if sort.endswith("created_at") else "users_email_key"
            backwards = "Backward" if sort.startswith("-") else "Forward"
            assert [(each["Index Name"], each["Scan Direction"]) for each in walked] == [(index, backwards)], made
            assert walked[0]["Actual Rows"] == made["Actual Rows"] == 21
            assert pages(made) < 100, made


@pytest.mark.parametrize("mode", MODES)
async def test_what_few_pass_is_found_by_the_index_of_words(many: Context, mode: str) -> None:
    last = UUID(int=2**128 - 1)
    for search in RARE:
        made = await plan(many, queries.list_sorted, "-created_at", last, "", search, None, True, 21, mode=mode)
        counted = await plan(many, queries.count_matching, search, None, MOST_COUNTED, mode=mode)
        for each in (made, counted):
            assert "Seq Scan" not in kinds(each)
            assert "Bitmap Index Scan" in kinds(each)
            assert pages(each) < 100, (search, each)


async def test_all_are_counted_in_an_index_unless_it_is_known_that_there_are_more(many: Context) -> None:
    made = await plan(many, queries.count, ACCOUNTS - 1)
    assert "Seq Scan" not in kinds(made)
    assert await queries.count(many.db, ACCOUNTS - 1) == ACCOUNTS - 1
    assert await queries.count(many.db, ACCOUNTS + 1) == ACCOUNTS
    made = await plan(many, queries.count, 100)
    assert pages(made) < 10
    assert await queries.count(many.db, 100) == 100
