"""The last runs of sweeps, which workers report to Redis for the web process. If Redis loses them, the next runs are
reported again."""

from collections.abc import Iterable

import msgspec

from api.kernel.data.cache import Cache

_KEY = "workers:sweeps"
KNOWN_SECONDS = 86_400
"""How long a run is known after the last report of a worker."""
_MOST = 500


class Run(msgspec.Struct):
    """A sweep, repeated every `seconds`: when its last run began, the end of the last success, the time and the rows of
    the last one that found work, and the time and kind of the last failure. Times are seconds since 1970."""

    name: str
    seconds: float
    began: float
    ended: float | None = None
    worked: float | None = None
    rows: int = 0
    failed: float | None = None
    error: str | None = None


async def report_sweeps(cache: Cache, runs: Iterable[Run]) -> None:
    """Store the runs in place of earlier ones. Raises CacheUnavailable."""
    fields = [part for run in runs for part in (run.name, msgspec.json.encode(run))]
    if fields:
        await cache.execute("HSET", _KEY, *fields)
        await cache.execute("EXPIRE", _KEY, KNOWN_SECONDS)


async def read_sweeps(cache: Cache) -> list[Run]:
    """Return the runs by name. Raises CacheUnavailable."""
    return sorted(await cache.read_hash(_KEY, Run, _MOST), key=lambda run: run.name)
