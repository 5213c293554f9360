"""What workers found misconfigured, left in Redis for the process that answers /health/full. Redis may lose it: the
next failure tells it again."""

import time

import msgspec

from api.kernel.data.cache import Cache

_KEY = "workers:remedies"
KNOWN_SECONDS = 86_400
"""A remedy that no worker has repeated or withdrawn is told for so long."""
_MOST = 1_000
_LONGEST = 300


class _Remedy(msgspec.Struct, frozen=True, array_like=True):
    part: str
    text: str
    at: float


async def tell_remedy(cache: Cache, part: str, detail: str, remedy: str | None) -> None:
    """Keep the remedy of a part of /health/full, or drop it with None. A part has one for each `detail`, such as a
    topic. Raises CacheUnavailable."""
    field = f"{part} {detail}"
    if remedy is None:
        await cache.execute("HDEL", _KEY, field)
        return
    await cache.execute("HSET", _KEY, field, msgspec.json.encode(_Remedy(part, remedy, time.time())))
    await cache.execute("EXPIRE", _KEY, KNOWN_SECONDS)


async def read_remedies(cache: Cache) -> dict[str, str]:
    """The remedies by part, each once. Raises CacheUnavailable."""
    found = dict[str, set[str]]()
    for remedy in await _read(cache):
        if time.time() - remedy.at < KNOWN_SECONDS:
            text = "".join(char for char in remedy.text if char.isprintable())[:_LONGEST]
            found.setdefault(remedy.part, set()).add(text)
    return {part: "; ".join(sorted(texts)) for part, texts in found.items()}


async def _read(cache: Cache) -> list[_Remedy]:
    """None where one of them cannot be decoded, such as those of another release."""
    if await cache.execute("HLEN", _KEY) > _MOST:
        await cache.discard(_KEY, "it has too many fields")
        return []
    try:
        return [msgspec.json.decode(kept, type=_Remedy) for kept in await cache.execute("HVALS", _KEY)]
    except (msgspec.DecodeError, RecursionError):
        await cache.discard(_KEY, "it cannot be decoded")
        return []
