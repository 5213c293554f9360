"""Events of this feature."""

from datetime import datetime
from typing import Annotated

import msgspec

from api.kernel import Event, Label, Person, Thing


class EntriesErased(Event, frozen=True, tag="audit.erased"):
    """Personal data was erased from the entries of a deleted account or, if `user_id` is null, from old entries that
    belong to no account: the data of `entries` and the origin of `origins` entries. These counts distinguish announced
    erasures from tampering."""

    erasure_id: Thing
    user_id: Person | None
    entries: int
    origins: int


class EntriesRemoved(Event, frozen=True, tag="audit.removed"):
    """The oldest entries, up to `position`, were older than AUDIT_DAYS and were removed: `removed` entries, the last
    one recorded at `until`. The chain is verified from `hash` (hexadecimal), the last entry's hash, on. The other
    numbers count from the start of the chain: the removed entries without data or origin, and the erasures announced by
    removed `audit.erased` entries."""

    removal_id: Thing
    position: int
    hash: Annotated[
        str, Label, msgspec.Meta(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    ]
    removed: int
    until: Annotated[datetime, msgspec.Meta(tz=True)]
    erased_data: int
    erased_origins: int
    announced_data: int
    announced_origins: int
