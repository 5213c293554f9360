"""What this feature announces."""

from datetime import datetime
from typing import Annotated

import msgspec

from api.kernel import Event, Label, Person, Thing


class EntriesErased(Event, frozen=True, tag="audit.erased"):
    """What was personal in the entries of a deleted account is gone, or, without a `user_id`, in old ones of nobody's:
    the data of so many, the origin of so many. That is how an erasure is told from somebody's hiding an entry."""

    erasure_id: Thing
    user_id: Person | None
    entries: int
    origins: int


class EntriesRemoved(Event, frozen=True, tag="audit.removed"):
    """The oldest entries, up to `position`, were older than AUDIT_DAYS and were removed: `removed` of them, the last
    one from `until`. `hash` (hexadecimal) is the last one's: from there on the chain is verified. The other numbers
    count from the chain's start: the removed entries that were without their data or origin, and those of which
    removed `audit.erased` entries said so."""

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
