"""Routes of plans. Paths, ids, arrays and codes are those of the reference system."""

from api.kernel import delete, get, post, put, signed_in, superuser
from api.plans.errors import (
    RATE_LIMIT_ALREADY_EXISTS,
    RATE_LIMIT_NOT_FOUND,
    TIER_ALREADY_EXISTS,
    TIER_IN_USE,
    TIER_NOT_FOUND,
    TIER_TARGET_ALREADY_EXISTS,
    TIER_TARGET_IN_USE,
    TIER_TARGET_NOT_FOUND,
)
from api.plans.handlers.applied import get_effective_rate_limit, get_my_plan
from api.plans.handlers.rules import (
    create_rate_limit,
    delete_rate_limit,
    get_rate_limit,
    list_rate_limits,
    update_rate_limit,
)
from api.plans.handlers.targets import (
    create_tier_target,
    delete_tier_target,
    get_tier_target,
    list_tier_targets,
    update_tier_target,
)
from api.plans.handlers.tiers import create_tier, delete_tier, get_tier, list_tiers, update_tier
from api.plans.quotas import MINE

TIER, TARGET, RULE = (
    "/plans/tiers/{tier_id}",
    "/plans/tier-targets/{tier_target_id}",
    "/plans/rate-limits/{rate_limit_id}",
)
TARGET_REFUSALS = (TIER_NOT_FOUND, TIER_TARGET_ALREADY_EXISTS)
RULE_REFUSALS = (TIER_TARGET_NOT_FOUND, RATE_LIMIT_ALREADY_EXISTS)

routes = [
    get("/plans/tiers", list_tiers, guard=superuser),
    post("/plans/tiers", create_tier, guard=superuser, status=201, etag=True, errors=(TIER_ALREADY_EXISTS,)),
    get(TIER, get_tier, guard=superuser, etag=True, errors=(TIER_NOT_FOUND,)),
    put(TIER, update_tier, guard=superuser, etag=True, errors=(TIER_NOT_FOUND, TIER_ALREADY_EXISTS)),
    delete(TIER, delete_tier, guard=superuser, status=204, errors=(TIER_NOT_FOUND, TIER_IN_USE)),
    get("/plans/tier-targets", list_tier_targets, guard=superuser),
    post("/plans/tier-targets", create_tier_target, guard=superuser, status=201, etag=True, errors=TARGET_REFUSALS),
    get(TARGET, get_tier_target, guard=superuser, etag=True, errors=(TIER_TARGET_NOT_FOUND,)),
    put(TARGET, update_tier_target, guard=superuser, etag=True, errors=(TIER_TARGET_NOT_FOUND, *TARGET_REFUSALS)),
    delete(TARGET, delete_tier_target, guard=superuser, status=204, errors=(TIER_TARGET_NOT_FOUND, TIER_TARGET_IN_USE)),
    get("/plans/rate-limits", list_rate_limits, guard=superuser),
    post("/plans/rate-limits", create_rate_limit, guard=superuser, status=201, etag=True, errors=RULE_REFUSALS),
    get(RULE, get_rate_limit, guard=superuser, etag=True, errors=(RATE_LIMIT_NOT_FOUND,)),
    put(RULE, update_rate_limit, guard=superuser, etag=True, errors=(RATE_LIMIT_NOT_FOUND, RATE_LIMIT_ALREADY_EXISTS)),
    delete(RULE, delete_rate_limit, guard=superuser, status=204, errors=(RATE_LIMIT_NOT_FOUND,)),
    get(MINE, get_my_plan, guard=signed_in),
    get("/plans/effective", get_effective_rate_limit, guard=superuser),
]
