"""Rates, counted in Redis by address or principal and declared on the route line. All the limits of a request are
checked and charged in one atomic round trip; with Redis down each process counts for itself, so a limit never just
disappears."""

import asyncio
import contextlib
import hashlib
import heapq
import ipaddress
import logging
import math
import time

import msgspec

from api.kernel.cache import Cache, CacheUnavailable, Script
from api.kernel.errors import RATE_LIMITED
from api.kernel.settings import Rate, Settings

logger = logging.getLogger(__name__)

# The generic cell rate algorithm (ITU-T I.371): one number a key, the time at which its bucket will be empty again. A
# refused request charges nothing. Asked for several requests at once, each `how many limits, count, period, count …`;
# answers for each {allowed, which limit is nearest, how many are left, until full again, until the next one}.
#
# A value that is not a time within a day, the longest period, is deleted and counts as none: a script that failed would
# fail all requests that ask together. The answer ends with the keys of such values.
_KEPT = """
local healed = {}
local function kept(key, now)
  local value = redis.pcall('GETRANGE', key, 0, 40)
  local tat = type(value) == 'string' and tonumber(value) or 0
  if value ~= '' and not (tat > 0 and tat <= now + 86401) then
    redis.call('DEL', key)
    healed[#healed + 1] = key
    return 0
  end
  return tat
end
"""
_GCRA = Script(
    _KEPT
    + """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local function charge(first, many, at)
  local tats, nearest, left = {}, 1, math.huge
  for i = 1, many do
    local count, period = tonumber(ARGV[at + 2 * i - 1]), tonumber(ARGV[at + 2 * i])
    local tat = math.max(kept(KEYS[first + i], now), now) + period / count
    if tat - period > now + 1e-6 then
      return {0, i, 0, tostring(tat - period / count - now), tostring(tat - period - now)}
    end
    local remaining = math.floor((period - (tat - now)) * count / period + 1e-6)
    if remaining < left then nearest, left = i, remaining end
    tats[i] = tat
  end
  for i, tat in ipairs(tats) do
    redis.call('SET', KEYS[first + i], string.format('%.6f', tat), 'PX', math.ceil((tat - now) * 1000))
  end
  return {1, nearest, left, tostring(tats[nearest] - now), '0'}
end
local answers, first, at = {}, 0, 1
while at <= #ARGV do
  local many = tonumber(ARGV[at])
  answers[#answers + 1] = charge(first, many, at)
  first, at = first + many, at + 1 + 2 * many
end
answers[#answers + 1] = healed
return answers
"""
)
_REFUND = Script(
    _KEPT
    + """
local time = redis.call('TIME')
for i, key in ipairs(KEYS) do
  local tat = kept(key, time[1] + time[2] / 1e6)
  if tat > 0 then
    redis.call('SET', key, string.format('%.6f', tat - tonumber(ARGV[2 * i]) / tonumber(ARGV[2 * i - 1])), 'KEEPTTL')
  end
end
return healed
"""
)
_MEMORY_KEYS = 10_000


class Limit(msgspec.Struct, frozen=True):
    """A rate for whom: `key` names the bucket, `name` the policy that a client is told of."""

    key: str
    name: str
    rate: Rate
    strict: bool = False
    """Allows half as much where it is not counted in Redis."""


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
    def __init__(self, settings: Settings, cache: Cache) -> None:
        self._cache = cache
        self._anonymous = settings.rate_limit_anonymous
        self._signed_in = settings.rate_limit_signed_in
        self._factor = settings.rate_limit_credentials
        self._memory: dict[str, float] = {}
        self._asking: list[tuple[list[Limit], asyncio.Future[Verdict]]] = []
        self._flight: asyncio.Task[None] | None = None

    def limits_for(self, route: str, rate: Rate | None, address: str | None, principal: str | None) -> list[Limit]:
        """The limits a request counts against: everybody's, and the route's own where its line has one."""
        who = principal or network_of(address)
        everybody = self._signed_in if principal else self._anonymous
        limits = [Limit(f"limit:all:{who}", "all", everybody)] if everybody else []
        if rate and self._factor:
            limits.append(Limit(f"limit:{route}:{who}", "route", self._scaled(rate)))
        return limits

    def credentials(self, what: str, rate: Rate, *whose: str) -> list[Limit]:
        """A limit on guessing, apart from the routes': by account, device or network. None where RATE_LIMIT_CREDENTIALS
        is off. The key is hashed: what people type there may be a password."""
        if not self._factor:
            return []
        key = hashlib.sha256(msgspec.json.encode(whose)).hexdigest()[:32]
        return [Limit(f"limit:{what}:{key}", what, self._scaled(rate), strict=True)]

    def _scaled(self, rate: Rate) -> Rate:
        return Rate(max(1, round(rate.count * (self._factor or 1))), rate.period)

    async def charge(self, limits: list[Limit]) -> dict[str, str]:
        """Charge one request to each limit; the headers to tell of the nearest one. Raises RATE_LIMITED, with
        Retry-After."""
        if not limits:
            return {}
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Verdict] = loop.create_future()
        self._asking.append((limits, answer))
        if self._flight is None:
            self._flight = loop.create_task(self._ask())
        verdict = await answer
        if not verdict.allowed:
            raise RATE_LIMITED(
                headers={**verdict.headers(), "retry-after": str(max(1, math.ceil(verdict.retry_after)))}
            )
        return verdict.headers()

    async def refund(self, limits: list[Limit]) -> None:
        """Give one request back to each limit: it was not what the limit is against."""
        if not limits:
            return
        numbers: list[str | float] = [number for limit in limits for number in (limit.rate.count, limit.rate.period)]
        with contextlib.suppress(CacheUnavailable):
            _tell(await self._cache.evaluate(_REFUND, [limit.key for limit in limits], numbers))
        for limit in limits:
            if limit.key in self._memory:
                self._memory[limit.key] -= limit.rate.period / _alone(limit)

    async def _ask(self) -> None:
        """One round trip at a time, for all who asked meanwhile: under load it is Redis' client that costs."""
        try:
            while self._asking:
                asking, self._asking = self._asking, []
                try:
                    verdicts = await self._in_redis([limits for limits, _ in asking])
                except CacheUnavailable:
                    verdicts = [self._in_memory(limits, time.monotonic()) for limits, _ in asking]
                except Exception as error:  # a mistake of ours; told to each, or they would wait for ever
                    for _, answer in asking:
                        answer.set_exception(error)
                    raise
                for (_, answer), verdict in zip(asking, verdicts, strict=True):
                    if not answer.done():  # whoever asked may be gone
                        answer.set_result(verdict)
        finally:
            self._flight = None

    async def _in_redis(self, asked: list[list[Limit]]) -> list[Verdict]:
        numbers: list[str | float] = []
        for limits in asked:
            numbers.append(len(limits))
            for limit in limits:
                numbers += (limit.rate.count, limit.rate.period)
        keys = [limit.key for limits in asked for limit in limits]
        *answers, healed = await self._cache.evaluate(_GCRA, keys, numbers)
        _tell(healed)
        verdicts = []
        for limits, answer in zip(asked, answers, strict=True):
            allowed, nearest, remaining, reset, retry = map(float, answer)
            verdicts.append(Verdict(bool(allowed), limits[int(nearest) - 1], int(remaining), reset, retry))
        return verdicts

    def _in_memory(self, limits: list[Limit], now: float) -> Verdict:
        if len(self._memory) > _MEMORY_KEYS:  # forget those that are full again first
            self._memory = dict(heapq.nlargest(_MEMORY_KEYS // 2, self._memory.items(), key=lambda item: item[1]))
        verdicts: list[Verdict] = []
        tats: dict[str, float] = {}
        for limit in limits:
            count, period = _alone(limit), limit.rate.period
            tat = max(self._memory.get(limit.key, 0.0), now) + period / count
            if tat - period > now + 1e-6:
                return Verdict(False, limit, 0, tat - period / count - now, tat - period - now)
            remaining = math.floor((period - (tat - now)) * count / period + 1e-6)
            verdicts.append(Verdict(True, limit, remaining, tat - now, 0.0))
            tats[limit.key] = tat
        self._memory |= tats
        return min(verdicts, key=lambda verdict: verdict.remaining)


def _tell(healed: list[bytes]) -> None:
    for key in healed:
        fields = {"key": key.decode(), "reason": "it is not a time"}
        logger.warning("redis held a value that cannot be used", extra={"fields": fields})


def _alone(limit: Limit) -> int:
    """How many a process allows that counts alone; half as much where several of them must not add up."""
    return max(1, limit.rate.count // 2) if limit.strict else limit.rate.count


def network_of(address: str | None, bits: tuple[int, int] = (32, 64)) -> str:
    """An address' network of so many bits, for IPv4 and for IPv6: an IPv4 address itself and an IPv6 address' /64,
    which a single subscriber owns, or (24, 56) for what one customer of a provider may have."""
    try:
        plain = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address if address and ":" not in address else "unknown"
    if bits[plain.version == 6] == plain.max_prefixlen:
        return str(plain)
    return str(ipaddress.ip_network((plain, bits[plain.version == 6]), strict=False))
