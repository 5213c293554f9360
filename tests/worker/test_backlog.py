"""F-35: a backlog of 100,000 rows is read along the index of pending rows, and only as far as needed."""

from datetime import timedelta
from typing import Any

import pytest

from api.audit.queries import erase_strangers, list_removable
from api.kernel.context import Context
from api.sessions.queries import delete_old
from api.users.queries import delete_old_tokens
from tests.query_plans import explain, nodes
from worker import queries
from worker.relay import EVENTS_AT_ONCE, TASKS_QUEUED

EVENTS = """
insert into outbox_events (id, type, topic, key, data, traceparent, published_at)
select gen_random_uuid(), 'users.updated', 'users', gen_random_uuid(), '{}', '',
       case when n <= 100000 then now() - interval '8 days' end
  from generate_series(1, 200000) as n
"""
TASKS = """
insert into outbox_tasks (task, event_id, data, traceparent)
select 'users.send_reset', gen_random_uuid(), '{}', '' from generate_series(1, 100000)
"""
INBOX = """
insert into inbox (consumer, source, id, received_at)
select 'users', 'elsewhere', n::text, now() - n * interval '27 s' from generate_series(1, 100000) as n
"""

SESSIONS = """
with owner as (insert into users (id, email) values (gen_random_uuid(), 'ada@example.com') returning id)
insert into sessions (id, user_id, idle_week, idle_expires_at, expires_at)
select gen_random_uuid(), owner.id, now() - n * interval '27 s', now(), now() + interval '90 days'
  from owner, generate_series(1, 400000, 10) as n
"""
TOKENS = """
with owner as (insert into users (id, email) values (gen_random_uuid(), 'ada@example.com') returning id)
insert into user_tokens (token_hash, user_id, purpose, email, expires_at)
select sha256(n::text::bytea), owner.id, 'verify', 'ada@example.com', now() - n * interval '20 s'
  from owner, generate_series(1, 20000) as n
"""
ENTRIES = """
insert into audit_entries (id, type, key, data, traceparent, address, subjects, position, data_digest, origin_digest,
                           hash, created_at)
select gen_random_uuid(), 'sessions.refused', gen_random_uuid(), '{}', '', '192.0.2.7',
       case when n % 2 = 0 then array[gen_random_uuid()] else '{}' end, n, '', '', '', now() - n * interval '10 min'
  from generate_series(1, 20000) as n
"""


@pytest.mark.fresh
@pytest.mark.parametrize(
    ("rows", "query", "arguments", "index"),
    [
        (EVENTS, queries.claim_events, [EVENTS_AT_ONCE], "outbox_events_ready"),
        (EVENTS, queries.sweep_published, [EVENTS_AT_ONCE], "outbox_events_published"),
        (TASKS, queries.lease_tasks, [["users.send_reset"], TASKS_QUEUED, 30.0], "outbox_tasks_due"),
        (INBOX, queries.sweep_inbox, [EVENTS_AT_ONCE], "inbox_received"),
        (SESSIONS, delete_old, [timedelta(days=90), EVENTS_AT_ONCE], "sessions_finished"),
        (TOKENS, delete_old_tokens, [EVENTS_AT_ONCE], "user_tokens_expires"),
        (ENTRIES, erase_strangers, [timedelta(days=90), EVENTS_AT_ONCE], "audit_entries_nobody"),
        (ENTRIES, list_removable, [0, timedelta(days=90), EVENTS_AT_ONCE], "audit_entries_position_key"),
    ],
    ids=["claim", "sweep", "lease", "forget", "sessions", "tokens", "strangers", "audit"],
)
async def test_a_backlog_does_not_slow_polling(
    context: Context, rows: str, query: Any, arguments: list[object], index: str
) -> None:
    """C-189, according to the plan, not the time."""
    await context.db.fetch(rows)
    await context.db.fetch("analyze outbox_events, outbox_tasks, inbox, sessions, user_tokens, audit_entries")
    read = list(nodes(await explain(context.db, query.bound.statement, *arguments)))
    assert index in {node.get("Index Name") for node in read}
    whole = {node["Relation Name"] for node in read if node["Node Type"] == "Seq Scan"}
    assert whole <= {"outbox_topics"}, "outbox_topics has a row for each closed topic"
    assert max(node["Actual Rows"] for node in read) <= EVENTS_AT_ONCE
