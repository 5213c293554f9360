"""F-30: tasks run at least once, so every task may run twice: each takes effect once, and each of its mails has one
Message-ID. The events of the tasks are in each feature's examples.py."""

from typing import Any

import msgspec

import api.audit.tasks
from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mail import MemoryMailer
from api.kernel.outbox.events import Event, record
from api.users.types import User
from tests.examples import EXAMPLES, Examples
from tests.factories import make_user
from tests.mailed import TASKS
from tests.transactions import in_transaction
from worker import queries

STATES = sorted({state for examples in EXAMPLES.values() for state in examples.twice})
# An erasure that runs again erases what other tasks have recorded since, so erasures run after all other tasks.
ERASURES = [name for name in TASKS if TASKS[name] in api.audit.tasks.tasks]
OTHERS = [name for name in TASKS if name not in ERASURES]
EFFECTS = ["select count(*) from outbox_events", *(each for examples in EXAMPLES.values() for each in examples.effects)]


async def ask(context: Context, user: User, kind: type[msgspec.Struct], examples: Examples) -> None:
    """Enqueue the tasks of an event, or a single task."""
    session = uuid7()
    await context.db.fetch(
        "insert into sessions (id, user_id, idle_expires_at, expires_at) values ($1, $2, now() + '1 h', now() + '1 h')",
        session,
        user.id,
    )
    known = {"user_id": user.id, "email": user.email, "language": "en", "session_id": session, **examples.values}
    fields = [field.name for field in msgspec.structs.fields(kind)]
    assert set(fields) <= known.keys(), f"{examples.file}: VALUES needs {sorted(set(fields) - known.keys())}"
    value = kind(**{name: known[name] for name in fields})
    if isinstance(value, Event):
        await in_transaction(context.db, record, value)
    else:
        wanted = [task for task in TASKS.values() if task._decoder.type is kind]
        assert wanted, f"{examples.file}: TWICE names {kind.__name__}, which no task is on"
        for each in wanted:  # several features may have a schedule
            await each.defer_alone(context.db, value)


async def run(context: Context, mailbox: MemoryMailer) -> tuple[list[str], list[Any], set[tuple[str, str, str]]]:
    """Run every due task, and those that they defer. Returns their names, the resulting state, and the mails by id."""
    mailbox.sent.clear()
    ran: list[str] = []
    lease = queries.lease_tasks
    while leased := await lease(context.db, OTHERS, 100, 30) or await lease(context.db, ERASURES, 100, 30):
        for each in leased:
            await TASKS[each.task].run(context, each.id, each.lease)
        ran += [each.task for each in leased]
    effects = [(await context.db.fetch(each))[0][0] for each in EFFECTS]
    mailed = {(mail.id, mail.recipients[0], mail.subject) for mail in mailbox.sent}
    return ran, effects, mailed


async def test_each_task_that_runs_twice_takes_effect_once(context: Context, mailbox: MemoryMailer) -> None:
    """As after a worker that died between the work and the removal of the row."""
    seen: set[str] = set()
    for state in STATES:
        user = await make_user(context)
        await context.db.fetch(f"update users set {state or 'name = null'} where id = $1", user.id)
        for examples in EXAMPLES.values():
            for kind in examples.twice.get(state, ()):
                await ask(context, user, kind, examples)
        await context.db.fetch("create temp table kept on commit drop as select * from outbox_tasks")
        once = await run(context, mailbox)
        assert await context.db.fetch("select task, last_error from outbox_tasks") == []
        await context.db.fetch("insert into outbox_tasks overriding system value select * from kept")
        await context.db.fetch("drop table kept")
        again = await run(context, mailbox)
        # By name: a transactional task that has taken effect defers nothing the second time.
        assert (set(again[0]), again[1]) == (set(once[0]), once[1])
        assert again[2] <= once[2], "the same mails, or fewer: mails on request are limited to one a minute"
        seen |= set(once[0])
    unseen = [f"{EXAMPLES[name.partition('.')[0]].file}: list in TWICE what {name} is on" for name in set(TASKS) - seen]
    assert unseen == []
