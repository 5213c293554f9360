"""Events of this feature. Ids of plans are integers, so that the key of an event is a UUID that is derived from one."""

from typing import Annotated, ClassVar, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from api.kernel import Event, Label, Person, Thing

Change = Annotated[Literal["created", "updated", "deleted"], Label]


def key_of(kind: str, id: int) -> UUID:
    """Return the key of the events of a tier, a target or a rate limit."""
    return uuid5(NAMESPACE_URL, f"plans/{kind}/{id}")


class TierChanged(Event, frozen=True, tag="plans.tier_changed"):
    """A superuser created, renamed or deleted a tier."""

    live: ClassVar[bool] = True
    key: Thing
    tier_id: int
    change: Change
    name: Annotated[str, Label]


class TierTargetChanged(Event, frozen=True, tag="plans.tier_target_changed"):
    """A superuser created, changed or deleted a target of a tier. `target_type` is U (an account, `user_id`), G (a
    role), A, T or S."""

    live: ClassVar[bool] = True
    key: Thing
    user_id: Person | None
    tier_target_id: int
    tier_id: int
    change: Change
    target_type: Annotated[str, Label]
    is_active: bool


class RateLimitChanged(Event, frozen=True, tag="plans.rate_limit_changed"):
    """A superuser created, changed or deleted a rate limit: `limit` requests in `period` seconds to the routes that
    `path` names, and `quota` of them in each calendar day or month."""

    live: ClassVar[bool] = True
    key: Thing
    user_id: Person | None
    rate_limit_id: int
    tier_target_id: int
    change: Change
    path: Annotated[str, Label]
    limit: int
    period: int
    quota: int | None = None
    quota_period: Annotated[Literal["day", "month"], Label] | None = None
