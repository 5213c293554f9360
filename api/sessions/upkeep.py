"""What keeps the rows in step with their accounts. A change of an account ends its sessions by itself, at once; here
they are marked, and whoever wants to know is told."""

from datetime import timedelta
from uuid import UUID

from api.kernel.context import Context
from api.kernel.events import Event, record
from api.kernel.feature import Sweep
from api.kernel.tasks import task
from api.sessions import queries
from api.sessions.events import SessionEnded
from api.users.events import (
    DeletionRequested,
    EmailChanged,
    EmailChangeReverted,
    PasswordChanged,
    SessionsRevoked,
    UserDisabled,
)

REMEMBERED = timedelta(days=90)
"""After its end, a session is how its device is known again."""
_ROWS_AT_ONCE = 1000
Ending = PasswordChanged | EmailChanged | EmailChangeReverted | DeletionRequested | SessionsRevoked | UserDisabled
REASONS: dict[type[Event], str] = {SessionsRevoked: "revoked", UserDisabled: "disabled"}
"""Of an end, where it is not that credentials changed."""


@task(on=Ending, urgent=True)
async def end_sessions(context: Context, event: Ending, id: UUID) -> None:
    """A session in which the password was changed goes on."""
    reason = REASONS.get(type(event), "credentials")
    async with context.db.transaction() as db:
        for sid in await queries.end_dead(db, event.user_id, reason):
            await record(db, SessionEnded(session_id=sid, user_id=event.user_id, reason=reason))


async def sweep_sessions(context: Context) -> int:
    """Forget what was over long ago."""
    return len(await queries.delete_old(context.db, REMEMBERED, _ROWS_AT_ONCE))


tasks = [end_sessions]
sweeps = [Sweep(sweep_sessions)]
