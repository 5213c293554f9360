"""The RateLimit fields of accounts with a plan, for any client of draft-ietf-httpapi-ratelimit-headers-11."""

import re
from uuid import uuid4

import httpx
import msgspec
import pytest

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Rate, Settings
from tests.plans.conftest import Operator, Someone, someone

ROUTES = [route for feature in FEATURES for route in feature.routes if route.limit != "off" and not route.socket]
ITEM = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]+)"((?:;[a-z]+=\d{1,15})*)')
"""An item of a List (RFC 9651, 3.1): a String without escapes, and parameters that are Integers."""


@pytest.fixture
def context(context: Context, settings: Settings) -> Context:
    """With the default limits."""
    limited = msgspec.structs.replace(settings, rate_limit_signed_in=Rate(1000, 3600), rate_limit_credentials=1)
    return msgspec.structs.replace(context, limiter=Limiter(limited, context.cache))


def parsed(field: str) -> dict[str, dict[str, int]]:
    """Return the items of a field; fails if it is not such a list, or names a policy twice."""
    items: dict[str, dict[str, int]] = {}
    for text in field.split(", "):
        item = ITEM.fullmatch(text)
        assert item, f"not an item of a list: {text!r}"
        name, parameters = item.groups()
        assert name not in items, f"{name} is listed twice"
        pairs = [each.partition("=") for each in parameters.split(";")[1:]]
        items[name] = {key: int(value) for key, _, value in pairs}
    return items


async def test_the_fields_of_every_route_are_lists(
    operator: Operator, client: httpx.AsyncClient, context: Context
) -> None:
    """C-428: each policy once, with its quota and window, and of each charged one what is left, never more than it."""
    target = await operator.target(await operator.tier(), "G", "*")
    for path in ("*", "users_*", "users_me"):
        await operator.rule(target, path, 500, quota=10**6)
    caller = await someone(client, context)
    for route in ROUTES:
        url = "/api" + re.sub(r"{\w+}", str(uuid4()), route.path)
        answer = await client.request(route.method, url, headers=caller.headers)
        policies, left = (parsed(answer.headers[name]) for name in ("ratelimit-policy", "ratelimit"))
        assert left.keys() <= policies.keys(), url
        assert all(each.keys() == {"q", "w"} and each["w"] > 0 for each in policies.values()), url
        assert all(each.keys() == {"r", "t"} and each["r"] <= policies[name]["q"] for name, each in left.items()), url
        if answer.is_success and route.method != "GET":  # such as signing out
            caller = await someone(client, context)


async def test_the_policies_do_not_change_from_answer_to_answer(operator: Operator, ada: Someone) -> None:
    """C-428: nor when the quota is used up; then Retry-After is not before `t`."""
    await operator.rule(await operator.target(await operator.tier(), "U", ada.id), "users_me", 40, 3600)
    answers = [await ada.get() for _ in range(60)]
    assert len({answer.headers["ratelimit-policy"] for answer in answers}) == 1
    left = [parsed(answer.headers["ratelimit"])["users_me:40:3600"] for answer in answers]
    assert [each["r"] for each in left] == [*range(39, -1, -1), *[0] * 20]
    waits = [int(answer.headers["retry-after"]) for answer in answers[40:]]
    assert all(wait >= each["t"] for wait, each in zip(waits, left[40:], strict=True))
