"""The list of notifications and its counts."""

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.users.types import User
from tests.factories import make_user
from tests.notifications.conftest import notified

pytestmark = pytest.mark.case(402)
LIST = "/api/notifications"


async def counts(client: httpx.AsyncClient) -> tuple[int, int]:
    found = (await client.get(f"{LIST}/counts")).json()
    return found["unseen"], found["unread"]


async def test_pages_follow_each_other_while_items_are_deleted(
    adas: httpx.AsyncClient, context: Context, ada: User
) -> None:
    made = [str(each.notification_id) for each in await notified(context, ada, 5)]
    first = await adas.get(LIST, params={"limit": 2})
    assert [item["id"] for item in first.json()["items"]] == [made[4], made[3]]
    assert (first.json()["total"], first.links["next"]["url"].startswith("/api/notifications?limit=2&cursor=")) == (
        5,
        True,
    )
    await adas.delete(f"{LIST}/{made[3]}")
    second = await adas.get(first.links["next"]["url"])
    assert [item["id"] for item in second.json()["items"]] == [made[2], made[1]]


async def test_reading_up_to_one_leaves_later_ones(adas: httpx.AsyncClient, context: Context, ada: User) -> None:
    made = [str(each.notification_id) for each in await notified(context, ada, 3)]
    marked = (await adas.post(f"{LIST}/read", json={"up_to": made[1]})).json()
    assert marked == {"unseen": 1, "unread": 1, "changed": 2}
    unread = (await adas.get(LIST, params={"unread": "true"})).json()
    assert ([item["id"] for item in unread["items"]], unread["total"]) == ([made[2]], 1)


async def test_seen_is_apart_from_read(adas: httpx.AsyncClient, context: Context, ada: User) -> None:
    made = [str(each.notification_id) for each in await notified(context, ada, 3)]
    assert (await adas.post(f"{LIST}/seen", json={"up_to": made[2]})).json() == {"unseen": 0, "unread": 3, "changed": 3}
    await adas.post(f"{LIST}/read", json={"ids": [made[0]]})
    assert await counts(adas) == (0, 2)
    await adas.patch(f"{LIST}/{made[0]}", json={"is_read": False})
    assert await counts(adas) == (0, 3)
    await notified(context, ada)
    assert await counts(adas) == (1, 4)


async def test_kinds_are_filtered(adas: httpx.AsyncClient, context: Context, ada: User) -> None:
    await notified(context, ada)
    for kind, total in (("product.order", 1), ("product", 1), ("product.other", 0), ("security", 0)):
        assert (await adas.get(LIST, params={"kind": kind})).json()["total"] == total


async def test_notifications_of_others_do_not_exist(adas: httpx.AsyncClient, context: Context, ada: User) -> None:
    await notified(context, ada)
    [other] = await notified(context, await make_user(context))
    id = str(other.notification_id)
    assert (await adas.patch(f"{LIST}/{id}", json={"is_read": True})).status_code == 404
    assert (await adas.delete(f"{LIST}/{id}")).status_code == 404
    assert (await adas.post(f"{LIST}/read", json={"up_to": id})).status_code == 404
    assert (await adas.post(f"{LIST}/read", json={"ids": [id]})).json()["changed"] == 0
    assert await counts(adas) == (1, 1)


@pytest.mark.parametrize("body", [{}, {"up_to": str(uuid7()), "ids": [str(uuid7())]}, {"ids": []}, {"up_to": 7}])
async def test_a_selection_is_one_of_two(adas: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert (await adas.post(f"{LIST}/read", json=body)).status_code == 422


async def test_the_activity_of_the_account_does_not_list_them(
    adas: httpx.AsyncClient, context: Context, ada: User
) -> None:
    before = (await adas.get("/api/users/me/activity")).json()
    await notified(context, ada, 3)
    await adas.post(f"{LIST}/seen", json={})
    assert (await adas.get("/api/users/me/activity")).json() == before
