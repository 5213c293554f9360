"""What this feature announces."""

from uuid import UUID

from api.kernel.events import Event


class UserRegistered(Event, frozen=True, tag="users.registered"):
    user_id: UUID
    email: str


class UserVerified(Event, frozen=True, tag="users.verified"):
    user_id: UUID
    email: str


class UserPromoted(Event, frozen=True, tag="users.promoted"):
    """Became a superuser."""

    user_id: UUID
    email: str
