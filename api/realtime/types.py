"""What clients receive and send."""

from typing import Any
from uuid import UUID

import msgspec


class OwnEvent(msgspec.Struct, frozen=True, tag_field="scope", tag="own"):
    """An event about the caller's account. `id` is the id of its subject, such as a session, and `data` are its
    fields."""

    type: str
    id: UUID
    data: dict[str, Any]


class Change(msgspec.Struct, frozen=True, tag_field="scope", tag="all"):
    """For superusers: something has changed. `id` is the id of the event's subject, `user_id` the account that it is
    about. Load what you show again."""

    type: str
    id: UUID
    user_id: UUID | None


class Ping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="ping"):
    """Asks whether the connection is alive: scripts in browsers cannot send ping frames."""


class Pong(msgspec.Struct, frozen=True, tag_field="type", tag="pong"):
    """The reply to a ping."""
