"""What waits in the outbox, measured once for all callers and kept for some seconds."""

from datetime import datetime

import msgspec

from api.kernel.context import Context
from api.kernel.data.cache import shared
from api.kernel.data.database import Database
from api.kernel.data.sql import query
from api.kernel.outbox.events import Backlog, measure_outbox

MOST_COUNTED = 10_000
"""Where sql/kernel/measure_outbox.sql stops counting the rows of one topic or task."""
KEPT_SECONDS = 2.0


class ClosedTopic(msgspec.Struct, frozen=True):
    """A topic that Kafka does not have, or that this application may not write to: `reason` is Kafka's error."""

    topic: str
    reason: str
    since: datetime


class Waiting(msgspec.Struct, frozen=True):
    """What waits, by topic and task, and the topics that Kafka does not take."""

    backlogs: list[Backlog]
    closed: list[ClosedTopic]


@query
async def list_closed_topics(db: Database) -> list[ClosedTopic]: ...


async def measure_waiting(context: Context) -> Waiting:
    """Measure, or share a measurement that runs or ended within KEPT_SECONDS. Raises Problem."""
    return await shared(context, KEPT_SECONDS, measure_now)


async def measure_now(context: Context) -> Waiting:
    """Measure, without sharing. Raises Problem."""
    return Waiting(await measure_outbox(context.db), await list_closed_topics(context.db))
