"""Rates: counted in Redis, or by each process for itself while Redis is down."""

import asyncio
import math
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from redis.asyncio import Redis

from api.kernel import limits as module
from api.kernel.cache import Cache, open_cache
from api.kernel.errors import RATE_LIMITED
from api.kernel.limits import Limit, Limiter, Verdict, network_of
from api.kernel.settings import Rate, Settings

DAY = 86400
NOWHERE = Cache(Redis())
"""Of limiters that only remember."""


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


# The law, on the side that has a clock to inject


class Bucket:
    """The same as it is told to a child: `count` tokens at most, one more every period / count seconds."""

    def __init__(self, rate: Rate) -> None:
        self.rate, self.tokens, self.at = rate, float(rate.count), 0.0

    def take(self, now: float) -> bool:
        self.tokens = min(self.rate.count, self.tokens + (now - self.at) * self.rate.count / self.rate.period)
        self.at = now
        if self.tokens < 1 - 1e-4:
            return False
        self.tokens -= 1
        return True


RATES = st.builds(Rate, st.integers(1, 20), st.sampled_from([1, 60, 3600]))
WAITS = st.lists(st.floats(0, 5) | st.sampled_from([0.0, 1.0, 60.0]), min_size=1, max_size=60)


@given(RATES, WAITS)
def test_in_memory_it_is_a_bucket_that_refills(settings: Settings, rate: Rate, waits: list[float]) -> None:
    limiter, bucket, now = Limiter(settings, NOWHERE), Bucket(rate), 1000.0
    one = Limit("k", "k", rate)
    bucket.at = now
    for wait in waits:
        now += wait
        verdict = limiter._in_memory([one], now)
        before = bucket.tokens + (now - bucket.at) * rate.count / rate.period
        if abs(min(rate.count, before) - 1) < 1e-3:  # on the edge, where arithmetic may round either way
            return
        assert verdict.allowed == bucket.take(now)
        if verdict.allowed:
            assert abs(verdict.remaining - bucket.tokens) < 1 + 1e-3
            assert 0 <= verdict.remaining < rate.count
            assert 0 < verdict.reset <= rate.period + 1e-3


@given(RATES, st.integers(1, 40))
def test_waiting_as_long_as_told_is_enough_and_a_bit_less_is_not(settings: Settings, rate: Rate, burst: int) -> None:
    limiter, now, one = Limiter(settings, NOWHERE), 1000.0, Limit("k", "k", rate)
    verdicts = [limiter._in_memory([one], now) for _ in range(burst)]
    assert [verdict.allowed for verdict in verdicts] == [index < rate.count for index in range(burst)]
    last = verdicts[-1]
    if not last.allowed:
        assert not limiter._in_memory([one], now + last.retry_after * 0.99).allowed
        assert limiter._in_memory([one], now + last.retry_after).allowed


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 5)), max_size=20))
def test_a_refused_request_charges_none_of_its_limits(settings: Settings, asked: list[tuple[str, int]]) -> None:
    limiter, counts = Limiter(settings, NOWHERE), {"a": 3, "b": 3}
    for key, everybody in asked:
        limits = [limit(counts[key], key=key), limit(everybody, key="all")]
        before = dict(limiter._memory)
        if not limiter._in_memory(limits, 1000.0).allowed:
            assert limiter._memory == before


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True), min_size=1, max_size=25))
@examples(max_examples=30, deadline=None)
async def test_redis_and_memory_agree(settings: Settings, asked: list[list[str]]) -> None:
    """Over a day's rates, of which the milliseconds of a test are nothing."""
    counts = {"a": 1, "b": 4, "c": 12}
    async with open_cache(settings) as cache:
        limiter = Limiter(settings, cache)
        await cache.delete(*[f"limit:{name}" for name in counts])
        for names in asked:
            limits = [limit(counts[name], key=f"limit:{name}") for name in names]
            verdict = limiter._in_memory(limits, 1000.0)
            try:
                told = await limiter.charge(limits)
            except RATE_LIMITED as refused:
                told, allowed = refused.headers, False
                assert abs(int(told["retry-after"]) - verdict.retry_after) < 5
            else:
                allowed = True
            expected = verdict.headers()
            assert allowed == verdict.allowed
            for name in ("x-ratelimit-limit", "x-ratelimit-remaining", "ratelimit-policy"):
                assert told[name] == expected[name]


# Redis


async def test_of_a_hundred_at_one_left_one_passes(limiter: Limiter, cache: Cache) -> None:
    """C-55."""
    limits = [limit(2)]
    assert await passes(limiter, limits)
    assert sum(await asyncio.gather(*(passes(limiter, limits) for _ in range(100)))) == 1


async def test_it_is_one_round_trip_however_many_limits(limiter: Limiter, cache: Cache) -> None:
    await limiter.charge([limit(9)])  # the script is known from here on

    async def calls() -> int:
        told = (await cache.execute("INFO", "commandstats")).items()
        return sum(one["calls"] for name, one in told if name in ("cmdstat_evalsha", "cmdstat_eval"))

    await cache.execute("CONFIG", "RESETSTAT")
    await limiter.charge([limit(9), limit(9, key="limit:a"), limit(9, key="limit:b")])
    assert await calls() == 1


async def test_a_flushed_redis_costs_one_more_and_forgets_only_counts(limiter: Limiter, cache: Cache) -> None:
    assert await passes(limiter, [limit(1)])
    await cache.execute("SCRIPT", "FLUSH")
    assert not await passes(limiter, [limit(1)])


async def test_a_bucket_leaves_no_key_when_it_is_full_again(limiter: Limiter, cache: Cache) -> None:
    await limiter.charge([limit(2, 60)])
    assert 0 < await cache.execute("PTTL", "limit:test") <= 30_000


async def test_the_time_to_wait_is_true(limiter: Limiter, cache: Cache) -> None:
    limits = [limit(1, 1)]
    await limiter.charge(limits)
    with pytest.raises(RATE_LIMITED) as refused:
        await limiter.charge(limits)
    assert refused.value.headers["retry-after"] == "1"
    await asyncio.sleep(0.5)
    assert not await passes(limiter, limits)
    await asyncio.sleep(0.5)
    assert await passes(limiter, limits)


async def test_redis_down_still_limits(nowhere: Settings) -> None:
    """C-56, F-10."""
    async with open_cache(nowhere) as down:
        limiter = Limiter(nowhere, down)
        assert [await passes(limiter, [limit(3)]) for _ in range(5)] == [True] * 3 + [False] * 2
        with pytest.raises(RATE_LIMITED) as refused:
            await limiter.charge([limit(3)])
    assert abs(int(refused.value.headers["retry-after"]) - DAY / 3) < 5


def test_memory_is_bounded_and_forgets_first_what_is_full_again_first(
    limiter: Limiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MEMORY_KEYS", 100)
    for _ in range(5):
        limiter._in_memory([limit(5, key="busy")], 1000.0)
    for index in range(1000):
        limiter._in_memory([limit(1000, key=str(index))], 1000.0)
        assert len(limiter._memory) <= 101
    assert not limiter._in_memory([limit(5, key="busy")], 1000.0).allowed


# What counts against what


def test_a_request_counts_against_everybodys_rate_and_its_routes(settings: Settings) -> None:
    limiter = Limiter(
        msgspec.structs.replace(
            settings,
            rate_limit_anonymous=Rate(100, 3600),
            rate_limit_signed_in=Rate(1000, 3600),
            rate_limit_credentials=1.0,
        ),
        NOWHERE,
    )
    route = Rate(20, 60)
    assert limiter.limits_for("POST /x", route, "192.0.2.1", None) == [
        Limit("limit:all:192.0.2.1", "all", Rate(100, 3600)),
        Limit("limit:POST /x:192.0.2.1", "route", route),
    ]
    assert limiter.limits_for("POST /x", route, "192.0.2.1", "ada") == [
        Limit("limit:all:ada", "all", Rate(1000, 3600)),
        Limit("limit:POST /x:ada", "route", route),
    ]
    assert [one.name for one in limiter.limits_for("GET /x", None, None, None)] == ["all"]


@pytest.mark.parametrize(("factor", "count"), [(1.0, 20), (2.5, 50), (0.1, 2), (0.001, 1), (None, None)])
def test_one_switch_scales_or_lifts_every_limit_on_a_route(
    settings: Settings, factor: float | None, count: int | None
) -> None:
    limiter = Limiter(msgspec.structs.replace(settings, rate_limit_credentials=factor), NOWHERE)
    found = limiter.limits_for("POST /x", Rate(20, 60), "192.0.2.1", None)
    assert [one.rate.count for one in found] == ([] if count is None else [count])


async def test_no_limit_asks_nobody_and_tells_nothing(nowhere: Settings) -> None:
    async with open_cache(nowhere) as down:
        assert await Limiter(nowhere, down).charge([]) == {}


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
def test_a_subscriber_is_an_ipv4_address_or_an_ipv6_64(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_the_headers_tell_of_the_nearest_limit() -> None:
    told = Verdict(True, limit(20, 60, "limit:route"), 7, 41.2, 0.0).headers()
    assert told["ratelimit-policy"] == '"route";q=20;w=60'
    assert told["ratelimit"] == '"route";r=7;t=42'
    assert (told["x-ratelimit-limit"], told["x-ratelimit-remaining"]) == ("20", "7")
    assert 40 <= int(told["x-ratelimit-reset"]) - math.floor(time.time()) <= 44
