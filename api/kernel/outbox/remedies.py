"""Misconfigurations found by workers, stored in Redis for the web process, which answers /health/full. If Redis loses
them, the next failure stores them again."""

import time

import msgspec

from api.kernel.data.cache import Cache

_KEY = "workers:remedies"
KNOWN_SECONDS = 86_400
"""How long a remedy is reported that no worker has repeated or withdrawn."""
_MOST = 1_000
_LONGEST = 300


class _Remedy(msgspec.Struct, frozen=True, array_like=True):
    part: str
    text: str
    at: float


async def report_remedy(cache: Cache, part: str, detail: str, remedy: str | None) -> None:
    """Store the remedy of a check in /health/full, or remove it with None. A check has one for each `detail`, such as a
    topic. Raises CacheUnavailable."""
    field = f"{part} {detail}"
    if remedy is None:
        await cache.execute("HDEL", _KEY, field)
        return
    await cache.execute("HSET", _KEY, field, msgspec.json.encode(_Remedy(part, remedy, time.time())))
    await cache.execute("EXPIRE", _KEY, KNOWN_SECONDS)


async def read_remedies(cache: Cache) -> dict[str, str]:
    """Return the remedies by check, without duplicates. Raises CacheUnavailable."""
    found = dict[str, set[str]]()
    for remedy in await cache.read_hash(_KEY, _Remedy, _MOST):
        if time.time() - remedy.at < KNOWN_SECONDS:
            text = "".join(char for char in remedy.text if char.isprintable())[:_LONGEST]
            found.setdefault(remedy.part, set()).add(text)
    return {part: "; ".join(sorted(texts)) for part, texts in found.items()}
