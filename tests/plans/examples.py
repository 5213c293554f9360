"""Test data for the tests that cover all features (tests/examples.py)."""

from collections.abc import Mapping
from uuid import UUID

from api.kernel.context import Context
from api.plans import queries
from api.users.types import User
from tests.examples import SIGNED_IN, SUPERUSERS
from tests.factories import make_user
from tests.transcript import Transcript

ACCESS = {
    "GET /plans/tiers": SUPERUSERS,
    "POST /plans/tiers": SUPERUSERS,
    "GET /plans/tiers/{tier_id}": SUPERUSERS,
    "PUT /plans/tiers/{tier_id}": SUPERUSERS,
    "DELETE /plans/tiers/{tier_id}": SUPERUSERS,
    "GET /plans/tier-targets": SUPERUSERS,
    "POST /plans/tier-targets": SUPERUSERS,
    "GET /plans/tier-targets/{tier_target_id}": SUPERUSERS,
    "PUT /plans/tier-targets/{tier_target_id}": SUPERUSERS,
    "DELETE /plans/tier-targets/{tier_target_id}": SUPERUSERS,
    "GET /plans/rate-limits": SUPERUSERS,
    "POST /plans/rate-limits": SUPERUSERS,
    "GET /plans/rate-limits/{rate_limit_id}": SUPERUSERS,
    "PUT /plans/rate-limits/{rate_limit_id}": SUPERUSERS,
    "DELETE /plans/rate-limits/{rate_limit_id}": SUPERUSERS,
    "GET /plans/mine": SIGNED_IN,
    "GET /plans/effective": SUPERUSERS,
}


async def things(context: Context, user: User, sid: UUID) -> Mapping[str, Mapping[str, object]]:
    """A tier of the account, with a rate limit."""
    async with context.db.transaction() as db:
        tier = await queries.insert_tier(db, user.id.hex)
        target = await queries.insert_target(db, tier, "U", str(user.id), user.id, None, True)
        rule = await queries.insert_rule(db, target, "a-name", "auth_verify", 1000, 60, 5000, "month")
    return {
        "/plans/tiers/": {"tier_id": tier},
        "/plans/tier-targets/": {"tier_target_id": target},
        "/plans/rate-limits/": {"rate_limit_id": rule},
    }


async def page(transcript: Transcript, context: Context, admin: dict[str, str]) -> None:
    transcript.write("## Plans")
    # The ids of the examples begin with 1, whatever other tests inserted.
    for table in ("plan_tiers", "plan_targets", "plan_rules"):
        await context.db.fetch(f"alter table {table} alter column id restart")
    account = str((await make_user(context, "grace@example.com")).id)
    tier = (await transcript.show("POST /plans/tiers", json={"name": "pro"}, headers=admin)).json()["id"]
    new = {"target_type": "U", "target_id": account, "name": "Grace"}
    route = "POST /plans/tier-targets"
    target = (await transcript.show(route, params={"tier_id": tier}, json=new, headers=admin)).json()["id"]
    every = {"target_type": "G", "target_id": "*", "name": "Accounts without another tier"}
    default = (await transcript.show(route, params={"tier_id": tier}, json=every, headers=admin)).json()["id"]
    limit = {"path": "/api/users/me", "limit": 100, "period": 60, "quota": 5000, "quota_period": "month"}
    route = "POST /plans/rate-limits"
    rule = (await transcript.show(route, params={"tier_target_id": target}, json=limit, headers=admin)).json()["id"]
    asked = {"target_type": "U", "target_id": account, "path": "users/me"}
    await transcript.show("GET /plans/effective", params=asked, headers=admin)
    await transcript.show("GET /plans/mine", headers=admin)
    await read(transcript, tier, target, rule, admin)
    await change(transcript, tier, target, rule, default, admin)


async def read(transcript: Transcript, tier: int, target: int, rule: int, admin: dict[str, str]) -> None:
    await transcript.show("GET /plans/tiers", headers=admin)
    await transcript.show("GET /plans/tiers/{tier_id}", tier_id=tier, headers=admin)
    await transcript.show("GET /plans/tier-targets", params={"target_type": "U"}, headers=admin)
    await transcript.show("GET /plans/tier-targets/{tier_target_id}", tier_target_id=target, headers=admin)
    await transcript.show("GET /plans/rate-limits", headers=admin)
    await transcript.show("GET /plans/rate-limits/{rate_limit_id}", rate_limit_id=rule, headers=admin)


async def change(
    transcript: Transcript, tier: int, target: int, rule: int, default: int, admin: dict[str, str]
) -> None:
    await transcript.show("PUT /plans/tiers/{tier_id}", tier_id=tier, json={"name": "team"}, headers=admin)
    route = "PUT /plans/tier-targets/{tier_target_id}"
    await transcript.show(route, tier_target_id=target, json={"is_active": False}, headers=admin)
    route = "PUT /plans/rate-limits/{rate_limit_id}"
    await transcript.show(route, rate_limit_id=rule, json={"limit": 200}, headers=admin)
    await transcript.show("DELETE /plans/rate-limits/{rate_limit_id}", rate_limit_id=rule, headers=admin)
    route = "DELETE /plans/tier-targets/{tier_target_id}"
    await transcript.show(route, tier_target_id=target, headers=admin)
    await transcript.show(route, tier_target_id=default, headers=admin)
    await transcript.show("DELETE /plans/tiers/{tier_id}", tier_id=tier, headers=admin)
