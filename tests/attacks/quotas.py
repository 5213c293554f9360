"""Point 18: the limits in an answer are correct."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

from tests.attacks.attack import attack, held, none_broken
from tests.attacks.client import fresh_email
from tests.attacks.world import World


@attack(18)
def every_limited_answer_lists_the_same_policies(world: World) -> None:
    """RateLimit-Policy names all policies of an operation, the same on success, refusal and 429, not just `route`"""
    site, found = world.production(), {}
    client = site.client()
    seen: dict[str, set[str]] = {}
    quotas: dict[str, set[str]] = {}
    last = None
    for path, body in (
        ("/auth/verify", {"token": "x" * 43}),
        ("/auth/forgot-password", {"email": fresh_email()}),
        ("/auth/refresh", {"refresh_token": "x"}),
    ):
        for number in range(34 if path != "/auth/refresh" else 3):
            answer = client.ask("POST", path, body if number else {"wrong": 1})
            policies = answer.headers.get("ratelimit-policy", "")
            seen.setdefault(path, set()).add(policies)
            named = re.findall(r'"([^"]+)";', policies)
            told = re.findall(r'"([^"]+)";', answer.headers.get("ratelimit", ""))
            if not told or not set(told) <= set(named):
                found[f"{path} {answer.status_code}"] = f"policies {named}, remaining {told}"
            for name, quota, window in re.findall(r'"([^"]+)";q=(\d+);w=(\d+)', policies):
                quotas.setdefault(name, set()).add(f"{quota}/{window}")
            if answer.status_code == 429:
                last = answer
    for path, each in seen.items():
        if len(each) != 1:
            found[path] = f"the policies change: {sorted(each)}"
        elif len(re.findall(r'"[^"]+";q=\d+;w=\d+', next(iter(each)))) < 2:
            found[path] = f"not all policies are listed: {sorted(each)}"
    found |= {f'"{name}"': f"means {sorted(each)}" for name, each in quotas.items() if len(each) > 1}
    if not last:
        found["429"] = "34 calls and no 429"
        none_broken(found)
        return
    told_body = last.json()
    if told_body.get("type") != "https://iana.org/assignments/http-problem-types#quota-exceeded":
        found["type"] = str(told_body.get("type"))
    if not told_body.get("violated-policies"):
        found["violated-policies"] = "is missing"
    resets = [int(t) for r, t in re.findall(r"r=(\d+);t=(\d+)", last.headers.get("ratelimit", "")) if r == "0"]
    if "retry-after" not in last.headers or (resets and int(last.headers["retry-after"]) < max(resets)):
        found["Retry-After"] = f"{last.headers.get('retry-after')} with {last.headers.get('ratelimit')}"
    if "no-store" not in last.headers.get("cache-control", ""):
        found["cache"] = "a 429 may be cached"
    none_broken(found)


@attack(18, waits=True)
def no_window_has_more_than_its_quota(world: World) -> None:
    """In the first window no more than the published quota, and its published burst, get through"""
    site = world.production()
    client = site.client()
    taken, policy, began = 0, "", time.monotonic()
    while time.monotonic() - began < 54:
        answer = client.ask("POST", "/auth/verify", {"token": "x" * 43})
        taken += answer.status_code != 429 and time.monotonic() - began < 54
        policy = answer.headers.get("ratelimit-policy", policy)
        if answer.status_code == 429:
            time.sleep(0.8)
    allowed = []
    for item in policy.split(","):
        numbers = dict(re.findall(r"([\w-]+)=(\d+)", item))
        if numbers.get("w") == "60":
            allowed.append(int(numbers["q"]) + sum(int(value) for name, value in numbers.items() if "burst" in name))
    held(allowed, f"no policy of a minute: {policy}")
    held(taken <= min(allowed), f"{taken} got through in 54 s of a window of 60 with {policy}")


@attack(18)
def a_hundred_at_once_where_few_are_left(world: World) -> None:
    """A hundred parallel calls use no more than the quota"""
    site = world.production()
    [address] = site.neighbours(1)
    body = json.dumps({"token": "x" * 43}).encode()
    with ThreadPoolExecutor(25) as crowd:
        told = list(
            crowd.map(
                lambda _: (
                    site.client(address)
                    .ask("POST", "/auth/verify", raw=body, headers={"content-type": "application/json"})
                    .status_code
                ),
                range(100),
            )
        )
    held(told.count(429) >= 69, f"{100 - told.count(429)} of 100 got through where 30 may")
