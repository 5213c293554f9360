"""Cached functions to test with, and what Redis did."""

import re

import msgspec

from api.kernel.data.cache import Cache, cached


class Holder(msgspec.Struct):
    """The parts of a Context that `cached` needs, and the number of calls."""

    cache: Cache
    calls: int = 0


class Thing(msgspec.Struct, frozen=True):
    id: int
    name: str


@cached(60)
async def find_thing(holder: Holder, id: int, name: str = "it") -> Thing:
    """A thing."""
    holder.calls += 1
    return Thing(id, name)


async def scripts_run(cache: Cache) -> int:
    """How many scripts Redis ran since CONFIG RESETSTAT."""
    calls = re.findall(rb"cmdstat_eval(?:sha)?:calls=(\d+)", await cache.execute("INFO", "commandstats"))
    return sum(map(int, calls))
