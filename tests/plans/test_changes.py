"""Changes of plans: what is refused, what is announced, and what a deleted account leaves behind."""

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from tests.plans.conftest import Operator, Someone

INVALID: list[tuple[str, dict[str, object], str]] = [
    ("rate-limits", {"path": "users", "limit": 0, "period": 60}, "/limit"),
    ("rate-limits", {"path": "users", "limit": -1, "period": 60}, "/limit"),
    ("rate-limits", {"path": "users", "limit": 10**9 + 1, "period": 60}, "/limit"),
    ("rate-limits", {"path": "users", "limit": 2**63, "period": 60}, "/limit"),
    ("rate-limits", {"path": "users", "limit": 2**64, "period": 60}, "/limit"),
    ("rate-limits", {"path": "users", "limit": 1.5, "period": 60}, "/limit"),
    ("rate-limits", {"path": "users", "limit": 1, "period": 0}, "/period"),
    ("rate-limits", {"path": "users", "limit": 1, "period": 31 * 86400 + 1}, "/period"),
    ("rate-limits", {"path": "../", "limit": 1, "period": 1}, "/path"),
    ("rate-limits", {"path": "users/../admin", "limit": 1, "period": 1}, "/path"),
    ("rate-limits", {"path": "", "limit": 1, "period": 1}, "/path"),
    ("rate-limits", {"path": "/", "limit": 1, "period": 1}, "/path"),
    ("rate-limits", {"path": "u*s", "limit": 1, "period": 1}, "/path"),
    ("rate-limits", {"path": 'users", "all', "limit": 1, "period": 1}, "/path"),
    ("rate-limits", {"path": "a" * 10_240, "limit": 1, "period": 1}, "/path"),
    ("rate-limits", {"path": "users", "limit": 1, "period": 1, "name": 'x";q=1, "y'}, "/name"),
    ("rate-limits", {"path": "users", "limit": 1, "period": 1, "name": "a b"}, "/name"),
    ("rate-limits", {"path": "users", "limit": 1, "period": 1, "extra": 1}, "/extra"),
    ("tier-targets", {"target_type": "X", "target_id": "ada"}, "/target_type"),
    ("tier-targets", {"target_type": "U", "target_id": ""}, "/target_id"),
    ("tier-targets", {"target_type": "U", "target_id": "a" * 101}, "/target_id"),
    ("tier-targets", {"target_type": "U", "target_id": "a\nb"}, "/target_id"),
    ("tier-targets", {"target_type": "U", "target_id": "ada", "extra": 1}, "/extra"),
    ("tiers", {"name": ""}, "/name"),
    ("tiers", {"name": "a" * 10_240}, "/name"),
    ("tiers", {"name": "a\x00b"}, "/name"),
    ("tiers", {}, "/name"),
]


@pytest.mark.parametrize(("collection", "body", "pointer"), INVALID)
async def test_invalid_values_are_refused(
    operator: Operator, collection: str, body: dict[str, object], pointer: str
) -> None:
    """C-375."""
    parent = {"rate-limits": "?tier_target_id=1", "tier-targets": "?tier_id=1", "tiers": ""}[collection]
    refusal = await operator.send("POST", f"/{collection}{parent}", 422, json=body)
    assert [error["pointer"] for error in refusal["errors"]] == [pointer]


@pytest.mark.parametrize("number", [0, -1, 2**53, 2**63, 10**30, "one", ""])
async def test_invalid_parents_are_refused(operator: Operator, number: object) -> None:
    """C-375."""
    rule = {"path": "users", "limit": 1, "period": 1}
    await operator.send("POST", f"/rate-limits?tier_target_id={number}", 422, json=rule)
    target = {"target_type": "U", "target_id": "ada"}
    await operator.send("POST", f"/tier-targets?tier_id={number}", 422, json=target)


async def test_unknown_parents_do_not_exist(operator: Operator) -> None:
    """C-375."""
    rule = {"path": "users", "limit": 1, "period": 1}
    refusal = await operator.send("POST", "/rate-limits?tier_target_id=999999", 404, json=rule)
    assert refusal["code"] == "TIER_TARGET_NOT_FOUND"
    target = {"target_type": "U", "target_id": "ada"}
    refusal = await operator.send("POST", "/tier-targets?tier_id=999999", 404, json=target)
    assert (refusal["code"], refusal["message"]) == ("TIER_NOT_FOUND", "Tier with ID 999999 not found.")
    known = await operator.target(await operator.tier(), "U", "ada")
    refusal = await operator.send("PUT", f"/tier-targets/{known}", 404, json={"tier_id": 999999})
    assert refusal["code"] == "TIER_NOT_FOUND"


@pytest.mark.parametrize("collection", ["tiers", "tier-targets", "rate-limits"])
@pytest.mark.parametrize("number", [0, -1, 10**17, 2**63, 10**30, "one", "1.0", "01"])
async def test_unknown_ids_do_not_exist(operator: Operator, collection: str, number: object) -> None:
    """C-375."""
    for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
        await operator.send(method, f"/{collection}/{number}", 404, json=body)


async def test_an_account_has_one_tier(operator: Operator) -> None:
    tier, account = await operator.tier(), uuid7()
    first = await operator.target(tier, "U", account)
    second = {"target_type": "U", "target_id": str(account).upper()}
    refusal = await operator.send("POST", f"/tier-targets?tier_id={tier}", 400, json=second)
    assert refusal["code"] == "TIER_TARGET_ALREADY_EXISTS"
    assert refusal["message"] == f"Tier target of type 'U' with ID '{account}' already exists."
    await operator.send("PUT", f"/tier-targets/{first}", 200, json={"is_active": False})
    await operator.send("POST", f"/tier-targets?tier_id={tier}", 201, json=second)
    refusal = await operator.send("PUT", f"/tier-targets/{first}", 400, json={"is_active": True})
    assert refusal["code"] == "TIER_TARGET_ALREADY_EXISTS"


async def test_a_target_has_one_rule_for_a_path(operator: Operator) -> None:
    target = await operator.target(await operator.tier(), "U", "ada")
    first = await operator.rule(target, "/api/users/", 5)
    again = {"path": "api_users", "limit": 6, "period": 60, "name": "other"}
    refusal = await operator.send("POST", f"/rate-limits?tier_target_id={target}", 400, json=again)
    assert refusal["code"] == "RATE_LIMIT_ALREADY_EXISTS"
    assert refusal["message"] == f"Rate limit for tier target {target} and path 'api_users' already exists."
    other = await operator.rule(target, "sessions", 5, name="mine")
    changed = {"path": "/api/users"}
    refusal = await operator.send("PUT", f"/rate-limits/{other['id']}", 400, json=changed)
    assert refusal["code"] == "RATE_LIMIT_ALREADY_EXISTS"
    # The default name follows the values, a given name does not.
    more = {"limit": 7, "period": 30, "path": None, "name": None}
    assert (await operator.send("PUT", f"/rate-limits/{first['id']}", 200, json=more))["name"] == "api_users:7:30"
    assert (await operator.send("PUT", f"/rate-limits/{other['id']}", 200, json=more))["name"] == "mine"


async def test_tiers_and_targets_in_use_are_not_deleted(operator: Operator) -> None:
    tier = await operator.tier()
    target = await operator.target(tier, "U", "ada")
    rule = await operator.rule(target, "users", 5)
    assert (await operator.send("DELETE", f"/tiers/{tier}", 409))["code"] == "TIER_IN_USE"
    assert (await operator.send("DELETE", f"/tier-targets/{target}", 409))["code"] == "TIER_TARGET_IN_USE"
    for path in (f"/rate-limits/{rule['id']}", f"/tier-targets/{target}", f"/tiers/{tier}"):
        await operator.send("DELETE", path, 204)
        await operator.send("GET", path, 404)


async def test_a_stale_change_is_refused(operator: Operator, client: httpx.AsyncClient) -> None:
    tier = await operator.tier("first")
    target = await operator.target(tier, "U", "ada")
    rule = await operator.rule(target, "users", 5)
    changes = [
        (f"/tiers/{tier}", {"name": "second"}, {"name": "third"}),
        (f"/tier-targets/{target}", {"name": "Ada"}, {"is_active": False}),
        (f"/rate-limits/{rule['id']}", {"limit": 6}, {"limit": 7}),
    ]
    for path, first, second in changes:
        tag = (await client.get(f"/api/plans{path}", headers=operator.headers)).headers["etag"]
        await operator.send("PUT", path, 200, json=first, headers={"if-match": tag})
        await operator.send("PUT", path, 412, json=second, headers={"if-match": tag})
        await operator.send("DELETE", path, 412, headers={"if-match": tag})


async def test_lists_are_bounded_and_filtered(operator: Operator) -> None:
    tiers = [await operator.tier(f"tier {n}") for n in range(4)]
    found = await operator.send("GET", f"/tiers?limit=2&after={tiers[0]}", 200)
    assert [tier["id"] for tier in found] == tiers[1:3]
    await operator.send("GET", "/tiers?limit=1001", 422)
    account = uuid7()
    target = await operator.target(tiers[0], "U", account)
    await operator.target(tiers[1], "U", "other")
    asked = f"/tier-targets?target_type=U&target_id={str(account).upper()}"
    assert [each["id"] for each in await operator.send("GET", asked, 200)] == [target]
    rule = await operator.rule(target, "users", 5)
    assert await operator.send("GET", f"/rate-limits?tier_target_id={target}", 200) == [rule]


async def test_a_tier_is_listed_with_its_accounts_and_rules(operator: Operator, ada: Someone) -> None:
    """In two requests: the addresses of accounts are those of now, and the rate limits are those of all targets."""
    tier, other = await operator.tier("pro"), await operator.tier("other")
    target = await operator.target(tier, "U", ada.id)
    role = await operator.target(tier, "G", "editor")
    rules = [await operator.rule(target, "users", 5), await operator.rule(role, "users", 6)]
    await operator.rule(await operator.target(other, "U", "no account"), "users", 7)
    listed = await operator.send("GET", f"/tier-targets?tier_id={tier}", 200)
    assert [(each["target_type"], each["user_email"]) for each in listed] == [("U", ada.email), ("G", None)]
    assert await operator.send("GET", f"/rate-limits?tier_id={tier}", 200) == rules
    moved = await operator.send("PUT", f"/tier-targets/{role}", 200, json={"target_type": "U", "target_id": "x"})
    assert moved["user_email"] is None


@pytest.mark.parametrize(
    "asked",
    [
        "tiers?after=-1",
        f"tiers?after={2**53}",
        f"tiers?after={2**63}",
        "tiers?after=1.5",
        "tiers?after=one",
        "tiers?limit=0",
        "tiers?limit=-1",
        f"tiers?limit={2**64}",
        "tiers?offset=1",
        "tier-targets?tier_id=0",
        "tier-targets?target_type=u",
        "tier-targets?target_id=%00",
        f"tier-targets?target_id={'a' * 10_240}",
        "tier-targets?target_id=%ED%A0%80",
        "rate-limits?tier_target_id=-1",
        f"rate-limits?tier_id={2**63}",
        "effective?path=../x",
        f"effective?path={'a' * 10_240}",
        "effective?path=%00",
        "effective?target_id=%0A",
    ],
)
async def test_malformed_questions_are_refused(operator: Operator, asked: str) -> None:
    """C-430."""
    refusal = await operator.send("GET", f"/{asked}", 422)
    assert refusal["code"] == "VALIDATION_FAILED"


async def test_lists_link_to_the_next_page_and_count_all(operator: Operator, client: httpx.AsyncClient) -> None:
    """C-430: until the last page, also of a filtered list, without gaps where items were deleted in the meantime."""
    tier = await operator.tier()
    targets = [await operator.target(tier, "U", f"ada {number}") for number in range(5)]
    rules = [(await operator.rule(targets[0], f"users_{number}", 5))["id"] for number in range(5)]
    await operator.target(await operator.tier("other"), "U", "other")
    for path, wanted in (
        (f"tier-targets?tier_id={tier}&target_type=U&limit=2", targets),
        (f"rate-limits?limit=2&tier_target_id={targets[0]}", rules),
    ):
        found, pages = [], 0
        url = f"/api/plans/{path}"
        while url:
            answer = await client.get(url, headers=operator.headers)
            assert answer.headers["x-total-count"] == str(5 - pages)  # one item was deleted after each page
            found += [each["id"] for each in answer.json()]
            await operator.send("DELETE", f"/{path.partition('?')[0]}/{found[-1]}", 204)
            pages += 1
            link = answer.links.get("next")
            url = link["url"] if link else ""
        assert (found, pages) == (wanted, 3)
    answer = await client.get("/api/plans/tiers?limit=2", headers=operator.headers)
    assert (answer.headers["x-total-count"], "link" in answer.headers) == ("2", False)
    answer = await client.get("/api/plans/tiers?after=9007199254740991", headers=operator.headers)
    assert (answer.json(), answer.headers["x-total-count"], "link" in answer.headers) == ([], "2", False)


async def test_changes_are_announced_and_audited(operator: Operator, ada: Someone, context: Context) -> None:
    tier = await operator.tier("pro")
    target = await operator.target(tier, "U", ada.id)
    rule = (await operator.rule(target, "users", 5))["id"]
    await operator.send("PUT", f"/rate-limits/{rule}", 200, json={"limit": 6})
    await operator.send("PUT", f"/rate-limits/{rule}", 200, json={"limit": 6})  # changes nothing
    await operator.send("DELETE", f"/rate-limits/{rule}", 204)
    statement = (
        "select type, data ->> 'change', subjects from audit_entries"
        " where type like 'plans.%' and principal_id is not null order by id"
    )
    rows = [tuple(row) for row in await context.db.fetch(statement)]
    assert rows == [
        ("plans.tier_changed", "created", []),
        ("plans.tier_target_changed", "created", [ada.id]),
        ("plans.rate_limit_changed", "created", [ada.id]),
        ("plans.rate_limit_changed", "updated", [ada.id]),
        ("plans.rate_limit_changed", "deleted", [ada.id]),
    ]


async def test_the_plan_of_an_account_is_erased_with_it(operator: Operator, ada: Someone, context: Context) -> None:
    """C-377."""
    tier = await operator.tier()
    target = await operator.target(tier, "U", ada.id)
    await operator.rule(target, "users", 5)
    await context.db.fetch("delete from users where id = $1", ada.id)
    assert await operator.send("GET", f"/tier-targets?tier_id={tier}", 200) == []
    assert await operator.send("GET", f"/rate-limits?tier_target_id={target}", 200) == []
