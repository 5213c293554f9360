"""Redis, for data that may be lost: get, set, delete, the `cached` decorator with single flight, and invalidation.
`shared` does the same within the process. Redis being down is a miss and never an error; after a few failures a circuit
breaker skips Redis for a moment, so that no caller waits for an unavailable server."""

import asyncio
import contextlib
import functools
import hashlib
import inspect
import logging
import time
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

import msgspec
from opentelemetry.trace import SpanKind
from redis.exceptions import NoScriptError, RedisError, ResponseError

from api.kernel.data.pipelined import Pipeline
from api.kernel.data.redis_server import redis_options, redis_remedy, tls_remedy
from api.kernel.settings import Settings
from api.kernel.telemetry import span
from api.kernel.telemetry.outages import Outage, words_of

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

CALL_SECONDS = 0.25
MAX_VALUE_BYTES = 1024 * 1024
BREAKER_FAILURES = 5
BREAKER_SECONDS = 2.0
PROBE_PAUSE_SECONDS = 30.0
"""Minimum time between two probes for TLS while the server fails."""


class CacheUnavailable(Exception):
    """Redis does not answer, failed recently, or has no usable value. Every caller has a fallback. `remedy` names the
    setting to correct, if a misconfiguration is the cause."""

    def __init__(self, remedy: str | None = None) -> None:
        super().__init__(remedy or "")
        self.remedy = remedy


class Cache:
    """A Redis client with short timeouts. Values are bytes; writers namespace their keys."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._pipeline = Pipeline(options, CALL_SECONDS)
        self._failures = 0
        self._failure: Exception | None = None
        self._closed_until = 0.0
        self._outage = Outage("redis", logger)
        self._remedy: str | None = None
        self._probe: asyncio.Task[None] | None = None
        self._probe_due = 0.0
        self._mismatch: str | None = None
        self.flights: dict[str, asyncio.Task[Any]] = {}

    async def execute(self, *command: str | bytes | float) -> Any:
        """Run one Redis command in one round trip, and return the reply as Redis sends it. Raises CacheUnavailable
        within CALL_SECONDS; also if the key holds a value of another type, which is deleted."""
        if self._failures >= BREAKER_FAILURES and time.monotonic() < self._closed_until:
            raise CacheUnavailable(self._remedy)
        # After the pause one caller probes Redis; the others skip it until there is an answer.
        self._closed_until = time.monotonic() + BREAKER_SECONDS
        try:
            attributes = {"db.system.name": "redis", "db.operation.name": str(command[0])}
            with span(f"redis {command[0]!s}", SpanKind.CLIENT, attributes=attributes):
                answer = await self._pipeline.execute(*command)
        except NoScriptError:
            self._answered()
            raise
        except ResponseError as error:
            if not str(error).startswith("WRONGTYPE") or command[0] in ("EVAL", "EVALSHA"):
                raise self._failed(error) from None
            self._answered()
            await self.discard(str(command[1]), "wrong type")
            raise CacheUnavailable from None
        except (RedisError, OSError, TimeoutError) as error:
            raise self._failed(error) from None
        self._answered()
        return answer

    async def explain(self) -> str | None:
        """Probe the port and return the remedy if Redis does not answer; None if it may just be down. Takes at most
        PROBE_SECONDS of outages.py."""
        if self._probe:
            await asyncio.shield(self._probe)
        return self._remedy or self._mismatch

    async def close(self) -> None:
        """Close the connections."""
        if self._probe:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._pipeline.close()

    def _answered(self) -> None:
        self._failures, self._failure, self._mismatch = 0, None, None

    def _failed(self, error: Exception) -> CacheUnavailable:
        if error is not self._failure:  # a lost connection counts once, however many commands were on their way
            self._failures += 1
        self._failure = error
        self._remedy = redis_remedy(error)
        if self._remedy is None and time.monotonic() > self._probe_due:
            # Callers do not wait for the probe: they have a fallback.
            self._probe_due = time.monotonic() + PROBE_PAUSE_SECONDS
            self._probe = asyncio.create_task(self._probe_port())
        self._remedy = self._remedy or self._mismatch
        self._outage.tell(words_of(error), self._remedy)
        return CacheUnavailable(self._remedy)

    async def _probe_port(self) -> None:
        self._mismatch = await tls_remedy(self._options)

    async def discard(self, key: str, reason: str) -> None:
        """Delete an unusable value. All data in Redis can be recreated."""
        logger.warning("unusable value in redis deleted", extra={"fields": {"key": key, "reason": reason}})
        await self.delete(key)

    async def read_hash(self, key: str, kind: type[T], most: int) -> list[T]:
        """Return the values of a hash, which are JSON. Returns none and deletes the hash if it has more than `most`
        fields or an invalid value, such as one of another release. Raises CacheUnavailable."""
        if await self.execute("HLEN", key) > most:
            await self.discard(key, "it has too many fields")
            return []
        try:
            return [msgspec.json.decode(value, type=kind) for value in await self.execute("HVALS", key)]
        except (msgspec.DecodeError, RecursionError):
            await self.discard(key, "it cannot be decoded")
            return []

    async def evaluate(self, script: "Script", keys: list[str], arguments: list[str | float]) -> Any:
        """Run a Lua script atomically. Its text is sent only if Redis does not know it yet."""
        tail = (len(keys), *keys, *arguments)
        try:
            return await self.execute("EVALSHA", script.sha, *tail)
        except NoScriptError:
            return await self.execute("EVAL", script.text, *tail)

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None if it is missing, empty or larger than MAX_VALUE_BYTES, or if Redis is down."""
        with contextlib.suppress(CacheUnavailable):
            value: bytes = await self.execute("GETRANGE", key, 0, MAX_VALUE_BYTES)
            if len(value) <= MAX_VALUE_BYTES:
                return value or None
            await self.discard(key, "too large")
        return None

    async def set(self, key: str, value: bytes, seconds: float) -> None:
        """Store the value for the given number of seconds."""
        with contextlib.suppress(CacheUnavailable):
            await self.execute("SET", key, value, "PX", int(seconds * 1000))

    async def delete(self, *keys: str) -> None:
        with contextlib.suppress(CacheUnavailable):
            await self.execute("DEL", *keys)


class Script:
    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class HasCache(Protocol):
    @property
    def cache(self) -> Cache: ...


C = TypeVar("C", bound=HasCache)


class Cached(Generic[C, P, R]):
    """A function whose results are cached. Call it as before; `invalidate` with the same arguments drops a result."""

    def __init__(self, function: Callable[Concatenate[C, P], Awaitable[R]], seconds: float) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._seconds = seconds
        self._signature = inspect.signature(function)
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._decoder = msgspec.json.Decoder(typing.get_type_hints(function)["return"])

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Return the cache key, equal in every process and after every restart, however the arguments are passed: no
        `hash()`, no `repr` of an object."""
        bound = self._signature.bind(None, *args, **kwargs)
        bound.apply_defaults()
        arguments = msgspec.json.encode([*bound.arguments.values()][1:], order="deterministic")
        return f"cached:{self._name}:{hashlib.sha256(arguments).hexdigest()[:32]}"

    async def __call__(self, context: C, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the cached result, or call the function. Concurrent misses share one call."""
        key = self.key(*args, **kwargs)
        return await _join(context.cache.flights, key, lambda: self._load(context, key, *args, **kwargs))

    async def invalidate(self, context: C, *args: P.args, **kwargs: P.kwargs) -> None:
        """Drop a cached result. Call it after the commit; a concurrent reader may store the old result for up to
        `seconds`."""
        key = self.key(*args, **kwargs)
        context.cache.flights.pop(key, None)
        await context.cache.delete(key)

    async def _load(self, context: C, key: str, *args: P.args, **kwargs: P.kwargs) -> R:
        kept = await context.cache.get(key)
        if kept is not None:
            try:
                return typing.cast(R, self._decoder.decode(kept))
            except (msgspec.DecodeError, RecursionError):  # e.g. written by a release with another type
                await context.cache.discard(key, "it cannot be decoded")
        value = await self._function(context, *args, **kwargs)
        await context.cache.set(key, msgspec.json.encode(value), self._seconds)
        return value


def cached(seconds: float) -> Callable[[Callable[Concatenate[C, P], Awaitable[R]]], Cached[C, P, R]]:
    """Cache the results of an async function for so many seconds, keyed by its arguments after the context."""
    return lambda function: Cached(function, seconds)


async def shared(context: C, seconds: float, ask: Callable[[C], Coroutine[Any, Any, R]]) -> R:
    """Return the result of `ask`, cached in this process for so many seconds. Concurrent callers share one call. Its
    exception is raised to all of them and not cached."""
    key = f"shared:{ask.__module__}.{ask.__qualname__}"
    return await _join(context.cache.flights, key, lambda: ask(context), seconds)


async def _join(
    flights: dict[str, asyncio.Task[Any]], key: str, load: Callable[[], Coroutine[Any, Any, R]], seconds: float = 0
) -> R:
    """Join the flight with this key or start one, which others may join until so many seconds after its end. A failed
    flight cannot be joined after its end."""
    flight = flights.get(key)
    if flight is None:
        flight = flights[key] = asyncio.create_task(load())
        flight.add_done_callback(functools.partial(_landed, flights, key, seconds))
    # Shielded: a cancelled caller must not cancel the call for the others.
    return typing.cast(R, await asyncio.shield(flight))


def _landed(flights: dict[str, asyncio.Task[Any]], key: str, seconds: float, flight: asyncio.Task[Any]) -> None:
    failed = flight.cancelled() or flight.exception()  # retrieved here, because no caller may be left
    if seconds and not failed:
        flight.get_loop().call_later(seconds, _forget, flights, key, flight)
    else:
        _forget(flights, key, flight)


def _forget(flights: dict[str, asyncio.Task[Any]], key: str, flight: asyncio.Task[Any]) -> None:
    if flights.get(key) is flight:
        del flights[key]


@contextlib.asynccontextmanager
async def open_cache(settings: Settings) -> AsyncIterator[Cache]:
    """Open the client for the process' lifetime. Connects at first use, so that a process starts without Redis."""
    cache = Cache(redis_options(settings))
    try:
        yield cache
    finally:
        await cache.close()
