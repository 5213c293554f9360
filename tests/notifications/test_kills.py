"""Workers that are killed: role-wide sends and digests."""

import asyncio
from pathlib import Path

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.cache import open_cache
from api.kernel.settings import Settings
from tests.factories import make_user
from tests.notifications.conftest import NEW, headers_of, notified
from tests.processes import MailServer, Processes, text_of
from tests.worker.jobs import until

ACCOUNTS, AT_ONCE = 2500, 250
PEOPLE = """insert into users (id, email, password_hash, is_verified, roles)
            select gen_random_uuid(), 'p' || n || '@example.com', '', true, '{editor}'
              from generate_series($1::int, $2::int) as n"""
RELEASED = "update outbox_tasks set locked_until = now() where locked_until is not null"
"""As if the time of the leases had passed."""


def own(cloned: Settings, mail_server: MailServer) -> dict[str, str]:
    return {"DATABASE_URL": cloned.database_url, "KAFKA_PREFIX": cloned.kafka.prefix, "SMTP_URL": mail_server.url}


async def die(processes: Processes, point: str) -> None:
    """Start a worker that kills itself at that point, and wait for its end. Its leases then end, too."""
    processes.environment["FAIL_AT"] = point
    worker = processes.start("worker")
    await asyncio.to_thread(worker.child.wait, 60)
    assert worker.child.returncode == -9, worker.log.read_text()[-2000:]
    del processes.environment["FAIL_AT"]


@pytest.mark.case(409)
async def test_a_role_wide_send_reaches_each_account_once(
    environment: dict[str, str],
    cloned: Settings,
    live: Context,
    live_client: httpx.AsyncClient,
    mail_server: MailServer,
    tmp_path: Path,
) -> None:
    """Killed before and after a batch's commit, with Redis emptied; then two workers at once."""
    for first in range(1, ACCOUNTS, AT_ONCE):
        await live.db.fetch(PEOPLE, first, first + AT_ONCE - 1)
    # The mails of thousands are another matter.
    await live.db.fetch("insert into notification_role_switches values ('editor', 'product', 'mail', 'off')")
    headers = await headers_of(live_client, await make_user(live, roles=["notifier"]))
    await live.db.fetch("delete from outbox_tasks")  # of the sign-in
    job = (await live_client.post("/api/notifications/send", json=NEW | {"role": "editor"}, headers=headers)).json()
    assert (job["state"], job["total"]) == ("running", ACCOUNTS)
    with Processes(environment | own(cloned, mail_server), tmp_path) as processes:
        for point in ("task.leased:1", "task.done:1", "database.commit:1", "database.committed:2"):
            await die(processes, point)
            await live.db.fetch(RELEASED)
            async with open_cache(cloned) as cache:
                await cache.execute("FLUSHALL")
        await asyncio.gather(processes.worker(), processes.worker())
        await until(live.db, "select count(*) = 0 from outbox_tasks where task like 'notifications.%'", 180)
    done = (await live_client.get(f"/api/notifications/jobs/{job['id']}", headers=headers)).json()
    assert (done["state"], done["notified"]) == ("done", ACCOUNTS)
    [[rows, accounts, wrong]] = await live.db.fetch(
        "select count(*), count(distinct n.user_id), count(*) filter (where box.unread <> 1 or box.last <> 1)"
        " from notifications n join notification_boxes box on box.user_id = n.user_id"
    )
    assert (rows, accounts, wrong) == (ACCOUNTS, ACCOUNTS, 0)
    [[events]] = await live.db.fetch("select count(*) from outbox_events where type = 'notifications.created'")
    assert events == ACCOUNTS


@pytest.mark.case(406)
async def test_a_window_is_one_mail_after_any_kill(
    environment: dict[str, str], cloned: Settings, live: Context, mail_server: MailServer, tmp_path: Path
) -> None:
    """200 events by four workers, of which two are killed while they work, and two at the end of the window."""
    user = await make_user(live)
    await live.db.fetch("insert into notification_switches values ($1, 'product', 'mail', 'digest')", user.id)
    await notified(live, user, 200)
    with Processes(environment | own(cloned, mail_server), tmp_path) as processes:
        for point in ("task.leased:20", "task.done:20"):
            await die(processes, point)
        workers = [await processes.worker(), await processes.worker()]
        await live.db.fetch(RELEASED)
        await until(live.db, "select count(*) = 200 from notifications where digest_id is not null", 120)
        for worker in workers:
            worker.kill()
        await live.db.fetch("update outbox_tasks set available_at = now() where task = 'notifications.close_digest'")
        for point in ("task.leased:1", "task.done:1", "task.leased:1"):
            await die(processes, point)
            await live.db.fetch(RELEASED)
        await asyncio.gather(processes.worker(), processes.worker())
        mail = await mail_server.mail_to(user.email)
        await until(live.db, "select count(*) = 0 from outbox_tasks where task like 'notifications.%'")
    assert {each["Message-ID"] for each in mail_server.mails if each["To"] == user.email} == {mail["Message-ID"]}
    assert (mail["Subject"], text_of(mail).count("- Your order")) == ("200 notifications", 200)
    assert [tuple(row) for row in await live.db.fetch("select state, items from notification_digests")] == [
        ("closed", 200)
    ]
