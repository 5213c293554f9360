"""The rate and the quota of an account for a route, from memory. Each process reads the version of the plans at most
every FRESH_SECONDS, with the request that needs it, and the plans if the version changed."""

import functools
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec

from api.kernel import Context, Problem, Quota, Rate, shared
from api.plans import queries
from api.plans.counting import Meter
from api.plans.resolution import Plans, is_governed

FRESH_SECONDS = 0.75
"""Less than a second, within which a change applies, by the time that the query may take."""
MINE = "/plans/mine"
FREE = Quota("plans-mine", Rate(120, 60), "plans-mine")
"""The quota of MINE: it costs nothing of the plan, and answers when the plan's quotas are used up."""

_loaded: WeakKeyDictionary[object, Plans] = WeakKeyDictionary()
"""The plans that a process read last, by its cache: tests open several."""
_meters: WeakKeyDictionary[object, Meter] = WeakKeyDictionary()


async def quota_of(context: Context, account: UUID, roles: tuple[str, ...], path: str) -> Quota | None:
    """Return the quota that replaces the general limit, or None."""
    if path == MINE:
        return FREE
    if not is_governed(path):
        return None
    plans = await shared(context, FRESH_SECONDS, read_plans)
    terms = plans.terms(account, roles, path)
    if terms is None or (rule := terms.quota) is None:
        return terms.rate if terms else None
    assert rule.quota
    assert rule.quota_period
    key = (account, plans.counter(rule), rule.quota_period)
    take = functools.partial(meter_of(context).take, context.db, key, rule.quota)
    return msgspec.structs.replace(terms.rate, take=take)


def meter_of(context: Context) -> Meter:
    """Return what counts the calls of this process."""
    meter = _meters.get(context.cache)
    if meter is None:
        meter = _meters[context.cache] = Meter()
    return meter


async def read_plans(context: Context) -> Plans:
    """Return the plans; while PostgreSQL is down, those that were read last."""
    plans = _loaded.get(context.cache) or Plans(-1, [])
    try:
        found = await queries.load_plans(context.db, plans.version)
    except Problem:
        return plans
    if found.targets is not None:
        plans = _loaded[context.cache] = Plans(found.version, found.targets)
    return plans
