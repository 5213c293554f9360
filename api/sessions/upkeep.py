"""The sweeps of sessions: old ones are removed, and counted refusals of sign-ins are recorded as events."""

from datetime import timedelta

from api.kernel import Context, Origin, Sweep, Transaction, origin, record, span, uuid7
from api.kernel.telemetry import parent_from
from api.sessions import queries
from api.sessions.events import SignInRefused
from api.sessions.types import Refusal

REMEMBERED = timedelta(days=90)
"""After its end, a session is how its device is known again."""
_ROWS_AT_ONCE = 1000
WINDOW = timedelta(minutes=15)
"""For so long refused sign-ins are counted together."""
REFUSALS_AT_ONCE = 100
ANNOUNCE_SECONDS = 2.0


async def announce_refusals(context: Context) -> int:
    """Record the refused sign-ins that were counted, an event for each count; how many counts. Raises Problem."""
    async with context.db.transaction() as db:
        counts = await queries.take_refusals(db, WINDOW, REFUSALS_AT_ONCE)
        for count in counts:
            if count.attempts:
                await _announce(db, count)
    return len(counts)


async def _announce(db: Transaction, count: Refusal) -> None:
    """From where the first of them came, and within its trace."""
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
    """Remove sessions that ended long ago, one batch of them; how many. Raises Problem."""
    return len(await queries.delete_old(context.db, REMEMBERED, _ROWS_AT_ONCE))


sweeps = [Sweep(sweep_sessions), Sweep(announce_refusals, ANNOUNCE_SECONDS)]
