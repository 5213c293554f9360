"""Rows of plan_counts, and changes of them."""

from datetime import datetime
from uuid import UUID

import msgspec

from api.plans.types import QuotaPeriod


class Granted(msgspec.Struct, frozen=True):
    """A reservation: `granted` calls of the period that began at `starts`, has `length` seconds and ends in `rest`
    seconds. Nothing is left if it is 0, in this period if `is_final`."""

    granted: int
    starts: datetime
    rest: float
    length: int
    used: int
    is_final: bool


class Move(msgspec.Struct, frozen=True):
    """Calls of a counter that a process used, and that it gives back."""

    user_id: UUID
    path: str
    period: QuotaPeriod
    starts: datetime
    used: int
    returned: int


class Stored(msgspec.Struct, frozen=True):
    """The calls of a counter that were used, and the seconds until its period ends."""

    user_id: UUID
    path: str
    period: QuotaPeriod
    starts: datetime
    used: int
    rest: float


class CounterPlace(msgspec.Struct, frozen=True):
    """The key of a counter."""

    user_id: UUID
    path: str
    period: QuotaPeriod
    starts: datetime


class Used(msgspec.Struct, frozen=True):
    """A quota of an account in the current period."""

    path: str
    period: QuotaPeriod
    used: int
    resets_at: datetime
