"""The outbox's backlog, measured once for all callers and cached for some seconds."""

from datetime import datetime

import msgspec

from api.kernel.context import Context
from api.kernel.data.cache import shared
from api.kernel.data.database import Database
from api.kernel.data.sql import query
from api.kernel.outbox.events import Backlog, measure_outbox

MOST_COUNTED = 10_000
"""Limit of counts per topic or task in sql/kernel/measure_outbox.sql."""
KEPT_SECONDS = 2.0


class ClosedTopic(msgspec.Struct, frozen=True):
    """A topic that does not exist in Kafka, or that this application may not write to; `reason` is Kafka's error."""

    topic: str
    reason: str
    since: datetime


class Waiting(msgspec.Struct, frozen=True):
    """The backlog by topic and task, and the topics that cannot be written to."""

    backlogs: list[Backlog]
    closed: list[ClosedTopic]


@query
async def list_closed_topics(db: Database) -> list[ClosedTopic]: ...


async def measure_waiting(context: Context) -> Waiting:
    """Measure the backlog, or share a measurement that is running or at most KEPT_SECONDS old. Raises Problem."""
    return await shared(context, KEPT_SECONDS, measure_now)


async def measure_now(context: Context) -> Waiting:
    """Measure the backlog without sharing. Raises Problem."""
    return Waiting(await measure_outbox(context.db), await list_closed_topics(context.db))
