"""DELETE with If-Match: a resource that changed since it was read is not deleted."""

import asyncio

import httpx
import pytest

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.http.routing import Route, inputs_of
from tests.factories import PASSWORD, make_user
from tests.sessions.signing import bearer, login
from tests.transactions import Another

ROUTES = [route for feature in FEATURES for route in feature.routes]
CONDITIONAL = {route.path for route in ROUTES if "if_match" in inputs_of(route).ambient}


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.path in CONDITIONAL], ids=lambda route: f"{route.method} {route.path}"
)
def test_every_route_with_an_etag_supports_if_match(route: Route) -> None:
    """C-196."""
    assert route.method == "GET" or "if_match" in inputs_of(route).ambient


async def signed_in(client: httpx.AsyncClient, context: Context, superuser: bool = False) -> dict[str, str]:
    user = await make_user(context, superuser=superuser)
    return bearer((await login(client, user.email)).json())


async def delete(client: httpx.AsyncClient, path: str, headers: dict[str, str], **body: str) -> tuple[int, str | None]:
    answer = await client.request("DELETE", path, headers=headers, json=body or None)
    return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else None


async def test_a_changed_account_is_not_deleted(client: httpx.AsyncClient, context: Context) -> None:
    """C-196."""
    admin = await signed_in(client, context, superuser=True)
    path = f"/api/users/{(await make_user(context)).id}"
    stale = (await client.get(path, headers=admin)).headers["etag"]
    await client.patch(path, json={"name": "Ada"}, headers=admin)
    for condition in (stale, '"x"', ""):
        assert await delete(client, path, admin | {"if-match": condition}) == (412, "PRECONDITION_FAILED")
    fresh = (await client.get(path, headers=admin)).headers["etag"]
    assert (await client.get(path, headers=admin)).json()["name"] == "Ada"
    assert await delete(client, path, admin | {"if-match": fresh}) == (204, None)
    assert await delete(client, path, admin | {"if-match": fresh}) == (404, "NOT_FOUND")


@pytest.mark.parametrize("condition", [{}, {"if-match": "*"}])
async def test_without_a_condition_or_with_an_asterisk_it_is_deleted(
    client: httpx.AsyncClient, context: Context, condition: dict[str, str]
) -> None:
    admin = await signed_in(client, context, superuser=True)
    path = f"/api/users/{(await make_user(context)).id}"
    assert await delete(client, path, admin | condition) == (204, None)


async def test_ones_own_changed_account_is_not_deleted(client: httpx.AsyncClient, context: Context) -> None:
    """C-196."""
    own = await signed_in(client, context)
    stale = (await client.get("/api/users/me", headers=own)).headers["etag"]
    fresh = (await client.patch("/api/users/me", json={"name": "Ada"}, headers=own)).headers["etag"]
    for condition, expected in ((stale, (412, "PRECONDITION_FAILED")), (fresh, (202, None))):
        told = await delete(client, "/api/users/me", own | {"if-match": condition}, current_password=PASSWORD)
        assert told == expected


async def test_an_uncommitted_change_is_waited_for(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-196: the row is locked before the comparison."""
    admin = await signed_in(live_client, live, superuser=True)
    user = await make_user(live)
    path = f"/api/users/{user.id}"
    stale = (await live_client.get(path, headers=admin)).headers["etag"]
    async with Another(live.db).transaction() as db:
        await db.fetch("update users set name = 'Ada' where id = $1", user.id)
        deleting = asyncio.create_task(delete(live_client, path, admin | {"if-match": stale}))
        waiting = (
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        async with asyncio.timeout(60):
            while not (await live.db.fetch(waiting))[0]["count"]:  # noqa: ASYNC110  # PostgreSQL has no event for it
                await asyncio.sleep(0.02)
    assert await deleting == (412, "PRECONDITION_FAILED")
