"""What applies: the caller's own plan, and the rule for a target and a path."""

import math

from api.kernel import Context, Principal
from api.plans import queries
from api.plans.handlers.rules import Paths, shown
from api.plans.handlers.targets import account_of, normal_id
from api.plans.quotas import read_plans
from api.plans.resolution import ALL_PATHS, Step, count_matches, is_governed, plain
from api.plans.types import Effective, EffectiveQuery, Plan, PolicyState, normal_path

REASONS: dict[Step, str] = {
    "target": "The target itself has a rule for this path.",
    "group": "A role of the account, or the default tier's role *, has a rule for this path.",
    "tier": "Another target of the tier has a rule for this path.",
    "any": "No rule names this path, and there is a rule for all paths.",
    "default": "No rule matches: RATE_LIMIT_SIGNED_IN applies.",
}


async def get_my_plan(context: Context, principal: Principal, paths: Paths) -> Plan:
    """Get your tier, and what is left of each policy.

    The request is not counted against the plan."""
    plans = await read_plans(context)
    account = str(principal.id)
    decisions = [
        plans.decide(("U", account), principal.roles, plain(normal_path(path))) for path in paths if is_governed(path)
    ]
    rules = {each.rules[0].id: each.rules[0] for each in decisions if each.rules}
    quotas = [(rule.path, plans.quota_of(rule)) for rule in rules.values()]
    asked = [(path, limit) for path, quota in quotas for limit in context.limiter.general(account, None, quota)]
    if not all(each.rules for each in decisions):  # some routes have the general limit
        asked += [(ALL_PATHS, limit) for limit in context.limiter.general(account, None)]
    verdict = await context.limiter.look([limit for _, limit in asked])
    policies = [
        PolicyState(
            name=limit.name,
            path=path,
            q=limit.rate.count,
            w=limit.rate.period,
            r=count.left,
            t=math.ceil(count.more / 1_000_000),
        )
        for (path, limit), count in zip(asked, verdict.counts, strict=True)
    ]
    tier_id = plans.decide(("U", account), principal.roles, "").tier_id
    return Plan(await queries.find_tier(context.db, tier_id) if tier_id else None, policies)


async def get_effective_rate_limit(context: Context, paths: Paths, query: EffectiveQuery) -> Effective:
    """Get the rule that applies to a target and a path, and why.

    The first of these steps that has a matching rule decides, and within it the highest rate: 1. the rules of the
    target itself; 2. the rules of its roles, or of the default tier's role `*`; 3. the rules of all targets of its
    tier; 4. the rules for `*`, in the same order; 5. RATE_LIMIT_SIGNED_IN."""
    named = normal_id(query.target_type, query.target_id)
    account = account_of(query.target_type, named)
    roles = (await queries.find_roles(context.db, account) if account else None) or []
    plans = await read_plans(context)
    if query.target_type == "G":
        decision = plans.decide(None, [named], plain(query.path))
    else:
        decision = plans.decide((query.target_type, named), roles, plain(query.path))
    rules = [shown(rule, paths) for rule in decision.rules]
    return Effective(
        target_type=query.target_type,
        target_id=named,
        path=query.path,
        matches=count_matches(query.path, paths),
        tier=await queries.find_tier(context.db, decision.tier_id) if decision.tier_id else None,
        step=decision.step,
        reason=REASONS[decision.step],
        rate_limit=rules[0] if rules else None,
        considered=rules,
    )
