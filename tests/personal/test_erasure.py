"""What remains of an account after its deletion: nothing personal, in any table."""

import json
from uuid import UUID

import httpx
import pytest

from api.audit.chain import seal, walk
from api.features import FEATURES
from api.kernel.context import Context, Origin, origin
from api.kernel.data.database import uuid7
from api.operations.events import DeadLetterRetried
from api.users.events import EmailChanged, UserRegistered
from api.users.upkeep import delete_due
from tests.audit.entries import announce
from tests.factories import make_user
from tests.mailed import TASKS, mailed
from tests.notifications.conftest import notifications_of
from tests.personal.exported import exported, signed_in_as
from tests.personal.test_tables import DECLARED, tables
from tests.webhooks.conftest import Hooks
from worker.main import sweep_live
from worker.queries import lease_tasks
from worker.relay import sweep_published

ADDRESS, AGENT, NAME = "203.0.113.77", "Needlefox/9.9", "Ada Needleworth"
EMAIL, FORMER = "needleworth@example.com", "needle-former@example.com"
PERSONAL = (ADDRESS, AGENT, NAME, EMAIL, FORMER, "needleworth", "needle")


async def texts(context: Context) -> dict[str, list[str]]:
    """Return the rows of each table as text."""
    return {
        name: [row[0] for row in await context.db.fetch(f'select to_jsonb(t)::text from "{name}" t')]
        for name in await tables(context)
    }


async def an_account_with_everything(client: httpx.AsyncClient, context: Context) -> UUID:
    """Return an account with rows in each table that is declared."""
    user = await make_user(context, EMAIL)
    chief = await make_user(context, superuser=True)
    named = "update users set name = $2, pending_email = 'needle@example.com' where id = $1"
    await context.db.fetch(named, user.id, NAME)
    await context.db.fetch(
        "insert into user_tokens (token_hash, user_id, purpose, email, expires_at)"
        " values ('\\x01', $1, 'confirm_email', $2, now() + interval '1 day')",
        user.id,
        FORMER,
    )
    await Hooks(context, user.id).add("https://93.184.216.34/needle", "users.email_changed")
    await Hooks(context, chief.id).add("https://93.184.216.34/all", "users.email_changed", scope="all")
    here = Origin(user.id, ADDRESS, AGENT)
    await announce(context, UserRegistered(user_id=user.id, email=EMAIL, language="en"), here)
    await announce(context, EmailChanged(user_id=user.id, old_email=FORMER, email=EMAIL), here)
    await announce(context, DeadLetterRetried(dead_letter_id=uuid7(), kind="task", what="users.send_reset"), here)
    await mailed(context)
    await notifications_of(context, user.id)
    await mailed(context)
    await context.db.fetch(
        "insert into webhook_attempts (delivery_id, number, started_at, total_ms, response)"
        " select id, 1, now(), 1, $1 from webhook_deliveries",
        f"received {EMAIL}",
    )
    headers = await signed_in_as(client, EMAIL, AGENT)
    wrong = {"username": EMAIL, "password": "wrong"}
    await client.post("/api/auth/jwt/login", data=wrong, headers={"user-agent": AGENT})
    await exported(client, context, headers)
    tier = await context.db.fetch("insert into plan_tiers (name) values ('gold') returning id")
    await context.db.fetch(
        "insert into plan_targets (tier_id, target_type, target_id, user_id, name, is_active)"
        " values ($1, 'U', $2, $3, $4, true)",
        tier[0]["id"],
        str(user.id),
        user.id,
        NAME,
    )
    counts = (
        "insert into plan_counts (user_id, path, period, starts, used, held, granted)"
        " values ($1, 'users_me', 'month', now(), 1, 0, 0)"
    )
    await context.db.fetch(counts, user.id)
    mail = (
        "insert into mails (id, message_id, user_id, recipient, template, language, subject, body, state, attempts)"
        " values ($1, $2, $3, $4, 'verify', 'en', 'Hello', $5, 'sent', 1)"
    )
    await context.db.fetch(mail, uuid7(), "a message", user.id, EMAIL, f"Hello {NAME}")
    level = "insert into operation_log_levels (name, level, until, changed_by) values ('', 'INFO', now(), $1)"
    await context.db.fetch(level, user.id)
    dead = json.dumps({"type": "users.reset_wanted", "email": EMAIL, "network": ""})
    await context.db.fetch(
        "insert into outbox_tasks (task, event_id, data, traceparent, dead_at)"
        " values ('users.send_reset', $1, $2::jsonb, '', now())",
        uuid7(),
        dead,
    )
    return user.id


async def swept(context: Context) -> None:
    """Let the worker do what follows: publish, run tasks, and sweep, as after a day."""
    origin.set(Origin())  # the client's requests ran in this task
    for _ in range(3):
        while leased := await lease_tasks(context.db, list(TASKS), 100, 30):
            for each in leased:
                await TASKS[each.task].run(context, each.id, each.lease)
        while await seal(context):
            pass
        published = "update outbox_events set published_at = now() - interval '30 days' where dead_at is null"
        await context.db.fetch(published)
        await context.db.fetch("update outbox_live set created_at = now() - interval '2 days'")
        while await sweep_published(context) or await sweep_live(context):
            pass
        for sweep in (sweep for feature in FEATURES for sweep in feature.sweeps):
            if sweep.run.__name__ not in ("deliver_webhooks", "reseal_secrets"):
                while await sweep.run(context):
                    pass


@pytest.mark.case(452, 455)
async def test_no_personal_data_remains_in_any_table(client: httpx.AsyncClient, context: Context) -> None:
    """C-452: and the hash chain is intact."""
    user_id = await an_account_with_everything(client, context)
    before = await texts(context)
    marks = (*PERSONAL, str(user_id))
    empty = {table.name for table in DECLARED} - {
        name for name, found in before.items() if any(mark in row for row in found for mark in marks)
    }
    assert all(before[name] for name in WITHOUT_MARKS)
    assert empty - WITHOUT_MARKS == set(), "the account needs rows in these tables"
    answers = await context.db.fetch("select count(*) from webhook_attempts where response like '%needle%'")
    assert answers[0]["count"] >= 2
    await context.db.fetch(
        "update users set deletion_requested_at = clock_timestamp(), delete_after = now() where id = $1", user_id
    )
    assert await delete_due(context) == 1
    await swept(context)
    after = await texts(context)
    left = [(name, mark, row) for name, found in after.items() for row in found for mark in PERSONAL if mark in row]
    assert left == []
    named = {name for name, found in after.items() for row in found if str(user_id) in row}
    assert named <= {"audit_entries", "outbox_events", "outbox_live"}
    assert [walked async for walked in walk(context.db)][-1].waiting == 0


WITHOUT_MARKS = {"webhook_secrets", "webhook_deliveries"}
"""Tables whose rows about an account contain neither its id nor a text."""
