"""Changes of plans while requests are counted, and concurrent changes."""

import asyncio
import random

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Rate, Settings
from tests.plans.conftest import Operator, Someone, someone

LARGEST = 12
TURNS = 100
AT_ONCE = 20


@pytest.fixture
def context(context: Context, settings: Settings) -> Context:
    """With the default limits."""
    limited = msgspec.structs.replace(settings, rate_limit_signed_in=Rate(1000, 3600), rate_limit_credentials=1)
    return msgspec.structs.replace(context, limiter=Limiter(limited, context.cache))


async def test_a_hundred_changes_gain_no_request(operator: Operator, ada: Someone) -> None:
    """C-427: the account makes at most as many requests as the largest of its plans allows, in whatever way it changes
    between them: by its tier, its target, its rate limit or the spelling of the path."""
    small, large = await operator.tier("small"), await operator.tier("large")
    await operator.rule(await operator.target(large, "T", "of-large"), "users/me", LARGEST, 3600)
    target = await operator.target(small, "U", ada.id)
    rule = await operator.rule(target, "users_me", 4, 3600)
    dice, allowed = random.Random(9), 0
    for _ in range(TURNS):
        change = dice.choice(("tier", "limit", "path", "rule", "target"))
        limit = dice.randint(1, LARGEST)
        if change == "tier":
            await operator.send("PUT", f"/tier-targets/{target}", 200, json={"tier_id": dice.choice((small, large))})
        elif change == "limit":
            rule = await operator.send("PUT", f"/rate-limits/{rule['id']}", 200, json={"limit": limit})
        elif change == "path":
            path = dice.choice(("/api/users/me", "users_me", "api/users_me/"))
            rule = await operator.send("PUT", f"/rate-limits/{rule['id']}", 200, json={"path": path})
        else:
            await operator.send("DELETE", f"/rate-limits/{rule['id']}", 204)
            if change == "target":
                await operator.send("DELETE", f"/tier-targets/{target}", 204)
                target = await operator.target(dice.choice((small, large)), "U", ada.id)
            rule = await operator.rule(target, "users_me", limit, 3600)
        allowed += await ada.allowed(2)
    await operator.send("PUT", f"/rate-limits/{rule['id']}", 200, json={"limit": LARGEST})
    assert allowed + await ada.allowed(LARGEST) == LARGEST


@pytest.fixture
async def committing(live_client: httpx.AsyncClient, live: Context) -> Operator:
    """A superuser whose concurrent requests have transactions of their own."""
    return Operator(live_client, live, (await someone(live_client, live, superuser=True)).headers)


async def test_of_concurrent_changes_one_wins(committing: Operator) -> None:
    """C-363: twenty at once, none of them a 5xx."""
    operator = committing

    async def statuses(method: str, path: str, *bodies: object) -> list[int]:
        answers = await asyncio.gather(
            *(
                operator.client.request(method, f"/api/plans{path}", headers=operator.headers, json=body)
                for body in bodies
            )
        )
        return sorted(answer.status_code for answer in answers)

    same = [{"name": "pro"}] * AT_ONCE
    assert await statuses("POST", "/tiers", *same) == [201] + [400] * (AT_ONCE - 1)
    [tier] = await operator.send("GET", "/tiers", 200)
    others = [await operator.tier(f"tier {number}") for number in range(AT_ONCE)]
    renamed = await asyncio.gather(*(statuses("PUT", f"/tiers/{each}", {"name": "team"}) for each in others))
    assert sorted(renamed) == [[200]] + [[400]] * (AT_ONCE - 1)
    account = [{"target_type": "U", "target_id": str(uuid7())}] * AT_ONCE
    assert await statuses("POST", f"/tier-targets?tier_id={tier['id']}", *account) == [201] + [400] * (AT_ONCE - 1)
    [target] = await operator.send("GET", "/tier-targets", 200)
    rules = [{"path": "users_me", "limit": number, "period": 60} for number in range(1, AT_ONCE + 1)]
    path = f"/rate-limits?tier_target_id={target['id']}"
    assert await statuses("POST", path, *rules) == [201] + [400] * (AT_ONCE - 1)
    [rule] = await operator.send("GET", "/rate-limits", 200)
    deleted = await statuses("DELETE", f"/rate-limits/{rule['id']}", *[None] * AT_ONCE)
    assert deleted == [204] + [404] * (AT_ONCE - 1)


async def test_a_target_is_deleted_or_gets_a_rate_limit(committing: Operator) -> None:
    """C-363: of both at once, one is refused; a rate limit without a target does not remain."""
    operator = committing
    tier = await operator.tier()
    for number in range(AT_ONCE):
        target = await operator.target(tier, "U", f"ada {number}")
        rule = {"path": "users_me", "limit": 1, "period": 60}
        made, deleted = await asyncio.gather(
            operator.client.post(
                f"/api/plans/rate-limits?tier_target_id={target}", headers=operator.headers, json=rule
            ),
            operator.client.delete(f"/api/plans/tier-targets/{target}", headers=operator.headers),
        )
        assert (made.status_code, deleted.status_code) in [(201, 409), (404, 204)]
