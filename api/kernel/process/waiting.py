"""Waits that end early."""

import asyncio
import contextlib


async def wait_until_set(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set, or after so many seconds. `asyncio.wait_for` may lose a cancellation before Python
    3.12 (python/cpython#86296)."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
