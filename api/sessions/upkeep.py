"""What keeps the rows in step with their accounts. A change of an account ends its sessions by itself, at once; here
they are marked, and whoever wants to know is told."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from api.kernel.context import Context
from api.kernel.events import record
from api.kernel.feature import Sweep
from api.kernel.tasks import Task, task
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


@task(on=PasswordChanged)
async def end_after_password(context: Context, event: PasswordChanged, id: UUID) -> None:
    """The session in which it was changed goes on."""
    await _end_dead(context, event.user_id, "credentials")


@task(on=EmailChanged)
async def end_after_email(context: Context, event: EmailChanged, id: UUID) -> None:
    await _end_dead(context, event.user_id, "credentials")


@task(on=EmailChangeReverted)
async def end_after_revert(context: Context, event: EmailChangeReverted, id: UUID) -> None:
    await _end_dead(context, event.user_id, "credentials")


@task(on=DeletionRequested)
async def end_before_deletion(context: Context, event: DeletionRequested, id: UUID) -> None:
    await _end_dead(context, event.user_id, "credentials")


@task(on=SessionsRevoked)
async def end_revoked(context: Context, event: SessionsRevoked, id: UUID) -> None:
    await _end_dead(context, event.user_id, "revoked")


@task(on=UserDisabled)
async def end_disabled(context: Context, event: UserDisabled, id: UUID) -> None:
    await _end_dead(context, event.user_id, "disabled")


async def _end_dead(context: Context, user_id: UUID, reason: str) -> None:
    async with context.db.transaction() as db:
        for sid in await queries.end_dead(db, user_id, reason):
            await record(db, SessionEnded(session_id=sid, user_id=user_id, reason=reason))


async def sweep_sessions(context: Context) -> int:
    """Forget what was over long ago."""
    return len(await queries.delete_old(context.db, REMEMBERED, _ROWS_AT_ONCE))


tasks: list[Task[Any]] = [
    end_after_password,
    end_after_email,
    end_after_revert,
    end_before_deletion,
    end_revoked,
    end_disabled,
]
sweeps = [Sweep(sweep_sessions)]
