"""What waits in the outbox, measured once for all callers and kept for some seconds."""

import asyncio
from datetime import datetime

import msgspec

from api.kernel.context import Context
from api.kernel.data.database import Database
from api.kernel.data.sql import query
from api.kernel.outbox.events import Backlog, measure_outbox

MOST_COUNTED = 10_000
"""Where sql/kernel/measure_outbox.sql stops counting the rows of one topic or task."""
KEPT_SECONDS = 2.0
_FLIGHT = "outbox"


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
    """Measure, or share what is being measured or was measured within KEPT_SECONDS. A failure is raised to those who
    wait for it, and not kept. Raises Problem."""
    flights, loop = context.cache.flights, asyncio.get_running_loop()
    flight: asyncio.Task[Waiting] | None = flights.get(_FLIGHT)
    if flight is None:
        flight = flights[_FLIGHT] = asyncio.create_task(measure_now(context))

        def keep(done: asyncio.Task[Waiting]) -> None:
            kept = not done.cancelled() and done.exception() is None
            loop.call_later(KEPT_SECONDS if kept else 0, flights.pop, _FLIGHT, None)

        flight.add_done_callback(keep)
    return await asyncio.shield(flight)


async def measure_now(context: Context) -> Waiting:
    """Measure, whatever was measured before. Raises Problem."""
    return Waiting(await measure_outbox(context.db), await list_closed_topics(context.db))
