"""F-30: at least once is the promise, so every task may come twice: each has its effect once, and each of its mails
one Message-ID."""

from typing import Any

import msgspec

from api.audit.tasks import Erasure
from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mail import MemoryMailer
from api.kernel.outbox.events import NOBODY, Event, record
from api.notifications.types import Notification
from api.sessions.events import SessionEnded, SessionStarted
from api.users import events
from api.users.tasks import AlreadyRegistered, ResetWanted, VerificationWanted
from api.users.types import User
from tests.factories import make_user
from tests.mailed import TASKS
from tests.sessions.test_mail_notices import WHEN
from worker import queries

# What it is about: an account's state, and what was announced or asked for then.
STATES: dict[str, list[Any]] = {
    "is_verified = false": [events.UserRegistered, VerificationWanted],
    "password_hash = null": [events.UserInvited],
    "pending_email = 'new@example.org'": [events.EmailChangeRequested],
    "delete_after = now(), deletion_requested_at = now()": [events.DeletionRequested],
    "name = null": [
        ResetWanted,
        events.EmailChanged,
        events.EmailChangeReverted,
        events.PasswordChanged,
        events.DeletionCancelled,
        events.SessionsRevoked,
        events.UserDisabled,
        events.UserDeleted,
        events.UserClaimed,
        events.UserVerified,
        SessionStarted,
        SessionEnded,
        Notification,
        Erasure,
    ],
    "name = 'somebody who registers again'": [AlreadyRegistered],
}
EFFECTS = """
select (select count(*) from outbox_events) as events,
       (select count(*) from audit_entries) as audited,
       (select md5(string_agg(users::text, '|' order by id)) from users) as accounts,
       (select md5(string_agg(sessions::text, '|' order by id)) from sessions) as sessions,
       (select md5(string_agg(coalesce(data::text, '-'), '|' order by seq)) from audit_entries) as told
"""


async def ask(context: Context, user: User, kind: type[msgspec.Struct]) -> None:
    """Leave to the worker what follows from an event, or a task that somebody wants done."""
    session = uuid7()
    await context.db.fetch(
        "insert into sessions (id, user_id, idle_expires_at, expires_at) values ($1, $2, now() + '1 h', now() + '1 h')",
        session,
        user.id,
    )
    known = {"user_id": user.id, "email": user.email, "old_email": "old@example.com", "language": "en", "how": "reset"}
    known |= {"session_id": session, "method": "password", "mode": "bearer", "new_device": True, "reason": "reuse"}
    known |= {
        "after": NOBODY,
        "delete_after": WHEN,
        "network": "",
        "was_verified": True,
        "subject": "Your order",
        "text": "is on its way",
    }
    value = kind(**{field.name: known[field.name] for field in msgspec.structs.fields(kind)})
    if isinstance(value, Event):
        await record(context.db, value)
    else:
        [wanted] = [task for task in TASKS.values() if task._decoder.type is kind]
        await wanted.defer(context.db, value)


async def run(context: Context, mailbox: MemoryMailer) -> tuple[list[str], list[Any], set[tuple[str, str, str]]]:
    """Every task that is due: their names, what is so afterwards, and what was mailed under which id."""
    mailbox.sent.clear()
    leased = await queries.lease_tasks(context.db, list(TASKS), 100, 30)
    for each in leased:
        await TASKS[each.task].run(context, each.id, each.lease)
    [effects] = await context.db.fetch(EFFECTS)
    mailed = {(mail.id, mail.recipients[0], mail.subject) for mail in mailbox.sent}
    return [each.task for each in leased], list(effects), mailed


async def test_each_task_that_comes_twice_has_its_effect_once(context: Context, mailbox: MemoryMailer) -> None:
    """As when a worker dies between the work and the removal of its row."""
    seen: set[str] = set()
    for state, kinds in STATES.items():
        user = await make_user(context)
        await context.db.fetch(f"update users set {state} where id = $1", user.id)
        for kind in kinds:
            await ask(context, user, kind)
        await context.db.fetch("create temp table kept on commit drop as select * from outbox_tasks")
        once = await run(context, mailbox)
        assert await context.db.fetch("select task, last_error from outbox_tasks") == []
        await context.db.fetch("insert into outbox_tasks overriding system value select * from kept")
        await context.db.fetch("drop table kept")
        again = await run(context, mailbox)
        assert (sorted(again[0]), again[1]) == (sorted(once[0]), once[1])
        assert again[2] <= once[2], "the same mails, or fewer: what anybody can ask for is not mailed twice a minute"
        seen |= set(once[0])
    assert seen == set(TASKS)
