"""Rate limits of targets."""

import msgspec

from api.kernel import (
    VALIDATION_FAILED,
    Context,
    Database,
    FieldError,
    Listing,
    Transaction,
    record,
    refuse_stale,
)
from api.plans import queries
from api.plans.errors import RATE_LIMIT_ALREADY_EXISTS, RATE_LIMIT_NOT_FOUND
from api.plans.events import Change, RateLimitChanged, key_of
from api.plans.handlers import targets
from api.plans.handlers.pages import page_of
from api.plans.resolution import count_matches
from api.plans.types import NewRateLimit, OfTarget, QuotaPeriod, RateLimit, RateLimitChange, RateLimitList, Rule

Paths = tuple[str, ...]


async def list_rate_limits(context: Context, paths: Paths, query: RateLimitList) -> Listing[RateLimit]:
    """List rate limits in the order of their ids."""
    found = await queries.list_rules(context.db, query.tier_target_id, query.tier_id, query.after, query.limit + 1)
    return page_of([shown(rule, paths) for rule in found.items], query.limit, found.total)


async def get_rate_limit(context: Context, paths: Paths, rate_limit_id: int) -> RateLimit:
    """Get a rate limit."""
    return shown(await find(context.db, rate_limit_id), paths)


async def create_rate_limit(context: Context, paths: Paths, query: OfTarget, body: NewRateLimit) -> RateLimit:
    """Create a rate limit of a target: `limit` requests to the routes of `path` in any `period` seconds, and `quota` of
    them in each calendar day or month.

    It applies within a second, instead of the general limit. See GET /plans/effective for the order of rules."""
    name = body.name or default_name(body.path, body.limit, body.period)
    quota = _quota(body.quota, body.quota_period)
    async with context.db.transaction() as db:
        await queries.advance_version(db)
        await targets.find(db, query.tier_target_id)
        try:
            asked = (query.tier_target_id, name, body.path, body.limit, body.period)
            id = await queries.insert_rule(db, *asked, *quota)
        except RATE_LIMIT_ALREADY_EXISTS:
            raise RATE_LIMIT_ALREADY_EXISTS(_taken(query.tier_target_id, body.path)) from None
        rule = await find(db, id)
        await _record(db, rule, "created")
    return shown(rule, paths)


async def update_rate_limit(
    context: Context, paths: Paths, rate_limit_id: int, body: RateLimitChange, if_match: str | None
) -> RateLimit:
    """Update a rate limit.

    It applies within a second. What was counted remains counted, unless the path, the period or the quota's period
    changes."""
    async with context.db.transaction() as db:
        await queries.advance_version(db)
        rule = await find(db, rate_limit_id)
        refuse_stale(if_match, shown(rule, paths))
        given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not None}
        wanted = msgspec.structs.replace(rule, **given)
        quota = _quota(wanted.quota, body.quota_period or (rule.quota_period if wanted.quota else None))
        wanted = msgspec.structs.replace(wanted, quota=quota[0], quota_period=quota[1])
        if body.name is None and rule.name == default_name(rule.path, rule.limit, rule.period):
            name = default_name(wanted.path, wanted.limit, wanted.period)
            wanted = msgspec.structs.replace(wanted, name=name)
        if wanted != rule:
            try:
                await queries.change_rule(db, rule.id, wanted.name, wanted.path, wanted.limit, wanted.period, *quota)
            except RATE_LIMIT_ALREADY_EXISTS:
                raise RATE_LIMIT_ALREADY_EXISTS(_taken(rule.tier_target_id, wanted.path)) from None
            await _record(db, wanted, "updated")
    return shown(wanted, paths)


async def delete_rate_limit(context: Context, paths: Paths, rate_limit_id: int, if_match: str | None) -> None:
    """Delete a rate limit."""
    async with context.db.transaction() as db:
        await queries.advance_version(db)
        rule = await find(db, rate_limit_id)
        refuse_stale(if_match, shown(rule, paths))
        await queries.delete_rule(db, rule.id)
        await _record(db, rule, "deleted")


async def find(db: Database, id: int) -> Rule:
    """Return a rule. Raises RATE_LIMIT_NOT_FOUND."""
    rule = await queries.find_rule(db, id)
    if rule is None:
        raise RATE_LIMIT_NOT_FOUND
    return rule


def shown(rule: Rule, paths: Paths) -> RateLimit:
    """Return a rule as clients see it."""
    return RateLimit(**msgspec.structs.asdict(rule), matches=count_matches(rule.path, paths))


def default_name(path: str, limit: int, period: int) -> str:
    """Return the name of a rule that was given none, as in the reference system."""
    return f"{path}:{limit}:{period}"


def _quota(quota: int | None, period: QuotaPeriod | None) -> tuple[int | None, QuotaPeriod | None]:
    """Return a quota with its period. Raises VALIDATION_FAILED for a period without a quota."""
    if quota:
        return quota, period or "month"
    if period:
        raise VALIDATION_FAILED(errors=[FieldError("/quota_period", "Requires a quota.", "not_allowed")])
    return None, None


def _taken(tier_target_id: int, path: str) -> str:
    return f"Rate limit for tier target {tier_target_id} and path '{path}' already exists."


async def _record(db: Transaction, rule: Rule, change: Change) -> None:
    target = await targets.find(db, rule.tier_target_id)
    event = RateLimitChanged(
        key=key_of("rate-limit", rule.id),
        user_id=targets.account_of(target.target_type, target.target_id),
        rate_limit_id=rule.id,
        tier_target_id=rule.tier_target_id,
        change=change,
        path=rule.path,
        limit=rule.limit,
        period=rule.period,
        quota=rule.quota,
        quota_period=rule.quota_period,
    )
    await record(db, event)
