"""Periodic work of sessions: old ones are deleted, and counted failures of sign-ins are recorded as events."""

from datetime import timedelta

from api.kernel import Context, Origin, Sweep, Transaction, origin, record, span, uuid7
from api.kernel.telemetry import parent_from
from api.sessions import queries
from api.sessions.events import SignInRefused
from api.sessions.types import Refusal

REMEMBERED = timedelta(days=90)
"""How long an ended session is kept to recognize its device."""
_ROWS_AT_ONCE = 1000
WINDOW = timedelta(minutes=15)
"""Period in which failed sign-ins are counted together."""
REFUSALS_AT_ONCE = 100
ANNOUNCE_SECONDS = 2.0


async def announce_refusals(context: Context) -> int:
    """Record an event for each count of failed sign-ins. Returns the number of counts. Raises Problem."""
    async with context.db.transaction() as db:
        counts = await queries.take_refusals(db, WINDOW, REFUSALS_AT_ONCE)
        for count in counts:
            if count.attempts:
                await _announce(db, count)
    return len(counts)


async def _announce(db: Transaction, count: Refusal) -> None:
    """Record the event with the origin and trace of the first attempt."""
    event = SignInRefused(
        attempt_id=uuid7(), user_id=count.owner_id, reason=count.reason, attempts=count.attempts, since=count.since
    )
    token = origin.set(Origin(address=count.address, user_agent=count.user_agent))
    try:
        with span("sessions.announce_refusals", parent=parent_from(count.traceparent)):
            await record(db, event)
    finally:
        origin.reset(token)


async def sweep_sessions(context: Context) -> int:
    """Delete one batch of old sessions. Returns their number. Raises Problem."""
    return len(await queries.delete_old(context.db, REMEMBERED, _ROWS_AT_ONCE))


sweeps = [Sweep(sweep_sessions), Sweep(announce_refusals, ANNOUNCE_SECONDS)]
