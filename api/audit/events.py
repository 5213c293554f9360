"""What this feature announces."""

from uuid import UUID

from api.kernel.events import Event


class EntriesErased(Event, frozen=True, tag="audit.erased"):
    """What was personal in the entries of a deleted account is gone, or, without a `user_id`, in old ones of nobody's:
    the data of so many, the origin of so many. That is how an erasure is told from somebody's hiding an entry."""

    erasure_id: UUID
    user_id: UUID | None
    entries: int
    origins: int
