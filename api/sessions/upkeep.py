"""What keeps the rows in step with their accounts. A change of an account ends its sessions by itself, at once; here
they are marked, and whoever wants to know is told."""

from datetime import timedelta
from uuid import UUID

from api.kernel import Context, Event, Origin, Sweep, Transaction, origin, record, span, task, uuid7
from api.kernel.telemetry import parent_from
from api.sessions import queries
from api.sessions.events import SessionEnded, SignInRefused
from api.sessions.types import Refusal
from api.users.events import (
    DeletionRequested,
    EmailChanged,
    EmailChangeReverted,
    PasswordChanged,
    SessionsRevoked,
    UserClaimed,
    UserDisabled,
    UserVerified,
)

REMEMBERED = timedelta(days=90)
"""After its end, a session is how its device is known again."""
_ROWS_AT_ONCE = 1000
WINDOW = timedelta(minutes=15)
"""For so long refused sign-ins are counted together."""
REFUSALS_AT_ONCE = 100
ANNOUNCE_SECONDS = 2.0
Ending = (
    PasswordChanged
    | EmailChanged
    | EmailChangeReverted
    | DeletionRequested
    | SessionsRevoked
    | UserClaimed
    | UserDisabled
    | UserVerified
)
REASONS: dict[type[Event], str] = {SessionsRevoked: "revoked", UserDisabled: "disabled"}
"""Of an end, where it is not that credentials changed."""


@task(on=Ending, urgent=True)
async def end_sessions(context: Context, event: Ending, id: UUID) -> None:
    """Mark the sessions that a change of the account ended. Those of an account that was claimed are forgotten, so that
    no device of whoever opened it is known."""
    reason = REASONS.get(type(event), "credentials")
    async with context.db.transaction() as db:
        for sid in await queries.end_dead(db, event.user_id, reason):
            await record(db, SessionEnded(session_id=sid, user_id=event.user_id, reason=reason))
        if isinstance(event, UserClaimed):
            await queries.forget(db, event.user_id)


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


tasks = [end_sessions]
sweeps = [Sweep(sweep_sessions), Sweep(announce_refusals, ANNOUNCE_SECONDS)]
