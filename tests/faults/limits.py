"""Rate limits while Redis is dead, at a web process of its own: the other one has none."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
from redis.asyncio import Redis

from dev.ports import free_port
from tests.factories import PASSWORD
from tests.faults.clients import open_account
from tests.faults.rig import HARM_SECONDS, Rig
from tests.processes import Process

LIMITS = {"RATE_LIMIT_SIGNED_IN": "1000/hour", "RATE_LIMIT_ANONYMOUS": "1000/hour", "RATE_LIMIT_CREDENTIALS": "1"}
LISTS = 5
"""The plan's limit on GET /sessions; that on GET /users/me is not reached."""
QUOTA = 7
"""The plan's quota on GET /webhooks."""
GUESSES = 5
"""The limit on signing in to one address; half of it where a process counts by itself."""
BACK_SECONDS = 2.0
PATIENCE = 3
"""Limits for a machine that runs other programs, too."""
PLAN = """with tier as (insert into plan_tiers (name) values ($1) returning id),
               target as (insert into plan_targets (tier_id, target_type, target_id, user_id, is_active)
                          select tier.id, 'U', users.id::text, users.id, true from tier, users where email = $2
                          returning id),
               rules as (insert into plan_rules (tier_target_id, name, path, most, seconds, quota, quota_period)
                         select id, 'reads', 'users_me', 1000000, 3600, null::bigint, null from target
                          union all select id, 'lists', 'sessions', $3, 3600, null, null from target
                          union all select id, 'exact', 'webhooks', 1000000, 3600, $4, 'month' from target)
          update plan_version set version = version + 1"""


async def lose_counts(rig: Rig) -> int:
    """Kill Redis while a plan applies. Reads go on, each process counts by itself, guessing is limited more strictly,
    and a quota stays exact; afterwards, requests are counted in Redis again."""
    account, headers = await open_account(rig)
    await rig.rows(PLAN, uuid4().hex, account.email, LISTS, QUOTA)
    async with _limited(rig) as client, contextlib.AsyncExitStack() as stack:
        assert await _statuses(client, headers, "sessions", LISTS + 1) == {200: LISTS, 429: 1}
        assert await _guesses(client) == GUESSES
        assert await _statuses(client, headers, "webhooks", QUOTA - 3) == {200: QUOTA - 3}
        rig.redis_server.kill()
        stack.callback(rig.redis_server.start)
        assert await _guesses(client) == GUESSES // 2
        assert await _statuses(client, headers, "sessions", LISTS + 1) == {200: LISTS, 429: 1}, "counted by itself"
        assert await _statuses(client, headers, "webhooks", QUOTA) == {200: 3, 429: QUOTA - 3}, "a quota is exact"
        ends, reads = time.monotonic() + HARM_SECONDS / 2, Counter[int]()
        while time.monotonic() < ends:
            reads += await _statuses(client, headers, "users/me", 10)
        assert reads.keys() == {200}, f"reads were refused: {reads}"
        await stack.aclose()
        seconds = await _counted_again(rig, client, headers)
        assert seconds < BACK_SECONDS * PATIENCE, f"Redis counts again after {seconds:.1f} s"
    return 1


@contextlib.asynccontextmanager
async def _limited(rig: Rig) -> AsyncIterator[httpx.AsyncClient]:
    port = free_port()
    web = Process("api", {**rig.environment, **LIMITS, "PORT": str(port)}, rig.folder / "web-limited.log")
    try:
        url = f"http://127.0.0.1:{port}"
        await rig.ready(url)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
            yield client
    finally:
        web.kill()


async def _statuses(client: httpx.AsyncClient, headers: dict[str, str], path: str, calls: int) -> Counter[int]:
    answers = await asyncio.gather(*(client.get(f"/api/{path}", headers=headers) for _ in range(calls)))
    return Counter(answer.status_code for answer in answers)


async def _guesses(client: httpx.AsyncClient) -> int:
    """Return how many passwords of one address can be tried."""
    form = {"username": f"{uuid4().hex}@example.com", "password": PASSWORD}
    for tries in range(GUESSES + 1):
        status = (await client.post("/api/auth/jwt/login", data=form)).status_code
        if status != 400:
            assert status == 429
            return tries
    raise AssertionError("guessing is not limited")


async def _counted_again(rig: Rig, client: httpx.AsyncClient, headers: dict[str, str]) -> float:
    """Return the seconds until a read is counted in Redis; all reads until then succeed."""
    began = time.monotonic()
    async with Redis.from_url(rig.redis_server.url) as redis, asyncio.timeout(60):
        while True:
            assert (await client.get("/api/users/me", headers=headers)).status_code == 200
            with contextlib.suppress(OSError):
                if [key async for key in redis.scan_iter("quota:plans:users_me/*")]:
                    return time.monotonic() - began
            await asyncio.sleep(0.02)
