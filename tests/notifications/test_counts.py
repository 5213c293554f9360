"""Counts of notifications: those of GET, of the rows, and of the last event are equal."""

import asyncio
import random

import httpx
import hypothesis
import hypothesis.strategies as st
import pytest

from api.kernel.context import Context
from api.notifications import queries
from api.notifications.upkeep import delete_old_notifications
from api.users.types import User
from tests.factories import make_user
from tests.notifications.conftest import events_of, headers_of, notified

pytestmark = pytest.mark.case(407)
LIST = "/api/notifications"
OPERATIONS = ("arrive", "read", "unread", "see", "read_up_to", "see_up_to", "read_some", "delete", "expire")
ROWS = """select count(*) filter (where seen_at is null) as unseen, count(*) filter (where read_at is null) as unread
            from notifications where user_id = $1 and listed"""


async def counts_of_rows(context: Context, user: User) -> dict[str, int]:
    [row] = await context.db.fetch(ROWS, user.id)
    return {"unseen": row[0], "unread": row[1]}


async def operate(client: httpx.AsyncClient, context: Context, user: User, what: str, place: int) -> None:
    """One operation on the notification at that place of the list, which another client may have deleted."""
    if what == "arrive":
        await notified(context, user)
        return
    if what == "expire":
        await context.db.fetch("update notifications set created_at = now() - interval '100 days' where number % 7 = 0")
        await delete_old_notifications(context)
        return
    page = (await client.get(LIST, params={"limit": 100})).json()["items"]
    if not page:
        return
    id = page[place % len(page)]["id"]
    calls = {
        "read": ("PATCH", f"/{id}", {"is_read": True}),
        "unread": ("PATCH", f"/{id}", {"is_read": False}),
        "see": ("PATCH", f"/{id}", {"is_seen": True}),
        "read_up_to": ("POST", "/read", {"up_to": id}),
        "see_up_to": ("POST", "/seen", {"up_to": id}),
        "read_some": ("POST", "/read", {"ids": [each["id"] for each in page[:3]]}),
        "delete": ("DELETE", f"/{id}", None),
    }
    method, path, body = calls[what]
    answer = await client.request(method, LIST + path, json=body)
    assert answer.status_code in (200, 204, 404), answer.text


async def check(client: httpx.AsyncClient, context: Context, user: User) -> None:
    rows = await counts_of_rows(context, user)
    assert (await client.get(f"{LIST}/counts")).json() == rows
    created, changed = [
        await context.db.fetch(
            "select seq, data ->> 'unseen', data ->> 'unread' from outbox_events where type = $1 and key = $2"
            " order by seq desc limit 1",
            type,
            user.id,
        )
        for type in ("notifications.created", "notifications.changed")
    ]
    last = max([*created, *changed], default=None, key=lambda row: row[0])
    if last is not None:
        assert {"unseen": int(last[1]), "unread": int(last[2])} == rows, "the numbers of the stream"


@hypothesis.settings(max_examples=15, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 30)), min_size=5, max_size=25))
async def test_counts_are_those_of_the_rows_after_each_operation(
    adas: httpx.AsyncClient, context: Context, ada: User, operations: list[tuple[str, int]]
) -> None:
    for what, place in operations:
        await operate(adas, context, ada, what, place)
        await check(adas, context, ada)


async def test_concurrent_clients_do_not_confuse_the_counts(live: Context, live_client: httpx.AsyncClient) -> None:
    """Four clients, and notifications that arrive and expire meanwhile."""
    user = await make_user(live)
    live_client.headers.update(await headers_of(live_client, user))
    await notified(live, user, 10)

    async def client(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(60):
            what = chance.choices(OPERATIONS, weights=[5, 3, 3, 3, 1, 1, 2, 2, 1])[0]
            await operate(live_client, live, user, what, chance.randrange(30))

    async with asyncio.TaskGroup() as group:
        for seed in range(4):
            group.create_task(client(seed))
    await check(live_client, live, user)


async def test_a_notification_that_commits_later_has_a_higher_number(live: Context) -> None:
    """So that `up_to` never includes one that its reader could not see."""
    user = await make_user(live)
    await asyncio.gather(*(notified(live, user) for _ in range(20)))
    rows = await live.db.fetch(
        "select n.number, e.data ->> 'unseen' from notifications n"
        " join outbox_events e on (e.data ->> 'notification_id')::uuid = n.id order by e.seq"
    )
    assert [row[0] for row in rows] == [int(row[1]) for row in rows] == list(range(1, 21))


async def test_expired_notifications_are_counted_off_and_announced(
    adas: httpx.AsyncClient, context: Context, ada: User
) -> None:
    await notified(context, ada, 3)
    other = await make_user(context)
    await notified(context, other, 2)
    await context.db.fetch("update notifications set created_at = now() - interval '91 days' where number <= 2")
    assert await delete_old_notifications(context) == 4
    assert await delete_old_notifications(context) == 0
    assert (await adas.get(f"{LIST}/counts")).json() == {"unseen": 1, "unread": 1}
    assert [event["how"] for event in await events_of(context, "notifications.changed")] == ["expired"] * 2


async def test_keys_digests_and_mails_expire(context: Context, ada: User) -> None:
    await context.db.fetch(
        "insert into notification_digests (id, user_id, due_at)"
        " values (gen_random_uuid(), $1, now() - interval '31 d')",
        ada.id,
    )
    await context.db.fetch(
        "insert into notification_mails (notification_id, user_id, created_at)"
        " values (gen_random_uuid(), $1, now() - interval '2 d')",
        ada.id,
    )
    await context.db.fetch(
        "insert into notification_sends"
        " (id, source, key, digest, kind, kind_group, audience, total, created_at, finished_at)"
        " values (gen_random_uuid(), 's', 'k', '', 'a.b', 'a', 'accounts', 1, now() - interval '31 d', now())"
    )
    for sweep in (queries.delete_old_digests, queries.delete_old_mail_times, queries.delete_old_sends):
        assert [await sweep(context.db, 10), await sweep(context.db, 10)] == [1, 0]
