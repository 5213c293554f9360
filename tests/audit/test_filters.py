"""Filters of GET /audit by time."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.audit import queries
from api.audit.routes import CLOCKS, ids_between
from api.kernel.context import Context
from tests.audit.entries import chain_of
from tests.query_plans import explain, nodes, pages

AUDIT = "/api/audit"
MINUTES = """
    insert into audit_entries (id, type, key, traceparent, created_at)
    select (lpad(to_hex(minute * 60000), 12, '0') || '70008' || lpad(to_hex(minute), 15, '0'))::uuid, 'users.updated',
           gen_random_uuid(), '', to_timestamp(minute * 60)
      from generate_series(29000000::bigint, 29019999) as minute
"""
"""One entry a minute, from 2025-02-20T21:20Z on."""


@pytest.fixture
async def superuser(signed_in: httpx.AsyncClient, context: Context) -> httpx.AsyncClient:
    id = (await signed_in.get("/api/users/me")).json()["id"]
    await context.db.fetch("update users set is_superuser = true where id = $1", UUID(id))
    return signed_in


@pytest.mark.case(378)
async def test_lists_the_entries_of_a_time(superuser: httpx.AsyncClient, context: Context) -> None:
    """The first time is included, the last one is not."""
    user_id = await chain_of(context, 4)
    # The test's entries are of one transaction, and of one time.
    await context.db.fetch(
        """update audit_entries set created_at = now() - interval '1 second' * rank
             from (select id, rank() over (order by id desc) from audit_entries) as ranks
            where ranks.id = audit_entries.id"""
    )
    every = (await superuser.get(AUDIT, params={"user_id": str(user_id)})).json()["items"]
    newest, middle, _, oldest = (entry["created_at"] for entry in every)

    async def listed(**range: str) -> list[str]:
        page = (await superuser.get(AUDIT, params={"user_id": str(user_id), **range})).json()
        assert page["total"] == len(page["items"])
        return [entry["created_at"] for entry in page["items"]]

    assert await listed(**{"from": middle}) == [newest, middle]
    assert await listed(until=middle) == [entry["created_at"] for entry in every[2:]]
    assert await listed(**{"from": oldest, "until": middle}) == [entry["created_at"] for entry in every[2:]]
    assert await listed(**{"from": newest, "until": oldest}) == []
    assert len(await listed(**{"from": "0001-01-01T00:00:00+14:00", "until": "9999-12-31T23:59:59-14:00"})) == 4
    assert await listed(until="0001-01-01T00:00:00Z") == []


@pytest.mark.case(378)
async def test_refuses_a_time_without_a_time_zone(superuser: httpx.AsyncClient) -> None:
    for value in ("2026-01-31T12:00:00", "2026-01-31", "yesterday", "", "1e9", "2026-01-31T12:00:00Z\x00"):
        for name in ("from", "until"):
            answer = await superuser.get(AUDIT, params={name: value})
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{name}"), value


@pytest.mark.case(378)
async def test_a_cursor_is_valid_for_its_time_only(superuser: httpx.AsyncClient, context: Context) -> None:
    await chain_of(context, 3)
    first = {"limit": "1", "from": "2026-01-01T00:00:00Z"}
    cursor = (await superuser.get(AUDIT, params=first)).json()["next_cursor"]
    assert (await superuser.get(AUDIT, params={**first, "cursor": cursor})).status_code == 200
    for other in (
        {"limit": "1"},
        {**first, "from": "2026-01-01T00:00:01Z"},
        {**first, "until": "2099-01-01T00:00:00Z"},
    ):
        assert (await superuser.get(AUDIT, params={**other, "cursor": cursor})).status_code == 422


@pytest.mark.fresh
@pytest.mark.case(378)
async def test_a_time_long_ago_reads_its_own_entries_only(context: Context) -> None:
    """According to the plan: the index of ids leaves out all but those of the time and of the tolerance of clocks."""
    await context.db.fetch(MINUTES)
    await context.db.fetch("analyze audit_entries")
    [row] = await context.db.fetch("select to_timestamp(29000600 * 60) as since")
    since, until = row["since"], row["since"] + timedelta(minutes=10)
    ids = ids_between(since, until)
    listing: Any = queries.list_entries
    counting: Any = queries.count_entries
    for statement, more in ((listing, (None, 50)), (counting, ())):
        plan = await explain(context.db, statement.bound.statement, None, None, since, until, *ids, *more)
        read = list(nodes(plan))
        assert "Seq Scan" not in {node["Node Type"] for node in read}
        assert (
            max(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in read)
            <= 2 * CLOCKS // 60_000 + 11
        )
        assert pages(plan) < 200
