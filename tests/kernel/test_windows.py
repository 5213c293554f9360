"""Sliding windows: never more than the quota in any period, by the same algorithm in Redis and in memory."""

import asyncio
import json
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from api.kernel.data.cache import Cache, Script
from api.kernel.identity import windows
from api.kernel.identity.limits import Limit, Limiter
from api.kernel.identity.windows import CELLS, CHARGE, REFUND, Count, Memory
from api.kernel.settings import Rate, Settings

SECOND = 1_000_000
RATES = st.tuples(st.integers(1, 200), st.sampled_from([60, 900, 3600]))
STEPS = st.lists(st.one_of(st.just(0.0), st.floats(0, 0.2), st.sampled_from([1 / CELLS, 0.5, 1.0])), max_size=150)


class Log:
    """The admitted and not refunded requests: an exact log, in microseconds."""

    def __init__(self, count: int, period: int) -> None:
        self.count, self.period, self.times = count, period * SECOND, list[int]()

    def holds(self) -> bool:
        """Check that no window [t, t + period) holds more than the quota; windows that start with a request are
        enough."""
        times = sorted(self.times)
        return all(last - first >= self.period for first, last in zip(times, times[self.count :], strict=False))

    def used(self, now: int, beyond: float = 0.0) -> int:
        return sum(now - self.period * (1 + beyond) < time <= now for time in self.times)


class Remembering:
    """The algorithm in memory, with the test's clock."""

    def __init__(self, count: int, period: int) -> None:
        self.memory, self.rate, self.now = Memory(), (count, period), 1_764_000_000 * SECOND

    async def charge(self, key: str = "k") -> tuple[bool, Count]:
        allowed, [count] = self.memory.charge([(key, *self.rate)], self.now / SECOND)
        return allowed, count

    async def refund(self, at: int) -> None:
        self.memory.refund("k", at)

    async def wait(self, microseconds: int) -> None:
        self.now += microseconds


class InRedis:
    """The scripts in Redis, with the test's clock instead of Redis'."""

    def __init__(self, cache: Cache, count: int, period: int) -> None:
        self.cache, self.rate, self.now = cache, (count, period), 1_764_000_000 * SECOND
        self.script = Script(CHARGE.text.replace("redis.call('TIME')", "cjson.decode(KEYS[#KEYS])"))

    async def charge(self, key: str = "k") -> tuple[bool, Count]:
        clock = json.dumps([str(part) for part in divmod(self.now, SECOND)])
        [allowed, *count], _ = await self.cache.evaluate(self.script, [key, clock], [1, *self.rate])
        return bool(allowed), Count(*count)

    async def refund(self, at: int) -> None:
        await self.cache.evaluate(REFUND, ["k"], [at, self.rate[1]])

    async def wait(self, microseconds: int) -> None:
        self.now += microseconds


async def drive(window: Remembering | InRedis, steps: list[float]) -> None:
    """Charge at random times. Checks each answer, and that the admitted requests respect the quota."""
    count, period = window.rate
    log = Log(count, period)
    for step in steps:
        await window.wait(int(step * period * SECOND))
        allowed, told = await window.charge()
        if allowed:
            log.times.append(window.now)
            assert log.holds()
            assert told.left <= count - log.used(window.now), "never more than the quota"
            assert told.full == period * SECOND
        else:
            assert told.left == 0
            assert log.used(window.now, 1 / CELLS) >= count, "refused at most a CELLS-th of the period too long"
        assert 0 < told.more <= period * SECOND


@given(RATES, STEPS)
@examples(deadline=None)
async def test_no_period_holds_more_than_the_quota(rate: tuple[int, int], steps: list[float]) -> None:
    """C-165."""
    await drive(Remembering(*rate), steps)


@given(RATES, STEPS)
@examples(deadline=None)
async def test_the_remaining_quota_passes_and_one_more_after_the_wait(
    rate: tuple[int, int], steps: list[float]
) -> None:
    """C-166: the reported values are exact."""
    window = Remembering(*rate)
    for step in steps:
        await window.wait(int(step * rate[1] * SECOND))
        _, told = await window.charge()
    allowed, told = await window.charge()
    for left in range(told.left - 1, -1, -1) if allowed else ():
        assert (await window.charge())[1].left == left
    refused, told = await window.charge()
    assert (refused, told.left) == (False, 0)
    await window.wait(told.more - 1)
    assert not (await window.charge())[0]
    await window.wait(1)
    assert (await window.charge())[0]


@given(st.integers(1, 1000), st.lists(st.integers(0, 3600 * SECOND), min_size=1, max_size=300))
def test_a_window_has_a_bounded_number_of_cells(count: int, waits: list[int]) -> None:
    """C-165."""
    memory, now = Memory(), 0
    for wait in waits:
        now += wait // 100
        memory.charge([("k", count, 3600)], now / SECOND)
        assert len(memory.windows["k"].cells) <= CELLS + 1


async def test_ten_thousand_calls_in_redis_and_in_memory(cache: Cache) -> None:
    """C-165, C-166: the two agree in every answer, and refunds apply to their own request."""
    dice = random.Random(9)
    for count, period in ((1, 60), (7, 60), (100, 60), (100, 3600), (5000, 3600)):
        await cache.execute("FLUSHDB")
        memory, redis, log = Remembering(count, period), InRedis(cache, count, period), Log(count, period)
        under_way: list[int] = []
        for _ in range(2000):
            wait = dice.choice([0, 0, 1, dice.randrange(period * SECOND // max(1, count // 2))])
            await memory.wait(wait)
            await redis.wait(wait)
            if under_way and dice.random() < 0.2:
                at = under_way.pop(dice.randrange(len(under_way)))
                await memory.refund(at)
                await redis.refund(at)
                if at in log.times:
                    log.times.remove(at)
                continue
            answer = await memory.charge()
            assert await redis.charge() == answer
            if answer[0]:
                log.times.append(redis.now)
                under_way = [*under_way[-20:], answer[1].at]
        assert log.holds()
        assert await cache.execute("LLEN", "k") <= 2 * (CELLS + 1) + 1


@pytest.mark.parametrize("kind", ["memory", "redis"])
async def test_a_lower_quota_keeps_the_count_and_reports_the_wait(kind: str, cache: Cache) -> None:
    """C-166: alternating between two plans gives no fresh quota."""
    window = Remembering(10, 60) if kind == "memory" else InRedis(cache, 10, 60)
    for _ in range(10):
        assert (await window.charge())[0]
        await window.wait(2 * SECOND)
    window.rate = (4, 60)
    allowed, told = await window.charge()
    assert (allowed, told.left) == (False, 0)
    await window.wait(told.more - 1)
    assert not (await window.charge())[0]
    await window.wait(1)
    assert (await window.charge())[0]
    window.rate = (20, 60)
    assert (await window.charge())[0]


@pytest.mark.parametrize("kind", ["memory", "redis"])
async def test_a_clock_set_back_admits_no_more(kind: str, cache: Cache) -> None:
    """C-165."""
    window = Remembering(3, 60) if kind == "memory" else InRedis(cache, 3, 60)
    assert [(await window.charge())[0] for _ in range(2)] == [True, True]
    await window.wait(-600 * SECOND)
    assert [(await window.charge())[0] for _ in range(2)] == [True, False]


def test_memory_is_bounded_and_evicts_idle_windows_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_MEMORY_KEYS", 100)
    memory = Memory()
    for _ in range(5):
        memory.charge([("busy", 5, 86400)], 1000.0)
    for index in range(1000):
        memory.charge([(str(index), 1000, 60)], 1000.0)
        assert len(memory.windows) <= 101
    assert not memory.charge([("busy", 5, 86400)], 1000.0)[0]


CALLER = """
import asyncio, sys
from api.kernel.data import cache as module
from api.kernel.data.cache import open_cache
from api.kernel.errors import RATE_LIMITED
from api.kernel.identity.limits import Limit, Limiter
from api.kernel.settings import Rate, load

async def passes(limiter):
    try:
        await limiter.charge([Limit("quota:shared", "shared", Rate(100, 60))])
    except RATE_LIMITED:
        return False
    return True

async def main():
    module.CALL_SECONDS = 60  # a busy machine is not a Redis that is down
    settings = load()
    async with open_cache(settings) as cache:
        limiter = Limiter(settings, cache)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(sum(await asyncio.gather(*(passes(limiter) for _ in range(200)))), flush=True)

asyncio.run(main())
"""


async def test_ten_processes_with_two_hundred_calls_each_get_exactly_the_quota(
    environment: dict[str, str], cache: Cache, root: Path
) -> None:
    """C-165: at 100 a minute exactly 100 of 2,000 pass."""
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", CALLER, stdin=pipe, stdout=pipe, cwd=root, env=environment
        )
        for _ in range(10)
    ]
    try:
        for process in processes:
            assert process.stdout
            assert await process.stdout.readline() == b"ready\n"
        answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert sum(int(out) for out, _ in answers) == 100


async def test_a_client_that_waits_for_the_retry_after_is_never_refused(settings: Settings, cache: Cache) -> None:
    """C-166: by Redis' own clock."""
    limiter, limits = Limiter(settings, cache), [Limit("quota:slow", "slow", Rate(3, 1))]
    verdict = await limiter.charge(limits)
    for _ in range(12):
        if verdict.counts[0].left == 0:
            await asyncio.sleep(verdict.counts[0].more / SECOND)
        verdict = await limiter.charge(limits)
