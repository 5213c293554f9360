"""What this feature announces."""

from uuid import UUID

from api.kernel.events import Event


class SessionStarted(Event, frozen=True, tag="sessions.started"):
    session_id: UUID
    user_id: UUID


class SessionEnded(Event, frozen=True, tag="sessions.ended"):
    """`reason` is logout, or reuse: an old refresh token came back."""

    session_id: UUID
    user_id: UUID
    reason: str
