"""What applies: the caller's own plan, and the rule for a target and a path."""

import math

from api.kernel import Context, Principal
from api.plans import queries
from api.plans.counting import name_of
from api.plans.handlers.rules import Paths, shown
from api.plans.handlers.targets import account_of, normal_id
from api.plans.quotas import meter_of, read_plans
from api.plans.resolution import ALL_PATHS, Plans, Step, count_matches, is_governed, plain
from api.plans.types import Effective, EffectiveQuery, EffectiveQuota, Plan, PolicyState, QuotaState, normal_path

REASONS: dict[Step, str] = {
    "target": "The target itself has a rule for this path.",
    "group": "A role of the account, or the default tier's role *, has a rule for this path.",
    "tier": "Another target of the tier has a rule for this path.",
    "any": "No rule names this path, and there is a rule for all paths.",
    "default": "No rule matches: RATE_LIMIT_SIGNED_IN applies.",
}

QUOTA_REASONS: dict[Step, str] = {
    "target": "The target itself has a rule with a quota for this path.",
    "group": "A role of the account, or the default tier's role *, has a rule with a quota for this path.",
    "tier": "Another target of the tier has a rule with a quota for this path.",
    "any": "No rule with a quota names this path, and there is one for all paths.",
    "default": "No rule with a quota matches.",
}


async def get_my_plan(context: Context, principal: Principal, paths: Paths) -> Plan:
    """Get your tier, what is left of each policy, and what is used of each quota.

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
    tier = await queries.find_tier(context.db, tier_id) if tier_id else None
    return Plan(tier, policies, await _quotas(context, principal, plans, paths))


async def _quotas(context: Context, principal: Principal, plans: Plans, paths: Paths) -> list[QuotaState]:
    """Return the quotas of an account, each once, and what is used of them."""
    own = ("U", str(principal.id))
    found = [
        plans.decide(own, principal.roles, plain(normal_path(path)), quotas=True).rules
        for path in paths
        if is_governed(path)
    ]
    rules = {rules[0].id: rules[0] for rules in found if rules}
    quotas = {(plans.counter(rule), rule.quota_period): rule for rule in rules.values() if rule.quota_period}
    if not quotas:
        return []
    await meter_of(context).settle(context.db, account=principal.id)
    asked = [path for path, _ in quotas], [period for _, period in quotas]
    return [
        QuotaState(
            name=name_of(each.path, each.period),
            path=rule.path,
            period=each.period,
            limit=rule.quota or 0,
            used=max(0, min(each.used, rule.quota or 0)),
            resets_at=each.resets_at,
        )
        for each in await queries.list_counts(context.db, principal.id, *asked)
        if (rule := quotas[each.path, each.period])
    ]


async def get_effective_rate_limit(context: Context, paths: Paths, query: EffectiveQuery) -> Effective:
    """Get the rule that applies to a target and a path, and why.

    The first of these steps that has a matching rule decides, and within it the highest rate: 1. the rules of the
    target itself; 2. the rules of its roles, or of the default tier's role `*`; 3. the rules of all targets of its
    tier; 4. the rules for `*`, in the same order; 5. RATE_LIMIT_SIGNED_IN. The quota is found in the same way among the
    rules that have one."""
    named = normal_id(query.target_type, query.target_id)
    account = account_of(query.target_type, named)
    roles = (await queries.find_roles(context.db, account) if account else None) or []
    plans = await read_plans(context)
    own, groups = (None, [named]) if query.target_type == "G" else ((query.target_type, named), roles)
    decision = plans.decide(own, groups, plain(query.path))
    rules = [shown(rule, paths) for rule in decision.rules]
    quota = plans.decide(own, groups, plain(query.path), quotas=True)
    with_quotas = [shown(rule, paths) for rule in quota.rules]
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
        quota=EffectiveQuota(
            step=quota.step,
            reason=QUOTA_REASONS[quota.step],
            rate_limit=with_quotas[0] if with_quotas else None,
            considered=with_quotas,
        ),
    )
