"""Types of requests, responses and rows."""

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
        description="Event type, such as users.registered.",
        examples=["sessions.started"],
    ),
]


class ActivityQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    limit: Limit = 20
    cursor: Cursor | None = None


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    user_id: Annotated[UUID, msgspec.Meta(description="Account whose entries to list.")] | None = None
    type: Kind | None = None
    since: (
        Annotated[
            datetime,
            msgspec.Meta(tz=True, description="Earliest `created_at`, RFC 3339."),
        ]
        | None
    ) = msgspec.field(name="from", default=None)
    until: (
        Annotated[datetime, msgspec.Meta(tz=True, description="`created_at` is before this time, RFC 3339.")] | None
    ) = None
    limit: Limit = 20
    cursor: Cursor | None = None


class Activity(msgspec.Struct, frozen=True):
    """An event of the caller's own account. `by` is `somebody` if the actor was not signed in. If an administrator
    acted, address and user agent are null."""

    id: UUID
    type: str
    created_at: datetime
    address: str | None
    user_agent: str | None
    by: By
    data: dict[str, Any]


class AuditEntry(msgspec.Struct, frozen=True):
    """An audit entry. `data.user_id` is the affected account, `principal_id` the actor, `address` and `user_agent` the
    origin. Personal data is null after its account was deleted. `position` and `hash` (hexadecimal) are null until the
    entry is sealed, about a second after it was recorded."""

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


class Verification(msgspec.Struct, frozen=True):
    """A check of the last entries of the chain: `checked` correct ones, from position `first` to `last`, which has this
    `hash` (hexadecimal), and why the one after them is wrong, or null. `whole` is whether no entries come before them.
    A missing end is found only by `python -m api.audit --expect`."""

    checked: int
    first: int
    last: int
    hash: str
    whole: bool
    broken: str | None
    checked_at: datetime


class ActivityRow(msgspec.Struct, frozen=True):
    id: UUID
    type: str
    created_at: datetime
    address: str | None
    user_agent: str | None
    by: str
    data: str | None


class EntryRow(msgspec.Struct, frozen=True):
    """A row of the table, in column order; `data` is JSON."""

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
    """The last link of the chain."""

    last: int
    link: bytes


class Checkpoint(msgspec.Struct, frozen=True):
    """The link after which the chain starts, and the erasures before it: as found, and as announced."""

    last: int
    link: bytes
    erased_data: int
    erased_origins: int
    announced_data: int
    announced_origins: int


class Erased(msgspec.Struct, frozen=True):
    """Announced numbers of erased data and origins, and the number of unsealed entries."""

    entries: int
    origins: int
    waiting: int


class Batch(msgspec.Struct, frozen=True):
    """Result of erasing one batch of an account's entries: `looked_at` entries, up to the id `last`."""

    entries: int
    origins: int
    waiting: int
    looked_at: int
    last: UUID
    about: list[UUID]
    caused: list[UUID]
    contacts: list[str]
