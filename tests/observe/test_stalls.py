"""The longest stall of the event loop, and the longest pause by the garbage collector."""

import asyncio
import gc
import re
import time
from collections.abc import Callable

import pytest

from api.kernel import gauges
from api.kernel.context import Context
from api.kernel.gauges import Longest


async def seen(scrape: Callable[[], str], name: str, least: float) -> float:
    """Wait until a metric is at least this, and return it."""
    async with asyncio.timeout(60):
        while (value := float(re.findall(rf"^{name} (\S+)$", scrape(), re.M)[0])) < least:  # noqa: ASYNC110
            await asyncio.sleep(0)
    return value


async def test_a_stall_of_the_event_loop_is_seen(
    scrape: Callable[[], str], live: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C-348."""
    monkeypatch.setattr(gauges, "stalls", Longest())
    time.sleep(0.5)  # noqa: ASYNC251  # this is what is measured
    assert await seen(scrape, "event_loop_stall_max_seconds", 0.4) < 60


async def test_a_pause_by_the_collector_is_seen(
    scrape: Callable[[], str], live: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C-348."""
    monkeypatch.setattr(gauges, "pauses", Longest())
    began = time.monotonic()
    gc.collect()
    took = time.monotonic() - began
    assert 0 < await seen(scrape, "gc_pause_max_seconds", took / 100) <= took


def test_the_longest_of_the_last_one_to_two_periods_is_kept() -> None:
    clock = [0.0]
    longest = Longest(60, lambda: clock[0])
    seen = []
    for clock[0], duration in ((1, 3.0), (59, 1.0), (61, 2.0), (119, None), (122, None), (182, None)):
        if duration is not None:
            longest.note(duration)
        seen.append(longest.value())
    assert seen == [3.0, 3.0, 3.0, 3.0, 2.0, 0.0]
