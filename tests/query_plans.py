"""PostgreSQL's execution plans. A plan depends on all that the tables hold, dead rows of earlier tests included, so
each test that reads one has a database of its own: it uses `cloned`, or is marked `fresh`."""

import json
from collections.abc import Iterator
from typing import Any, Protocol


class Connected(Protocol):
    async def fetch(self, statement: str, /, *arguments: Any) -> list[Any]: ...


async def explain(db: Connected, statement: str, *arguments: object) -> dict[str, Any]:
    """Execute the statement and return the root node of its plan, with buffers. Raises AssertionError in the database
    that tests share."""
    [name] = await db.fetch("select current_database()")
    assert name[0].startswith("test_"), "other tests left dead rows in this database: mark the test `fresh`"
    [row] = await db.fetch(f"explain (analyze, buffers, format json) {statement}", *arguments)
    plan: dict[str, Any] = json.loads(row[0])[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the node and all nodes below it."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def pages(plan: dict[str, Any]) -> int:
    """Return the number of pages that the node and those below it touched."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
