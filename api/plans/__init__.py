"""Plans: how often accounts may call which routes. A tier has targets, which are accounts or roles, and a target has
rate limits, which may have a quota of calls in a calendar day or month. Changes apply in all processes within a
second."""

from api.kernel import Feature
from api.plans import personal, routes, upkeep
from api.plans.quotas import quota_of

feature = Feature(
    name="plans",
    routes=routes.routes,
    personal=personal.personal,
    quotas=quota_of,
    everywhere=upkeep.everywhere,
    closing=[upkeep.give_calls_back],
    sweeps=upkeep.sweeps,
)
