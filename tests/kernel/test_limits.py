"""Rate limits: counted in Redis, or by each process while Redis is down."""

import asyncio
import math
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from api.kernel.data.cache import Cache, open_cache
from api.kernel.errors import RATE_LIMITED
from api.kernel.identity.limits import Limit, Limiter, Policy, Verdict, merge, network_of
from api.kernel.identity.windows import Count
from api.kernel.settings import Rate, Settings
from tests.kernel.things import scripts_run
from tests.patient import SECONDS

DAY = 86400
NOWHERE = Cache({})
"""The state of limiters in memory."""


def limit(count: int, period: int = DAY, key: str = "limit:test") -> Limit:
    return Limit(key, key.rpartition(":")[2], Rate(count, period))


@pytest.fixture
def limiter(settings: Settings, cache: Cache) -> Limiter:
    return Limiter(settings, cache)


async def passes(limiter: Limiter, limits: list[Limit]) -> bool:
    try:
        await limiter.charge(limits)
    except RATE_LIMITED:
        return False
    return True


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True), min_size=1, max_size=25))
@examples(max_examples=30, deadline=None)
async def test_redis_and_memory_agree(settings: Settings, asked: list[list[str]]) -> None:
    """C-56. With rates per day, to which the milliseconds of a test do not matter."""
    counts = {"a": 1, "b": 4, "c": 12}
    async with open_cache(settings) as cache:
        redis, memory = Limiter(settings, cache), Limiter(settings, NOWHERE)
        await cache.delete(*[f"limit:{name}" for name in counts])
        for names in asked:
            limits = [limit(counts[name], key=f"limit:{name}") for name in names]
            expected = memory._in_memory(limits, 1000.0)
            if expected.allowed:
                told = (await redis.charge(limits)).headers()
            else:
                with pytest.raises(RATE_LIMITED) as refused:
                    await redis.charge(limits)
                assert refused.value.violated_policies == expected.refusal().violated_policies
                told = refused.value.headers
                assert DAY - 60 <= int(told["retry-after"]) <= DAY
            for name in ("x-ratelimit-limit", "x-ratelimit-remaining", "ratelimit-policy"):
                assert told[name] == expected.headers()[name]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 5)), max_size=20))
def test_a_refused_request_charges_none_of_its_limits(settings: Settings, asked: list[tuple[str, int]]) -> None:
    limiter, counts = Limiter(settings, NOWHERE), {"a": 3, "b": 3}
    for key, everybody in asked:
        limits = [limit(counts[key], key=key), limit(everybody, key="all")]
        before = counted(limiter)
        if not limiter._in_memory(limits, 1000.0).allowed:
            assert counted(limiter) == before


def counted(limiter: Limiter) -> dict[str, int]:
    return {name: window.used for name, window in limiter._memory.windows.items() if window.used}


# Redis


async def test_of_a_hundred_concurrent_requests_with_one_left_one_passes(limiter: Limiter, cache: Cache) -> None:
    """C-55."""
    limits = [limit(2)]
    assert await passes(limiter, limits)
    assert sum(await asyncio.gather(*(passes(limiter, limits) for _ in range(100)))) == 1


async def test_it_is_one_round_trip_however_many_limits(limiter: Limiter, cache: Cache) -> None:
    await limiter.charge([limit(9)])  # the script is loaded from here on

    await cache.execute("CONFIG", "RESETSTAT")
    await limiter.charge([limit(9), limit(9, key="limit:a"), limit(9, key="limit:b")])
    assert await scripts_run(cache) == 1


async def test_a_flushed_redis_costs_one_more_call_and_loses_only_counts(limiter: Limiter, cache: Cache) -> None:
    assert await passes(limiter, [limit(1)])
    await cache.execute("SCRIPT", "FLUSH")
    assert not await passes(limiter, [limit(1)])


async def test_a_full_window_leaves_no_key(limiter: Limiter, cache: Cache) -> None:
    await limiter.charge([limit(2, 60)])
    assert 0 < await cache.execute("PTTL", "limit:test") <= 60_000


async def test_a_key_of_another_type_counts_as_no_redis(limiter: Limiter, cache: Cache) -> None:
    """C-56."""
    await cache.set("limit:test", b"left by something else", 60)
    assert [await passes(limiter, [limit(2)]) for _ in range(3)] == [True, True, False]


async def test_redis_down_still_limits(nowhere: Settings) -> None:
    """C-56, F-10."""
    async with open_cache(nowhere) as down:
        limiter = Limiter(nowhere, down)
        assert [await passes(limiter, [limit(3)]) for _ in range(5)] == [True] * 3 + [False] * 2
        with pytest.raises(RATE_LIMITED) as refused:
            await limiter.charge([limit(3)])
    assert abs(int(refused.value.headers["retry-after"]) - DAY) < 60


# Keys and policies


def test_the_general_limit_is_by_account_or_address(settings: Settings) -> None:
    anonymous, signed_in = Rate(100, 3600), Rate(1000, 3600)
    limiter = Limiter(
        msgspec.structs.replace(settings, rate_limit_anonymous=anonymous, rate_limit_signed_in=signed_in), NOWHERE
    )
    assert limiter.general(None, "192.0.2.1") == [Limit("quota:all:192.0.2.1", "all", anonymous)]
    assert limiter.general("ada", "192.0.2.1") == [Limit("quota:all:ada", "all", signed_in)]


@pytest.mark.parametrize(("factor", "count"), [(1.0, 20), (2.5, 50), (0.1, 2), (0.001, 1), (None, None)])
def test_one_switch_scales_or_lifts_every_limit_on_a_route(
    settings: Settings, factor: float | None, count: int | None
) -> None:
    limiter = Limiter(msgspec.structs.replace(settings, rate_limit_credentials=factor), NOWHERE)
    found = limiter.own(Policy("order", Rate(20, 60)), None, "192.0.2.1")
    assert found == [Limit("quota:order:192.0.2.1", "order", Rate(count, 60)) for count in ([count] if count else [])]
    assert [one.rate.count for one in limiter.failures("192.0.2.1")] == ([round(max(1, 30 * factor))] if factor else [])


async def test_without_a_limit_nothing_is_counted_and_no_header_sent(nowhere: Settings) -> None:
    async with open_cache(nowhere) as down:
        assert (await Limiter(nowhere, down).charge([])).headers() == {}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        (None, "unknown"),
        ("", "unknown"),
        ("a:b", "unknown"),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_64(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_the_fields_name_every_limit(settings: Settings) -> None:
    """C-167: as in draft-ietf-httpapi-ratelimit-headers-11, and X-RateLimit-* of the limit nearest to its end."""
    limits = [limit(1000, 3600, "limit:all"), limit(20, 60, "limit:order")]
    counts = [Count(990, 61_200_000, 3_600_000_000, 0), Count(7, 200_001, 41_200_000, 0)]
    told = Verdict(True, limits, counts).headers()
    assert told["ratelimit-policy"] == '"all";q=1000;w=3600, "order";q=20;w=60'
    assert told["ratelimit"] == '"all";r=990;t=62, "order";r=7;t=1'
    assert (told["x-ratelimit-limit"], told["x-ratelimit-remaining"]) == ("20", "7")
    assert 40 <= int(told["x-ratelimit-reset"]) - math.floor(time.time()) <= 44, "the time until the quota is full"


def test_a_refusal_names_the_limits_and_the_time_until_all_have_room() -> None:
    """C-167: Retry-After is never earlier than `t`."""
    limits = [limit(1000, 3600, "limit:all"), limit(20, 60, "limit:order"), limit(5, 900, "limit:guess")]
    counts = [Count(990, 0, 0, 0), Count(0, 2_000_001, 0, 0), Count(0, 700_000_000, 0, 0)]
    refusal = Verdict(False, limits, counts).refusal()
    assert refusal.violated_policies == ["order", "guess"]
    assert refusal.headers["retry-after"] == "700"
    assert refusal.headers["ratelimit"] == '"all";r=990;t=0, "order";r=0;t=3, "guess";r=0;t=700'


def test_two_values_of_ratelimit_are_one_list() -> None:
    assert merge('"all";r=9;t=1, "order";r=1;t=2', '"all";r=0;t=5, "guess";r=0;t=3') == (
        '"all";r=0;t=5, "order";r=1;t=2, "guess";r=0;t=3'
    )


async def test_a_cancelled_caller_and_a_foreign_reply_leave_no_other_caller_waiting(settings: Settings) -> None:
    """C-197."""

    class Foreign(Cache):
        async def evaluate(self, script: object, keys: list[str], arguments: list[str | float]) -> Any:
            await asyncio.sleep(0)
            return 5

    limiter = Limiter(settings, Foreign({}))
    first, *others = [asyncio.create_task(limiter.charge([limit(9)])) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(SECONDS):
        assert [(await other).alone for other in others] == [True, True]
    assert first.cancelled()
