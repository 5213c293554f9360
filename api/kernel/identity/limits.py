"""Rate limits, declared on the route line and counted by account, sign-in or address. All limits of a request are
checked and charged in one atomic round trip to Redis. If Redis is down, each process counts by itself, so limits stay
in force. windows.py does the counting."""

import asyncio
import contextlib
import hashlib
import ipaddress
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec

from api.kernel.data.cache import Cache, CacheUnavailable
from api.kernel.errors import RATE_LIMITED
from api.kernel.identity.calls import Call
from api.kernel.identity.windows import CHARGE, REFUND, Count, Memory
from api.kernel.settings import Rate, Settings

logger = logging.getLogger(__name__)

_SECOND = 1_000_000
"""In microseconds, the unit of a Count."""


class Policy(msgspec.Struct, frozen=True):
    """A rate and its public name."""

    name: str
    rate: Rate


NETWORK_BITS = (24, 56)
"""Prefix lengths for IPv4 and IPv6 that a single customer of a provider may control."""
AUTH_FAILURES = Policy("auth-failures", Rate(30, 900))
"""Refused tokens from one address."""


class Limit(msgspec.Struct, frozen=True):
    """A policy applied to one caller; `key` names its window."""

    key: str
    name: str
    rate: Rate
    strict: bool = False
    """Allow half as much when not counted in Redis."""


_FULL = Limit("quota:full", "full", Rate(0, 1))
"""Has no room: nothing is charged to the limits beside it."""


class Quota(msgspec.Struct, frozen=True):
    """A rate that replaces the general limit of a caller."""

    name: str
    """Its public name: ASCII without quotes, commas and semicolons."""
    rate: Rate
    window: str
    """Requests of one caller under quotas with the same window and period are counted together: replacing a quota by
    another of its window does not reset the count. `all` is the window of the general limit."""
    take: Callable[[], Awaitable[Call]] | None = None
    """Counts a call against a quota of a calendar day or month, beside the rate. Raises QUOTA_EXCEEDED."""


class Verdict(msgspec.Struct, frozen=True):
    """Whether a request was allowed, and the state of each of its limits afterwards."""

    allowed: bool
    limits: Sequence[Limit]
    counts: Sequence[Count]
    alone: bool = False
    """Counted in this process' memory."""

    def headers(self, described: str | None = None) -> dict[str, str]:
        """Return RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11) for all limits, and
        X-RateLimit-*, as the reference documents them, for the limit with the fewest requests left. `described` is the
        value of RateLimit-Policy if it names more than these limits."""
        if not self.limits:
            return {}
        pairs = list(zip(self.limits, self.counts, strict=True))
        limit, count = pairs[0] if len(pairs) == 1 else min(pairs, key=lambda each: each[1].left)
        return {
            "x-ratelimit-limit": str(limit.rate.count),
            "x-ratelimit-remaining": str(count.left),
            "x-ratelimit-reset": str(math.ceil(time.time() + count.full / _SECOND)),
            "ratelimit-policy": described or describe(self.limits),
            "ratelimit": ", ".join(
                [f'"{limit.name}";r={count.left};t={math.ceil(count.more / _SECOND)}' for limit, count in pairs]
            ),
        }

    def refusal(self) -> RATE_LIMITED:
        """Return the error if the request was refused. Retry-After is the time until every limit has room again."""
        spent = [(limit, count) for limit, count in zip(self.limits, self.counts, strict=True) if count.left == 0]
        wait = max(math.ceil(count.more / _SECOND) for _, count in spent)
        refusal = RATE_LIMITED(headers={**self.headers(), "retry-after": str(max(1, wait))})
        refusal.violated_policies = [limit.name for limit, _ in spent]
        return refusal


def describe(policies: Iterable[Policy | Limit]) -> str:
    """Return the value of RateLimit-Policy."""
    return ", ".join([f'"{each.name}";q={each.rate.count};w={each.rate.period}' for each in policies])


def merge(first: str, then: str) -> str:
    """Merge two values of RateLimit; the later one wins for a policy in both."""
    items = {item.partition(";")[0]: item for item in f"{first}, {then}".split(", ")}
    return ", ".join(items.values())


class Limiter:
    def __init__(self, settings: Settings, cache: Cache) -> None:
        self._cache = cache
        self._anonymous = settings.rate_limit_anonymous
        self._signed_in = settings.rate_limit_signed_in
        self._factor = settings.rate_limit_credentials
        self._memory = Memory()
        self._asking: list[tuple[Sequence[Limit], asyncio.Future[Verdict]]] = []
        self._flight: asyncio.Task[None] | None = None

    def general(self, known: str | None, address: str | None, quota: Quota | None = None) -> list[Limit]:
        """Return the limit on every request, by caller if known, otherwise by address. A quota replaces that of a known
        caller."""
        if known and quota:
            general, period = self._signed_in, quota.rate.period
            # A window forgets requests that are older than its period, so that each period needs a window of its own.
            shares = quota.window == "all" and general is not None and general.period == period
            return [Limit(f"quota:{'all' if shares else f'{quota.window}/{period}'}:{known}", quota.name, quota.rate)]
        if known:
            return [Limit(f"quota:all:{known}", "all", self._signed_in)] if self._signed_in else []
        return [Limit(f"quota:all:{network_of(address)}", "all", self._anonymous)] if self._anonymous else []

    def own(self, policy: Policy, known: str | None, address: str | None) -> list[Limit]:
        """Return the limit declared on a route line."""
        origin = known or network_of(address)
        return [Limit(f"quota:{each.name}:{origin}", each.name, each.rate) for each in self.scaled(policy)]

    def failures(self, address: str | None) -> list[Limit]:
        """Return the limit on refused tokens."""
        return self.credentials(AUTH_FAILURES, network_of(address))

    def credentials(self, policy: Policy, *whose: str) -> list[Limit]:
        """Return a limit on guessing, by account, device or network. The key is hashed, because the input may be a
        mistyped password."""
        key = hashlib.sha256(msgspec.json.encode(whose)).hexdigest()[:32]
        return [Limit(f"quota:{each.name}:{key}", each.name, each.rate, strict=True) for each in self.scaled(policy)]

    def scaled(self, *policies: Policy) -> list[Policy]:
        """Return the policies scaled by RATE_LIMIT_CREDENTIALS; none if it is off."""
        factor = self._factor
        if factor is None:
            return []
        return [Policy(each.name, Rate(max(1, round(each.rate.count * factor)), each.rate.period)) for each in policies]

    async def charge(self, limits: Sequence[Limit]) -> Verdict:
        """Charge one request to each limit. Raises RATE_LIMITED with Retry-After if a limit has no room; then nothing
        is charged."""
        if not limits:
            return Verdict(True, (), ())
        verdict = await self._decide(limits)
        if not verdict.allowed:
            raise verdict.refusal()
        return verdict

    async def look(self, limits: Sequence[Limit]) -> Verdict:
        """Return the state of the limits without charging them."""
        if not limits:
            return Verdict(True, (), ())
        verdict = await self._decide([*limits, _FULL])
        return Verdict(True, limits, verdict.counts[:-1], alone=verdict.alone)

    async def refund(self, verdict: Verdict) -> None:
        """Return one request to each charged limit, when the request does not count against it."""
        pairs = list(zip(verdict.limits, verdict.counts, strict=True))
        if verdict.alone:
            for limit, count in pairs:
                self._memory.refund(limit.key, count.at)
        elif pairs:
            numbers: list[str | float] = [number for limit, count in pairs for number in (count.at, limit.rate.period)]
            with contextlib.suppress(CacheUnavailable):
                _log_deleted(await self._cache.evaluate(REFUND, [limit.key for limit in verdict.limits], numbers))

    async def forget(self, limits: Sequence[Limit]) -> None:
        """Delete the counts in Redis. Raises CacheUnavailable. Counts in a process' memory, made while Redis was down,
        remain until they expire."""
        if limits:
            await self._cache.execute("DEL", *(limit.key for limit in limits))

    async def _decide(self, limits: Sequence[Limit]) -> Verdict:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Verdict] = loop.create_future()
        self._asking.append((limits, answer))
        if self._flight is None:
            self._flight = loop.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        """Send one round trip at a time for all pending requests: under load, the Redis client is the bottleneck."""
        try:
            while self._asking:
                asking, self._asking = self._asking, []
                try:
                    verdicts = await self._in_redis([limits for limits, _ in asking])
                except CacheUnavailable:
                    verdicts = [self._in_memory(limits, time.monotonic()) for limits, _ in asking]
                except Exception as error:  # noqa: BLE001  # a bug; raised to every waiter
                    for _, answer in asking:
                        if not answer.done():
                            answer.set_exception(error)
                    continue
                for (_, answer), verdict in zip(asking, verdicts, strict=True):
                    if not answer.done():  # the caller may be cancelled
                        answer.set_result(verdict)
        finally:
            self._flight = None

    async def _in_redis(self, asked: list[Sequence[Limit]]) -> list[Verdict]:
        numbers: list[str | float] = []
        for limits in asked:
            numbers.append(len(limits))
            for limit in limits:
                numbers += (limit.rate.count, limit.rate.period)
        keys = [limit.key for limits in asked for limit in limits]
        reply = await self._cache.evaluate(CHARGE, keys, numbers)
        verdicts = []
        try:
            *answers, deleted = reply
            for limits, (allowed, *counts) in zip(asked, answers, strict=True):
                each = [Count(*counts[at : at + 4]) for at in range(0, len(counts), 4)]
                verdicts.append(Verdict(bool(allowed), limits, each))
        except (TypeError, ValueError):
            logger.exception("the reply to a charge is not of its script")
            raise CacheUnavailable from None
        _log_deleted(deleted)
        return verdicts

    def _in_memory(self, limits: Sequence[Limit], now: float) -> Verdict:
        asked = [(limit.key, _local_count(limit), limit.rate.period) for limit in limits]
        allowed, counts = self._memory.charge(asked, now)
        return Verdict(allowed, limits, counts, alone=True)


def _log_deleted(deleted: list[bytes]) -> None:
    for key in deleted:
        fields = {"key": key.decode(), "reason": "not a window"}
        logger.warning("unusable value in redis deleted", extra={"fields": fields})


def _local_count(limit: Limit) -> int:
    """Return the number of requests that a process allows when it counts by itself; half for strict limits, because
    several processes add up."""
    return max(1, limit.rate.count // 2) if limit.strict else limit.rate.count


def network_of(address: str | None, bits: tuple[int, int] = (32, 64)) -> str:
    """Return an address' network with the given prefix lengths for IPv4 and IPv6. The default is the IPv4 address
    itself and the IPv6 /64, which belongs to a single subscriber; see also NETWORK_BITS."""
    try:
        plain = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address if address and ":" not in address else "unknown"
    if bits[plain.version == 6] == plain.max_prefixlen:
        return str(plain)
    return str(ipaddress.ip_network((plain, bits[plain.version == 6]), strict=False))
