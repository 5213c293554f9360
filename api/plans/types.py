"""Types of requests, responses and rows. The names are those of the reference system. In a PUT, omitted fields and
fields of null are unchanged."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from api.kernel import Normal, Shown, shown_address

MOST_LISTED = 1000
GREATEST_ID = 2**53 - 1
"""Greatest integer that JavaScript represents exactly."""
LONGEST_PERIOD = 31 * 86400
# Without `..`; an asterisk only at the end.
PATH_PATTERN = r"^(?!.*\.\.)/*([A-Za-z0-9_{}.-][A-Za-z0-9_{}./-]*\*?|\*)/*$(?![\s\S])"


def normal_path(path: str) -> str:
    """Return the reference system's form of a path: without slashes at both ends, and with `_` for the others."""
    return path.strip("/").replace("/", "_")


Id = Annotated[int, msgspec.Meta(ge=1, le=GREATEST_ID)]
Text = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$(?![\s\S])", description="One line."),
]
TargetType = Annotated[
    Literal["U", "A", "T", "G", "S"],
    msgspec.Meta(
        description="U: an account. G: a role; `*` is every account without another target. A, T and S: an "
        "application, a tenant or a service, which this system does not have."
    ),
]
TargetId = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]+$(?![\s\S])",
        description="For U the account's id, for G the role's name.",
    ),
]
Path = Annotated[
    str,
    Normal(normal_path),
    msgspec.Meta(
        max_length=200,
        pattern=PATH_PATTERN,
        examples=["users_me"],
        description="The path of a route, with or without `api`; parameters as `{id}`. `users_*` is every path that "
        "begins with `users_`, and `*` every path. Slashes become `_`.",
    ),
]
RuleName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_{}.:*/-]{1,240}$(?![\s\S])",
        examples=["users_me:100:60"],
        description="Its name in the RateLimit fields.",
    ),
]
Requests = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000, description="Requests allowed in any `period`.")]
Period = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_PERIOD, description="Seconds, at most 31 days.")]
QuotaPeriod = Literal["day", "month"]
Calls = Annotated[
    int,
    msgspec.Meta(ge=1, le=10**12, description="Calls allowed in each calendar day or month (UTC); counted exactly."),
]
After = Annotated[int, msgspec.Meta(ge=0, le=GREATEST_ID, description="The last id of the previous page.")]
Most = Annotated[int, msgspec.Meta(ge=1, le=MOST_LISTED, description="Maximum number of items, 1 to 1000.")]


class NewTier(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: Text


class TierChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: Text | None = None


class Tier(msgspec.Struct, frozen=True):
    id: int
    name: str
    created_at: datetime


class TierList(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    after: After = 0
    limit: Most = MOST_LISTED


class NewTierTarget(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    target_type: TargetType
    target_id: TargetId
    name: Text | None = None
    is_active: bool = True


class OfTier(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    tier_id: Id


class TierTargetChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`tier_id` moves the target to another tier."""

    target_type: TargetType | None = None
    target_id: TargetId | None = None
    name: Text | None = None
    is_active: bool | None = None
    tier_id: Id | None = None


class TierTarget(msgspec.Struct, frozen=True):
    """`user_email` is the address of the account that a target of type U names."""

    id: int
    tier_id: int
    target_type: TargetType
    target_id: str
    name: str | None
    is_active: bool
    created_at: datetime
    user_email: Annotated[str, Shown(shown_address)] | None


class TierTargetList(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    target_type: TargetType | None = None
    target_id: TargetId | None = None
    tier_id: Id | None = None
    after: After = 0
    limit: Most = MOST_LISTED


class NewRateLimit(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The default of `name` is `path:limit:period`, and that of `quota_period` is `month`."""

    path: Path
    limit: Requests
    period: Period
    name: RuleName | None = None
    quota: Calls | None = None
    quota_period: QuotaPeriod | None = None


class OfTarget(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    tier_target_id: Id


class RateLimitChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A name that was the default follows the other fields. A `quota` of 0 removes it."""

    path: Path | None = None
    limit: Requests | None = None
    period: Period | None = None
    name: RuleName | None = None
    quota: Annotated[int, msgspec.Meta(ge=0, le=10**12, description="As in a new rate limit; 0 removes it.")] | None = (
        None
    )
    quota_period: QuotaPeriod | None = None


class Rule(msgspec.Struct, frozen=True):
    """A row of plan_rules."""

    id: int
    tier_target_id: int
    name: str
    path: str
    limit: int
    period: int
    quota: int | None = None
    quota_period: QuotaPeriod | None = None


class RateLimit(msgspec.Struct, frozen=True):
    id: int
    tier_target_id: int
    name: str
    path: str
    limit: int
    period: int
    matches: int
    """Number of paths of this API that it applies to."""
    quota: int | None
    """Calls in each calendar day or month, beside the rate."""
    quota_period: QuotaPeriod | None


class RateLimitList(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    tier_target_id: Id | None = None
    tier_id: Id | None = None
    after: After = 0
    limit: Most = MOST_LISTED


class Placed(msgspec.Struct, frozen=True):
    """An active target with its rules."""

    id: int
    tier_id: int
    target_type: str
    target_id: str
    rules: list[Rule]


class Loaded(msgspec.Struct, frozen=True):
    """The plans at a version; without targets if the caller has that version."""

    version: int
    targets: list[Placed] | None


class PolicyState(msgspec.Struct, frozen=True):
    """A policy of the caller, as the RateLimit fields show it: `r` of `q` requests are left in `w` seconds, and in `t`
    seconds there will be more. `path` is that of the rule, or `*` for the general limit."""

    name: str
    path: str
    q: int
    w: int
    r: int
    t: int


class QuotaState(msgspec.Struct, frozen=True):
    """A quota of the caller: `used` of `limit` calls are counted in the current day or month, which ends at
    `resets_at`. `name` is that in the RateLimit fields."""

    name: str
    path: str
    period: QuotaPeriod
    limit: int
    used: int
    resets_at: datetime


class Plan(msgspec.Struct, frozen=True):
    """The caller's tier, and the policies and quotas of all routes for the caller, each once."""

    tier: Tier | None
    policies: list[PolicyState]
    quotas: list[QuotaState]


class EffectiveQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The default is the default tier, on paths that no rule names."""

    target_type: TargetType = "G"
    target_id: TargetId = "*"
    path: Path = "*"


Found = Literal["target", "group", "tier", "any", "default"]


class EffectiveQuota(msgspec.Struct, frozen=True):
    """The rate limit whose quota applies, and why, as in Effective. Without a `rate_limit`, there is no quota."""

    step: Found
    reason: str
    rate_limit: RateLimit | None
    considered: list[RateLimit]


class Effective(msgspec.Struct, frozen=True):
    """The rule for a target and a path, and why. Without a `rate_limit`, the general limit applies. `step` is where it
    was found: `target` (its own rules), `group` (the rules of its roles), `tier` (the rules of other targets of its
    tier), `any` (the rules for `*`), or `default`. `considered` are all rules of that step; the largest applies."""

    target_type: TargetType
    target_id: str
    path: str
    matches: int
    tier: Tier | None
    step: Found
    reason: str
    rate_limit: RateLimit | None
    considered: list[RateLimit]
    quota: EffectiveQuota
    """The quota is found among the rules that have one, by the same steps."""
