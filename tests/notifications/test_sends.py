"""GET /notifications/jobs and audience, POST /notifications/jobs/{id}/cancel: what was sent, and ending it."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.kernel.settings import Settings
from api.notifications import queries, tasks
from api.users.types import User
from tests.factories import make_user
from tests.mailed import mailed
from tests.notifications.conftest import NEW, events_of, headers_of
from tests.worker.jobs import until, working
from worker import queries as worker_queries
from worker.main import open_queue

pytestmark = pytest.mark.case(381)
SEND, JOBS = "/api/notifications/send", "/api/notifications/jobs"


async def editors(context: Context, count: int = 3) -> list[User]:
    return [await make_user(context, roles=["editor"]) for _ in range(count)]


async def test_the_audience_is_whom_a_send_would_notify(
    client: httpx.AsyncClient, context: Context, notifier: dict[str, str]
) -> None:
    await editors(context)
    await make_user(context, roles=["editor"], active=False)
    path = "/api/notifications/audience"
    assert (await client.get(path, params={"role": "editor"}, headers=notifier)).json() == {"total": 3}
    everyone = (await client.get(path, headers=notifier)).json()
    job = (await client.post(SEND, json=NEW | {"everyone": True}, headers=notifier)).json()
    assert everyone == {"total": job["total"]}


async def test_sends_are_listed_newest_first_to_their_sender_and_to_superusers(
    client: httpx.AsyncClient, context: Context, notifier: dict[str, str], ada: User
) -> None:
    audiences: list[dict[str, Any]] = [{"user_ids": [str(ada.id)]}, {"role": "editor"}, {"everyone": True}]
    sent = [(await client.post(SEND, json=NEW | audience, headers=notifier)).json() for audience in audiences]
    assert [job["subject"] for job in sent] == [None, "Your order", "Your order"]
    found: list[Any] = []
    cursor = None
    for _ in range(2):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(JOBS, params=params, headers=notifier)).json()
        found, cursor = found + page["items"], page["next_cursor"]
        assert page["total"] == 3
    assert (found, cursor) == (sent[::-1], None)
    other = await headers_of(client, await make_user(context, roles=["notifier"]))
    assert (await client.get(JOBS, headers=other)).json() == {"items": [], "next_cursor": None, "total": 0}
    root = await headers_of(client, await make_user(context, superuser=True))
    assert [job["id"] for job in (await client.get(JOBS, headers=root)).json()["items"][:3]] == [
        job["id"] for job in sent[::-1]
    ]


async def test_a_cancelled_send_notifies_none_of_the_others(
    client: httpx.AsyncClient, context: Context, notifier: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    people = await editors(context, 5)
    job = (await client.post(SEND, json=NEW | {"role": "editor"}, headers=notifier)).json()
    [batch] = await worker_queries.lease_tasks(context.db, [tasks.distribute.name], 1, 30)
    await tasks.distribute.run(context, batch.id, batch.lease)
    cancel = f"{JOBS}/{job['id']}/cancel"
    answer = await client.post(cancel, headers=notifier)
    assert (answer.status_code, answer.json()["state"], answer.json()["notified"]) == (200, "cancelled", 2)
    assert answer.json()["finished_at"] is not None
    await mailed(context)
    again = await client.post(cancel, headers=notifier)
    assert again.json() == answer.json() == (await client.get(f"{JOBS}/{job['id']}", headers=notifier)).json()
    notified = await context.db.fetch("select from notifications where user_id = any($1)", [each.id for each in people])
    assert len(notified) == 2
    [event] = await events_of(context, "notifications.send_cancelled")
    assert (event["send_id"], event["notified"], event["total"]) == (job["id"], 2, 5)


async def test_many_cancellations_beside_the_worker_leave_what_the_job_says(
    live: Context, live_client: httpx.AsyncClient, cloned: Settings
) -> None:
    await editors(live, 4)
    headers = await headers_of(live_client, await make_user(live, roles=["notifier"]))
    job = (await live_client.post(SEND, json=NEW | {"role": "editor"}, headers=headers)).json()

    async def cancel() -> int:
        return (await live_client.post(f"{JOBS}/{job['id']}/cancel", headers=headers)).status_code

    context = msgspec.structs.replace(live, mail=MemoryMailer())
    async with open_queue(cloned) as queue, working(context, queue, tasks.tasks):
        codes = set(await asyncio.gather(*(cancel() for _ in range(20))))
        await until(live.db, "select count(*) = 0 from outbox_tasks where task like 'notifications.%'")
    now = (await live_client.get(f"{JOBS}/{job['id']}", headers=headers)).json()
    assert (now["state"], now["notified"], codes) in (("cancelled", 0, {200}), ("done", 4, {409}))
    rows = await live.db.fetch("select from notifications where send_id = $1", UUID(job["id"]))
    assert len(rows) == now["notified"]
    events = await events_of(live, "notifications.send_cancelled")
    assert len(events) == (now["state"] == "cancelled")


async def test_a_send_that_is_done_or_anothers_cannot_be_cancelled(
    client: httpx.AsyncClient, context: Context, notifier: dict[str, str], ada: User
) -> None:
    done = (await client.post(SEND, json=NEW | {"user_ids": [str(ada.id)]}, headers=notifier)).json()
    refused = await client.post(f"{JOBS}/{done['id']}/cancel", headers=notifier)
    assert (refused.status_code, refused.json()["code"]) == (409, "NOTIFICATION_SEND_DONE")
    running = (await client.post(SEND, json=NEW | {"everyone": True}, headers=notifier)).json()
    other = await headers_of(client, await make_user(context, roles=["notifier"]))
    assert (await client.post(f"{JOBS}/{running['id']}/cancel", headers=other)).status_code == 404
    assert (await queries.get_job(context.db, UUID(running["id"]), None)).state == "running"
