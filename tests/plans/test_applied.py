"""Rate limits of plans replace the general limit, by account and route."""

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.kernel.context import Context
from api.kernel.data.cache import Cache
from api.kernel.data.database import uuid7
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Rate, Settings
from api.plans.quotas import FRESH_SECONDS
from api.plans.resolution import Plans
from api.plans.types import Placed, Rule
from tests.factories import make_user
from tests.kernel.things import scripts_run
from tests.plans.conftest import Operator, Someone, someone


@pytest.fixture
def context(context: Context, settings: Settings) -> Context:
    """With the default limits."""
    limited = msgspec.structs.replace(settings, rate_limit_signed_in=Rate(1000, 3600), rate_limit_credentials=1)
    return msgspec.structs.replace(context, limiter=Limiter(limited, context.cache))


async def test_a_rule_of_the_account_replaces_the_general_limit(operator: Operator, ada: Someone) -> None:
    target = await operator.target(await operator.tier(), "U", ada.id)
    rule = await operator.rule(target, "/api/users/me", 3)
    assert (rule["name"], rule["path"], rule["matches"]) == ("api_users_me:3:60", "api_users_me", 1)
    answers = [await ada.get() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"api_users_me:3:60";q=3;w=60'}
    assert answers[0].headers["ratelimit"].startswith('"api_users_me:3:60";r=2;')
    assert answers[0].headers["x-ratelimit-limit"] == "3"
    assert answers[3].json()["violated-policies"] == ["api_users_me:3:60"]
    assert int(answers[3].headers["retry-after"]) >= int(answers[3].headers["ratelimit"].rpartition("t=")[2])
    # Other routes, and the route's rates for other accounts, are those of before.
    assert (await ada.get("/sessions")).headers["ratelimit-policy"] == '"all";q=1000;w=3600'


async def test_the_limit_of_a_route_line_remains(operator: Operator, ada: Someone, client: httpx.AsyncClient) -> None:
    """A plan cannot lift the limits that protect credentials."""
    target = await operator.target(await operator.tier(), "U", ada.id)
    await operator.rule(target, "*", 1000)
    assert '"*:1000:60";q=1000;w=60' in (await ada.get()).headers["ratelimit-policy"]
    answer = await client.post("/api/auth/register", json={}, headers=ada.headers)
    assert '"register";q=20;w=60' in answer.headers["ratelimit-policy"]


async def test_a_superuser_can_correct_a_rule_that_leaves_no_request(operator: Operator) -> None:
    target = await operator.target(await operator.tier(), "G", "*")
    rule = await operator.rule(target, "*", 1, 31 * 86400)
    root = Someone(operator.client, await make_user(operator.context), operator.headers)
    assert await root.allowed(3) == 1
    await operator.send("DELETE", f"/rate-limits/{rule['id']}", 204)
    assert await root.allowed(3) == 3


async def test_plans_are_free_to_look_at(operator: Operator, ada: Someone) -> None:
    tier = await operator.tier("pro")
    await operator.rule(await operator.target(tier, "U", ada.id), "users/*", 2)
    before = (await ada.get("/plans/mine")).json()
    assert before["tier"]["name"] == "pro"
    policies = {each["path"]: each for each in before["policies"]}
    assert policies.keys() == {"users_*", "*"}
    assert policies["users_*"] == {"name": "users_*:2:60", "path": "users_*", "q": 2, "w": 60, "r": 2, "t": 0}
    assert await ada.allowed(5) == 2
    answers = [await ada.get("/plans/mine") for _ in range(10)]
    assert {answer.status_code for answer in answers} == {200}
    after = {each["path"]: each for each in answers[-1].json()["policies"]}
    assert after["users_*"]["r"] == 0
    assert 0 < after["users_*"]["t"] <= 60
    assert after["*"]["r"] == policies["*"]["r"]


async def test_the_default_tier_is_that_of_the_role_star(operator: Operator, ada: Someone) -> None:
    tier = await operator.tier("free")
    await operator.rule(await operator.target(tier, "G", "*"), "*", 50, 3600)
    assert (await ada.get("/plans/mine")).json()["tier"]["name"] == "free"
    assert (await ada.get()).headers["ratelimit-policy"] == '"*:50:3600";q=50;w=3600'
    other = await operator.tier("none")
    await operator.target(other, "U", ada.id)
    assert (await ada.get()).headers["ratelimit-policy"] == '"all";q=1000;w=3600'


async def test_roles_give_a_tier(operator: Operator, client: httpx.AsyncClient, context: Context) -> None:
    editor = await someone(client, context, roles=("editor", "notifier"))
    for role, limit in (("editor", 10), ("notifier", 20)):
        await operator.rule(await operator.target(await operator.tier(role), "G", role), "users_me", limit)
    assert (await editor.get()).headers["ratelimit-policy"] == '"users_me:20:60";q=20;w=60'


async def test_each_step_precedes_the_next(operator: Operator, client: httpx.AsyncClient, context: Context) -> None:
    """Each step is removed, and the next one decides."""
    editor = await someone(client, context, roles=("editor",))
    tier = await operator.tier()
    own = await operator.target(tier, "U", editor.id)
    group = await operator.target(await operator.tier("editors"), "G", "editor")
    other = await operator.target(tier, "T", "a-tenant")
    rules = [
        ("target", await operator.rule(own, "users_me", 1)),
        ("group", await operator.rule(group, "users_me", 2)),
        ("tier", await operator.rule(other, "users_me", 3)),
        ("any", await operator.rule(own, "*", 4)),
        ("any", await operator.rule(other, "*", 3)),
    ]
    for step, rule in rules:
        found = await operator.effective("U", editor.id, "/api/users/me")
        assert (found["step"], found["rate_limit"]["id"]) == (step, rule["id"])
        assert found["reason"]
        assert (await editor.get()).headers["ratelimit-policy"].startswith(f'"{rule["name"]}";q={rule["limit"]};')
        await operator.send("DELETE", f"/rate-limits/{rule['id']}", 204)
    found = await operator.effective("U", editor.id, "users/me")
    assert (found["step"], found["rate_limit"], found["considered"]) == ("default", None, [])
    assert (await editor.get()).headers["ratelimit-policy"] == '"all";q=1000;w=3600'


async def test_the_larger_of_a_step_applies(operator: Operator, ada: Someone) -> None:
    target = await operator.target(await operator.tier(), "U", ada.id)
    await operator.rule(target, "users_me", 100, 3600)
    larger = await operator.rule(target, "users_*", 10, 60)
    found = await operator.effective("U", ada.id, "users_me")
    assert (found["rate_limit"]["id"], len(found["considered"])) == (larger["id"], 2)


@pytest.mark.parametrize(
    ("path", "matches"),
    [("users_{id}", 1), ("/api/users/{anything}", 1), ("users_*", 5), ("nothing", 0), ("users/1", 0)],
)
async def test_paths_are_those_of_routes(operator: Operator, path: str, matches: int) -> None:
    rule = await operator.rule(await operator.target(await operator.tier(), "G", "*"), path, 10)
    assert rule["matches"] >= matches if path.endswith("*") else rule["matches"] == matches


async def test_inactive_targets_do_not_count(operator: Operator, ada: Someone) -> None:
    target = await operator.target(await operator.tier(), "U", ada.id)
    await operator.rule(target, "*", 50)
    await operator.send("PUT", f"/tier-targets/{target}", 200, json={"is_active": False})
    assert (await ada.get()).headers["ratelimit-policy"] == '"all";q=1000;w=3600'


async def test_changing_the_tier_gains_no_request(operator: Operator, ada: Someone) -> None:
    """C-376: the windows are those of the paths and not of the tiers."""
    small, large = await operator.tier("small"), await operator.tier("large")
    for tier, limit in ((small, 4), (large, 6)):
        await operator.rule(await operator.target(tier, "T", f"of-{limit}"), "*", limit, 3600)
    target = await operator.target(small, "U", ada.id)
    allowed = await ada.allowed(3)
    for turn in range(20):
        await operator.send("PUT", f"/tier-targets/{target}", 200, json={"tier_id": (large, small)[turn % 2]})
        allowed += await ada.allowed(1)
    assert allowed == 6


async def test_reading_plans_takes_no_time_of_requests(
    operator: Operator, ada: Someone, context: Context, spans: InMemorySpanExporter
) -> None:
    """The plans are read at intervals, and the rule is charged in the request's one round trip."""
    await operator.rule(await operator.target(await operator.tier(), "U", ada.id), "*", 100_000)
    await ada.get()
    spans.clear()
    await context.cache.execute("CONFIG", "RESETSTAT")
    for _ in range(50):
        await ada.get()
    assert await scripts_run(context.cache) == 50
    finished = spans.get_finished_spans()
    reads = [span for span in finished if span.name == "plans.load_plans"]
    began, ended = (f(span.start_time or 0 for span in finished) for f in (min, max))
    assert len(reads) <= 1 + (ended - began) / 1e9 / FRESH_SECONDS
    assert FRESH_SECONDS < 1


async def test_the_plan_holds_while_redis_is_down(operator: Operator, ada: Someone, context: Context) -> None:
    """C-429."""
    await operator.rule(await operator.target(await operator.tier(), "U", ada.id), "*", 2, 3600)
    context.limiter._cache = Cache({})  # refuses every connection
    assert await ada.allowed(4) == 2


NOBODY = uuid7()
RATES = st.builds(lambda limit, period: (limit, period), st.integers(1, 9), st.sampled_from([1, 60, 3600]))


@given(st.lists(st.tuples(st.sampled_from(["users_me", "users_*", "*"]), RATES), max_size=6))
@examples(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_rule_does_not_depend_on_the_order_of_rules(listed: list[tuple[str, tuple[int, int]]]) -> None:
    rules = [
        Rule(n, 1, f"r{n}", path, limit, period, limit * period, "day" if limit % 2 else "month")
        for n, (path, (limit, period)) in enumerate(listed)
    ]
    forwards = Plans(1, [Placed(1, 1, "U", str(NOBODY), rules)]).terms(NOBODY, (), "/users/me")
    backwards = Plans(1, [Placed(1, 1, "U", str(NOBODY), rules[::-1])]).terms(NOBODY, (), "/users/me")
    assert forwards == backwards


async def test_the_default_tier_is_shown_without_parameters(operator: Operator) -> None:
    target = await operator.target(await operator.tier("free"), "G", "*")
    await operator.rule(target, "users_*", 5)
    rule = await operator.rule(target, "*", 7)
    found = await operator.send("GET", "/effective", 200)
    assert (found["tier"]["name"], found["step"], found["rate_limit"]) == ("free", "any", rule)
