"""Quotas of calls in a calendar day or month: which calls count, and what clients see."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.cache import Cache
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Rate, Settings
from api.plans.quotas import meter_of
from tests.kernel.repeating import REPLAYED, keyed
from tests.plans.conftest import Operator, Someone, someone
from tests.webhooks.conftest import URL

HOOK = {"url": URL, "events": ["users.verified"]}


@pytest.fixture
def context(context: Context, settings: Settings) -> Context:
    """With the default limits."""
    limited = msgspec.structs.replace(settings, rate_limit_signed_in=Rate(1000, 3600), rate_limit_credentials=1)
    return msgspec.structs.replace(context, limiter=Limiter(limited, context.cache))


async def quota(operator: Operator, ada: Someone, path: str, calls: int, period: str = "month") -> dict[str, Any]:
    """Give an account a tier of its own with a quota."""
    target = await operator.target(await operator.tier(uuid4().hex), "U", ada.id)
    return await operator.rule(target, path, 1000, quota=calls, quota_period=period)


async def used(ada: Someone) -> int:
    [state] = (await ada.get("/plans/mine")).json()["quotas"]
    return int(state["used"])


@pytest.mark.case(364)
async def test_a_used_up_quota_refuses_until_the_next_period(operator: Operator, ada: Someone) -> None:
    """C-364."""
    rule = await quota(operator, ada, "/api/users/me", 3)
    assert (rule["quota"], rule["quota_period"], rule["limit"]) == (3, "month", 1000)
    answers = [await ada.get() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    now = datetime.now(UTC)
    next_month = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    for answer in answers:
        policies = answer.headers["ratelimit-policy"].split(", ")
        assert policies[0] == '"api_users_me:1000:60";q=1000;w=60'
        name, calls, length = policies[1].split(";")
        assert (name, calls) == ('"users_me@month"', "q=3")
        assert int(length[2:]) / 86400 in (28, 29, 30, 31)
    left = [answer.headers["ratelimit"].split(", ")[1] for answer in answers]
    assert [each.split(";")[:2] for each in left] == [['"users_me@month"', f"r={r}"] for r in (2, 1, 0, 0)]
    refusal = answers[3]
    assert (refusal.json()["code"], refusal.json()["violated-policies"]) == ("QUOTA_EXCEEDED", ["users_me@month"])
    assert refusal.json()["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert abs(int(refusal.headers["retry-after"]) - (next_month - now).total_seconds()) < 120
    assert left[3].endswith(f"t={refusal.headers['retry-after']}")
    assert refusal.headers["cache-control"] == "no-store"
    assert (await ada.get("/sessions")).headers["ratelimit-policy"] == '"all";q=1000;w=3600'
    [state] = (await ada.get("/plans/mine")).json()["quotas"]
    assert datetime.fromisoformat(state.pop("resets_at")) == next_month
    named = {"name": "users_me@month", "path": "api_users_me", "period": "month"}
    assert state == named | {"limit": 3, "used": 3}


@pytest.mark.case(369)
async def test_calls_count_that_were_let_in(operator: Operator, ada: Someone, client: httpx.AsyncClient) -> None:
    """C-369: also those that are answered with 4xx; not those that are refused before their handler starts."""
    await quota(operator, ada, "webhooks*", 4)
    unknown = f"/webhooks/{uuid4()}"
    assert (await ada.get(unknown)).status_code == 404
    assert await used(ada) == 1
    assert (await client.post("/api/webhooks", json={"url": 1}, headers=ada.headers)).status_code == 422
    assert (await client.get(f"/api{unknown}")).status_code == 401
    assert (await ada.get("/notifications")).status_code == 200
    assert await used(ada) == 1
    assert await ada.allowed(9, "/webhooks") == 3
    assert await used(ada) == 4


@pytest.mark.case(369)
async def test_a_call_that_the_server_fails_does_not_count(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-369."""
    operator = Operator(live_client, live, (await someone(live_client, live, superuser=True)).headers)
    caller = await someone(live_client, live)
    await quota(operator, caller, "webhooks", 2)
    await live.db.fetch("alter table webhook_endpoints rename to webhook_endpoints_gone")
    assert {(await caller.get("/webhooks")).status_code for _ in range(5)} == {503}
    await live.db.fetch("alter table webhook_endpoints_gone rename to webhook_endpoints")
    assert await used(caller) == 0
    assert await caller.allowed(5, "/webhooks") == 2


@pytest.mark.case(369)
async def test_a_call_that_a_rate_refuses_does_not_count(operator: Operator, ada: Someone) -> None:
    """C-369."""
    target = await operator.target(await operator.tier(), "U", ada.id)
    await operator.rule(target, "users_me", 2, 3600, quota=100)
    assert await ada.allowed(9) == 2
    assert await used(ada) == 2


@pytest.mark.case(369)
async def test_a_repetition_with_a_key_does_not_count(
    operator: Operator, ada: Someone, client: httpx.AsyncClient
) -> None:
    """C-369: and gets its answer when the quota is used up."""
    await quota(operator, ada, "webhooks", 2)
    headers = keyed("once", ada.headers)
    first = await client.post("/api/webhooks", json=HOOK, headers=headers)
    again = await client.post("/api/webhooks", json=HOOK, headers=headers)
    assert (first.status_code, again.status_code, again.headers[REPLAYED]) == (201, 201, "true")
    assert await used(ada) == 1
    assert (await ada.get("/webhooks")).status_code == 200
    last = await client.post("/api/webhooks", json=HOOK, headers=headers)
    assert (last.status_code, last.content) == (201, first.content)
    new = await client.post("/api/webhooks", json=HOOK, headers=keyed("new", ada.headers))
    assert (new.status_code, new.json()["code"]) == (429, "QUOTA_EXCEEDED")
    assert await used(ada) == 2


@pytest.mark.case(368)
async def test_no_change_refills_a_quota(operator: Operator, ada: Someone) -> None:
    """C-368: another tier, a target that moves, a rule that is deleted and created again, another spelling of the path,
    a lowered and raised quota."""
    small, large = await operator.tier("small"), await operator.tier("large")
    of_large = await operator.target(large, "T", "of-large")
    await operator.rule(of_large, "users_me", 1000, quota=12)
    target = await operator.target(small, "U", ada.id)
    rule = await operator.rule(target, "users_me", 1000, quota=12)
    allowed = await ada.allowed(3)
    for path in ("/api/users/me", "users_me", "api_users_me"):
        rule = await operator.send("PUT", f"/rate-limits/{rule['id']}", 200, json={"path": path})
        allowed += await ada.allowed(1)
    rule = await operator.send("PUT", f"/rate-limits/{rule['id']}", 200, json={"quota": 2})
    assert await ada.allowed(2) == 0
    await operator.send("DELETE", f"/rate-limits/{rule['id']}", 204)
    await operator.send("PUT", f"/tier-targets/{target}", 200, json={"tier_id": large})
    allowed += await ada.allowed(2)
    await operator.send("DELETE", f"/tier-targets/{target}", 204)
    assert "@" not in (await ada.get()).headers["ratelimit-policy"]
    target = await operator.target(small, "U", ada.id)
    rule = await operator.rule(target, "users_me", 1000, quota=12)
    rule = await operator.send("PUT", f"/rate-limits/{rule['id']}", 200, json={"quota": 0})
    assert (rule["quota"], rule["quota_period"]) == (None, None)
    rule = await operator.send("PUT", f"/rate-limits/{rule['id']}", 200, json={"quota": 12})
    assert allowed + await ada.allowed(20) == 12


@pytest.mark.case(366)
async def test_redis_has_no_part_in_it(operator: Operator, ada: Someone, context: Context) -> None:
    """C-366: emptied, and dead."""
    await quota(operator, ada, "users_me", 9)
    allowed = await ada.allowed(4)
    await context.cache.execute("FLUSHALL")
    allowed += await ada.allowed(2)
    context.limiter._cache = Cache({})  # refuses every connection
    assert allowed + await ada.allowed(9) == 9


async def test_rates_and_quotas_are_found_independently(operator: Operator, ada: Someone) -> None:
    tier = await operator.tier()
    other = await operator.target(tier, "T", "a-tenant")
    every = await operator.rule(other, "*", 1000, quota=500)
    own = await operator.target(tier, "U", ada.id)
    rate = await operator.rule(own, "users_me", 10)
    fields = (await ada.get()).headers["ratelimit-policy"]
    assert fields.startswith('"users_me:10:60";q=10;w=60, "*@month";q=500;')
    found = await operator.effective("U", ada.id, "users/me")
    assert (found["step"], found["rate_limit"]["id"]) == ("target", rate["id"])
    assert (found["quota"]["step"], found["quota"]["rate_limit"]["id"]) == ("any", every["id"])
    assert found["quota"]["reason"]
    # Of a step, the most calls a day; an account's own rule precedes those of the tier.
    monthly = await operator.rule(own, "users_*", 10, quota=31_000)
    await operator.rule(own, "users_m*", 10, quota=999, quota_period="day")
    found = (await operator.effective("U", ada.id, "users/me"))["quota"]
    assert (found["step"], found["rate_limit"]["id"], len(found["considered"])) == ("target", monthly["id"], 2)
    assert {each["path"] for each in (await ada.get("/plans/mine")).json()["quotas"]} == {"users_*", "*"}
    nothing = (await operator.effective("G", "nobody", "users/me"))["quota"]
    assert (nothing["step"], nothing["rate_limit"], nothing["considered"]) == ("default", None, [])


INVALID: list[tuple[dict[str, object], str]] = [
    ({"quota": 0}, "/quota"),
    ({"quota": -1}, "/quota"),
    ({"quota": 10**12 + 1}, "/quota"),
    ({"quota": 2**63}, "/quota"),
    ({"quota": 2**64}, "/quota"),
    ({"quota": 1.5}, "/quota"),
    ({"quota": "1"}, "/quota"),
    ({"quota": 1, "quota_period": "week"}, "/quota_period"),
    ({"quota": 1, "quota_period": "day\x00"}, "/quota_period"),
    ({"quota_period": "day"}, "/quota_period"),
]


@pytest.mark.case(372)
@pytest.mark.parametrize(("fields", "pointer"), INVALID)
async def test_invalid_quotas_are_refused(operator: Operator, fields: dict[str, object], pointer: str) -> None:
    """C-372."""
    target = await operator.target(await operator.tier(), "U", "ada")
    body = {"path": "users_me", "limit": 1, "period": 1}
    refusal = await operator.send("POST", f"/rate-limits?tier_target_id={target}", 422, json=body | fields)
    assert [error["pointer"] for error in refusal["errors"]] == [pointer]
    if fields != {"quota": 0}:
        rule = await operator.rule(target, "users_me", 1)
        refusal = await operator.send("PUT", f"/rate-limits/{rule['id']}", 422, json=fields)
        assert [error["pointer"] for error in refusal["errors"]] == [pointer]


async def test_the_greatest_quota_can_be_counted(operator: Operator, ada: Someone) -> None:
    await quota(operator, ada, "users_me", 10**12)
    assert (await ada.get()).headers["ratelimit"].split(", ")[1].startswith(f'"users_me@month";r={10**12 - 1};')


@pytest.mark.case(438)
async def test_a_quota_is_part_of_the_entity_tag(operator: Operator, ada: Someone) -> None:
    rule = await quota(operator, ada, "users_me", 5)
    path = f"/api/plans/rate-limits/{rule['id']}"
    tag = (await operator.client.get(path, headers=operator.headers)).headers["etag"]
    await operator.send("PUT", f"/rate-limits/{rule['id']}", 200, json={"quota": 6})
    await operator.send("PUT", f"/rate-limits/{rule['id']}", 412, json={"quota": 7}, headers={"if-match": tag})


@pytest.mark.case(373)
async def test_counts_belong_to_one_account(
    operator: Operator, client: httpx.AsyncClient, context: Context, ada: Someone
) -> None:
    """C-373: those of a tier count each account for itself, and go with it."""
    target = await operator.target(await operator.tier(), "G", "*")
    await operator.rule(target, "users_me", 1000, quota=3)
    other = await someone(client, context)
    assert await ada.allowed(5) == 3
    assert await other.allowed(1) == 1
    assert (await used(ada), await used(other)) == (3, 1)
    await meter_of(context).settle(context.db, everything=True)
    await context.db.fetch("delete from users where id = $1", ada.id)
    rows = await context.db.fetch("select user_id from plan_counts where user_id = any($1)", [ada.id, other.id])
    assert [row["user_id"] for row in rows] == [other.id]
    assert (await ada.get()).status_code == 401
