"""The worker's tasks, run in a test's own process."""

import re

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.feature import tasks_of
from api.kernel.mail import MemoryMailer
from worker import queries

TASKS = {task.name: task for task in tasks_of(FEATURES)}


async def mailed(context: Context) -> list[tuple[str, str]]:
    """Let the tasks run that were left to the worker; to whom they wrote, and the token in that mail's link."""
    assert isinstance(context.mail, MemoryMailer)
    context.mail.sent.clear()
    while leased := await queries.lease_tasks(context.db, list(TASKS), 100, 30):
        for each in leased:
            await TASKS[each.task].run(context, each.id, each.lease)
    assert await context.db.fetch("select task, last_error from outbox_tasks") == []
    found = [(mail.recipients[0], re.search(r"#token=(\S+)", mail.text)) for mail in context.mail.sent]
    return [(to, match[1]) for to, match in found if match]
