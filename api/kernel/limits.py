"""Rates, counted in Redis by address or principal and declared on the route line. All the limits of a request are
checked and charged in one atomic round trip; with Redis down each process counts for itself, so a limit never just
disappears."""

import heapq
import ipaddress
import math
import time

import msgspec

from api.kernel.cache import Cache, CacheUnavailable, Script
from api.kernel.errors import RATE_LIMITED
from api.kernel.settings import Rate, Settings

# The generic cell rate algorithm (ITU-T I.371): one number a key, the time at which its bucket will be empty again. A
# refused request charges nothing. Answers {allowed, which limit is nearest, how many are left, until full again,
# until the next one}.
_GCRA = Script("""
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local tats, nearest, left = {}, 1, math.huge
for i, key in ipairs(KEYS) do
  local count, period = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local tat = math.max(tonumber(redis.call('GET', key) or 0), now) + period / count
  if tat - period > now + 1e-6 then
    return {0, i, 0, tostring(tat - period / count - now), tostring(tat - period - now)}
  end
  local remaining = math.floor((period - (tat - now)) * count / period + 1e-6)
  if remaining < left then nearest, left = i, remaining end
  tats[i] = tat
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.6f', tats[i]), 'PX', math.ceil((tats[i] - now) * 1000))
end
return {1, nearest, left, tostring(tats[nearest] - now), '0'}
""")
_MEMORY_KEYS = 10_000


class Limit(msgspec.Struct, frozen=True):
    """A rate for whom: `key` names the bucket, `name` the policy that a client is told of."""

    key: str
    name: str
    rate: Rate


class Verdict(msgspec.Struct, frozen=True):
    allowed: bool
    limit: Limit
    remaining: int
    reset: float
    """Seconds until the whole rate is there again."""
    retry_after: float

    def headers(self) -> dict[str, str]:
        """X-RateLimit-* as the reference documents them, RateLimit and RateLimit-Policy after the IETF draft."""
        rate, name, seconds = self.limit.rate, self.limit.name, math.ceil(self.reset)
        return {
            "x-ratelimit-limit": str(rate.count),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(math.ceil(time.time()) + seconds),
            "ratelimit-policy": f'"{name}";q={rate.count};w={rate.period}',
            "ratelimit": f'"{name}";r={self.remaining};t={seconds}',
        }


class Limiter:
    def __init__(self, settings: Settings) -> None:
        self._anonymous = settings.rate_limit_anonymous
        self._signed_in = settings.rate_limit_signed_in
        self._factor = settings.rate_limit_credentials
        self._memory: dict[str, float] = {}

    def limits_for(self, route: str, rate: Rate | None, address: str | None, principal: str | None) -> list[Limit]:
        """The limits a request counts against: everybody's, and the route's own where its line has one."""
        who = principal or network_of(address)
        everybody = self._signed_in if principal else self._anonymous
        limits = [Limit(f"limit:all:{who}", "all", everybody)] if everybody else []
        if rate and self._factor:
            scaled = Rate(max(1, round(rate.count * self._factor)), rate.period)
            limits.append(Limit(f"limit:{route}:{who}", "route", scaled))
        return limits

    async def check(self, cache: Cache, limits: list[Limit]) -> dict[str, str]:
        """Charge one request to each limit; the headers to tell of the nearest one. Raises RATE_LIMITED, with
        Retry-After."""
        if not limits:
            return {}
        try:
            numbers: list[str | float] = [
                number for limit in limits for number in (limit.rate.count, limit.rate.period)
            ]
            answer = await cache.evaluate(_GCRA, [limit.key for limit in limits], numbers)
            allowed, nearest, remaining, reset, retry = (float(value) for value in answer)
            verdict = Verdict(bool(allowed), limits[int(nearest) - 1], int(remaining), reset, retry)
        except CacheUnavailable:
            verdict = self._in_memory(limits, time.monotonic())
        if not verdict.allowed:
            raise RATE_LIMITED(
                headers={**verdict.headers(), "retry-after": str(max(1, math.ceil(verdict.retry_after)))}
            )
        return verdict.headers()

    def _in_memory(self, limits: list[Limit], now: float) -> Verdict:
        if len(self._memory) > _MEMORY_KEYS:  # forget those that are full again first
            self._memory = dict(heapq.nlargest(_MEMORY_KEYS // 2, self._memory.items(), key=lambda item: item[1]))
        verdicts: list[Verdict] = []
        tats: dict[str, float] = {}
        for limit in limits:
            count, period = limit.rate.count, limit.rate.period
            tat = max(self._memory.get(limit.key, 0.0), now) + period / count
            if tat - period > now + 1e-6:
                return Verdict(False, limit, 0, tat - period / count - now, tat - period - now)
            remaining = math.floor((period - (tat - now)) * count / period + 1e-6)
            verdicts.append(Verdict(True, limit, remaining, tat - now, 0.0))
            tats[limit.key] = tat
        self._memory |= tats
        return min(verdicts, key=lambda verdict: verdict.remaining)


def network_of(address: str | None) -> str:
    """An IPv4 address itself, an IPv6 address' /64: a single subscriber owns all of the latter."""
    if address and ":" in address:
        try:
            return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
        except ValueError:
            return "unknown"
    return address or "unknown"
