"""GET /users/me/activity and GET /audit."""

from uuid import UUID

import httpx
import pytest

from api.audit.chain import seal
from api.kernel.context import Context, Origin
from api.kernel.data.database import uuid7
from api.sessions.events import SignInRefused
from api.users.events import UserDisabled, UserUpdated
from tests.audit.entries import HERE, announce, chain_of

ACTIVITY, AUDIT = "/api/users/me/activity", "/api/audit"


async def me(client: httpx.AsyncClient) -> UUID:
    return UUID((await client.get("/api/users/me")).json()["id"])


@pytest.fixture
async def superuser(signed_in: httpx.AsyncClient, context: Context) -> httpx.AsyncClient:
    await context.db.fetch("update users set is_superuser = true where id = $1", await me(signed_in))
    return signed_in


async def test_shows_the_history_of_the_account_only(signed_in: httpx.AsyncClient, context: Context) -> None:
    mine, administrator = await me(signed_in), uuid7()
    await context.db.fetch("delete from audit_entries")
    await chain_of(context, 2)  # another's
    await announce(context, UserUpdated(user_id=mine, changed=["name"]), Origin(mine, "192.0.2.1", "Firefox"))
    await announce(context, UserUpdated(user_id=mine, changed=["roles"]), Origin(administrator, "192.0.2.2", "Safari"))
    await announce(context, SignInRefused(attempt_id=uuid7(), user_id=mine, reason="password"), HERE)
    await announce(context, UserDisabled(user_id=mine), Origin())
    answer = await signed_in.get(ACTIVITY)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    page = answer.json()
    assert (page["total"], page["next_cursor"]) == (4, None)
    told = {item["by"]: (item["type"], item["address"], item["user_agent"]) for item in page["items"]}
    assert told == {
        "system": ("users.disabled", None, None),
        "somebody": ("sessions.refused", HERE.address, HERE.user_agent),
        "administrator": ("users.updated", None, None),
        "you": ("users.updated", "192.0.2.1", "Firefox"),
    }
    [own] = [item for item in page["items"] if item["by"] == "you"]
    assert own["data"] == {"changed": ["name"]}
    assert own.keys() == {"id", "type", "created_at", "address", "user_agent", "by", "data"}


async def test_begins_with_the_sign_in(signed_in: httpx.AsyncClient) -> None:
    [entry] = (await signed_in.get(ACTIVITY)).json()["items"]
    assert (entry["type"], entry["by"], entry["data"]["method"]) == ("sessions.started", "you", "password")


async def test_pages_from_the_newest_to_the_oldest(signed_in: httpx.AsyncClient, context: Context) -> None:
    mine = await me(signed_in)
    await context.db.fetch("delete from audit_entries")
    for _ in range(5):
        await announce(context, UserUpdated(user_id=mine, changed=["name"]))
    pages, url = [], f"{ACTIVITY}?limit=2"
    while url:
        answer = await signed_in.get(url)
        pages.append([item["id"] for item in answer.json()["items"]])
        assert answer.json()["total"] == 5
        url = answer.links.get("next", {}).get("url", "")
    rows = await context.db.fetch("select id::text from audit_entries order by id desc")
    newest = [row["id"] for row in rows]
    assert pages == [newest[:2], newest[2:4], newest[4:]]


@pytest.mark.case(17)
@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=", "limit=1&limit=2", "x=1"])
async def test_refuses_an_invalid_query(signed_in: httpx.AsyncClient, query: str) -> None:
    answer = await signed_in.get(f"{ACTIVITY}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")


@pytest.mark.case(17)
async def test_a_cursor_is_valid_for_one_list_only(superuser: httpx.AsyncClient, context: Context) -> None:
    await chain_of(context, 2)
    other = (await superuser.get(f"{AUDIT}?limit=1")).json()["next_cursor"]
    assert (await superuser.get(AUDIT, params={"limit": 1, "cursor": other})).status_code == 200
    assert (await superuser.get(AUDIT, params={"type": "users.updated", "cursor": other})).status_code == 422
    assert (await superuser.get(ACTIVITY, params={"cursor": other})).status_code == 422


@pytest.mark.asvs("8.2.1")
@pytest.mark.cwe(862)
async def test_the_audit_is_for_superusers(client: httpx.AsyncClient, signed_in: httpx.AsyncClient) -> None:
    assert (await signed_in.get(AUDIT)).status_code == 403
    del client.headers["authorization"]
    assert (await client.get(AUDIT)).status_code == 401
    assert (await client.get(ACTIVITY)).status_code == 401


async def test_the_audit_shows_all_fields_of_an_entry(superuser: httpx.AsyncClient, context: Context) -> None:
    user_id, other = await chain_of(context, 2), await chain_of(context, 1)
    administrator = uuid7()
    await announce(context, UserDisabled(user_id=user_id), Origin(administrator, "192.0.2.1", "Firefox"))
    page = (await superuser.get(AUDIT, params={"user_id": str(user_id)})).json()
    assert page["total"] == 3
    [newest] = [item for item in page["items"] if item["type"] == "users.disabled"]
    assert (newest["type"], newest["key"], newest["data"]["user_id"]) == ("users.disabled", str(user_id), str(user_id))
    assert (newest["principal_id"], newest["address"], newest["user_agent"]) == (
        str(administrator),
        "192.0.2.1",
        "Firefox",
    )
    assert (newest["position"], newest["hash"]) == (None, None), "the entry is not sealed yet"
    assert await seal(context) == 1
    items = (await superuser.get(AUDIT, params={"user_id": str(user_id)})).json()["items"]
    first, second, third = sorted(item["position"] for item in items)
    assert (second, third) == (first + 1, first + 3), "the other account's entry is between them"
    assert all(len(bytes.fromhex(item["hash"])) == 32 for item in items)
    updated = (await superuser.get(AUDIT, params={"type": "users.updated"})).json()
    assert {item["key"] for item in updated["items"]} == {str(user_id), str(other)}
    both = {"type": "users.updated", "user_id": str(other)}
    assert (await superuser.get(AUDIT, params=both)).json()["total"] == 1


@pytest.mark.parametrize("query", ["user_id=zz", "type=users", "type=Users.Registered", "type=%25.%25"])
async def test_refuses_an_invalid_filter(superuser: httpx.AsyncClient, query: str) -> None:
    assert (await superuser.get(f"{AUDIT}?{query}")).status_code == 422


async def test_counts_at_most_ten_thousand(superuser: httpx.AsyncClient, context: Context) -> None:
    await context.db.fetch(
        "insert into audit_entries (id, type, key, data, traceparent)"
        " select gen_random_uuid(), 'users.updated', gen_random_uuid(), '{}', '' from generate_series(1, 10001)"
    )
    assert (await superuser.get(f"{AUDIT}?type=users.updated")).json()["total"] == 10000
