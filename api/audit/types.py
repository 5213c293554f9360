"""What comes in and what goes out, and the rows behind it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from api.kernel import Cursor, Limit

By = Literal["you", "administrator", "somebody", "system"]
Kind = Annotated[
    str,
    msgspec.Meta(
        max_length=100,
        pattern=r"^[a-z_]+\.[a-z_]+$",
        description="What happened, such as users.registered.",
        examples=["sessions.started"],
    ),
]


class ActivityQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    limit: Limit = 20
    cursor: Cursor | None = None


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    user_id: Annotated[UUID, msgspec.Meta(description="Whose entries.")] | None = None
    type: Kind | None = None
    limit: Limit = 20
    cursor: Cursor | None = None


class Activity(msgspec.Struct, frozen=True):
    """Something that happened to one's account. `somebody` is whoever it was without being signed in; where an
    administrator acted, is theirs alone."""

    id: UUID
    type: str
    created_at: datetime
    address: str | None
    user_agent: str | None
    by: By
    data: dict[str, Any]


class AuditEntry(msgspec.Struct, frozen=True):
    """What happened, about whom (`data`'s `user_id`), by whom (`principal_id`), from where. What is personal is null
    once its account is gone; `position` and `hash`, hexadecimal, until it is sealed, which takes a second."""

    id: UUID
    type: str
    key: UUID
    data: dict[str, Any] | None
    principal_id: UUID | None
    address: str | None
    user_agent: str | None
    traceparent: str
    created_at: datetime
    position: int | None
    hash: str | None


class ActivityRow(msgspec.Struct, frozen=True):
    id: UUID
    type: str
    created_at: datetime
    address: str | None
    user_agent: str | None
    by: str
    data: str | None


class EntryRow(msgspec.Struct, frozen=True):
    """An entry as it stands in its table, in the column's order there; `data` is JSON."""

    id: UUID
    type: str
    key: UUID
    data: str | None
    principal_id: UUID | None
    address: str | None
    user_agent: str | None
    traceparent: str
    created_at: datetime
    data_salt: UUID | None
    origin_salt: UUID | None
    position: int | None
    data_digest: bytes | None
    origin_digest: bytes | None
    hash: bytes | None


class Head(msgspec.Struct, frozen=True):
    """The chain's last link."""

    last: int
    link: bytes


class Checkpoint(msgspec.Struct, frozen=True):
    """The link after which the chain begins, and what was erased before it: as found, and as announced."""

    last: int
    link: bytes
    erased_data: int
    erased_origins: int
    announced_data: int
    announced_origins: int


class Erased(msgspec.Struct, frozen=True):
    """How many entries' data and origins were erased as announced, and how many entries are not sealed yet."""

    entries: int
    origins: int
    waiting: int


class Batch(msgspec.Struct, frozen=True):
    """What was erased of one batch of a person's entries; `looked_at` of them, up to the id `last`."""

    entries: int
    origins: int
    waiting: int
    looked_at: int
    last: UUID
    about: list[UUID]
    caused: list[UUID]
    contacts: list[str]
