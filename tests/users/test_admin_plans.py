"""How PostgreSQL answers GET /users: by index, whatever the page and the number of accounts. Asked so often that it
would have taken to a plan that does for all parameters, which is where a slow one shows."""

import itertools
import json
from typing import Any
from uuid import UUID

import pytest

from api.kernel.context import Context
from api.users import queries
from api.users.handlers.administration import MOST_COUNTED, ORDERS

ACCOUNTS = 10_000
OPEN = """
insert into users (id, email, name, is_active, roles)
select lpad(to_hex(n), 32, '0')::uuid, 'account' || n || '@example.com', 'Nómen ' || n, n % 1000 <> 0,
       case n % 4000 when 7 then '{notifier}'::text[] else '{}' end
  from generate_series(1, $1::integer) as n
"""
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


async def plan(context: Context, query: Any, *arguments: object) -> dict[str, Any]:
    """The one in use after many executions, executed once more."""
    literals = ", ".join("null" if each is None else f"$_${each}$_$" for each in arguments)
    kinds = ", ".join({UUID: "uuid", int: "bigint"}.get(kind, "text") for kind in query.bound.parameters.values())
    await context.db.fetch(f"prepare it ({kinds}) as {query.bound.statement}")
    for _ in range(8):
        await context.db.fetch(f"execute it ({literals})")
    [row] = await context.db.fetch(f"explain (analyze, buffers, format json) execute it ({literals})")
    await context.db.fetch("deallocate it")
    made: dict[str, Any] = json.loads(row[0])[0]["Plan"]
    return made


def nodes(plan: dict[str, Any]) -> list[str]:
    return [plan["Node Type"], *(name for part in plan.get("Plans", []) for name in nodes(part))]


def pages_read(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def test_a_page_is_read_along_an_index(many: Context) -> None:
    for sort, (beginning, walk) in ORDERS.items():
        for after, search in itertools.product((beginning, MIDDLE[sort]), (None, "'.exam':*", "'+active'")):
            made = await plan(many, walk, after, search, 21)
            assert nodes(made) == ["Limit", "Index Scan"]
            assert (made["Actual Rows"], pages_read(made) < 100) == (21, True), made


async def test_what_few_pass_is_found_by_the_index_of_words(many: Context) -> None:
    for search in RARE:
        made = await plan(many, queries.list_matching, UUID(int=2**128 - 1), "", search, None, "-created_at", 21)
        counted = await plan(many, queries.count_matching, search, None, MOST_COUNTED)
        for each in (made, counted):
            assert "Seq Scan" not in nodes(each)
            assert "Bitmap Index Scan" in nodes(each)
            assert pages_read(each) < 100, (search, each)


async def test_all_are_counted_in_an_index_unless_it_is_known_that_there_are_more(many: Context) -> None:
    made = await plan(many, queries.count, ACCOUNTS - 1)
    assert "Seq Scan" not in nodes(made)
    assert await queries.count(many.db, ACCOUNTS - 1) == ACCOUNTS - 1
    assert await queries.count(many.db, ACCOUNTS + 1) == ACCOUNTS
    made = await plan(many, queries.count, 100)
    assert pages_read(made) < 10
    assert await queries.count(many.db, 100) == 100
