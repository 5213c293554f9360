"""C-463: reads that concurrent callers share, for when all clients of a process come back at once."""

import asyncio

from api.kernel.data.shared import Shared
from api.kernel.errors import UNAVAILABLE


class Source:
    """A value that is read while it changes; reads wait for `deliver`."""

    def __init__(self) -> None:
        self.value = 0
        self.reads = 0
        self._delivered = asyncio.Semaphore(0)

    async def read(self) -> int:
        self.reads += 1
        value = self.value
        await self._delivered.acquire()
        if value < 0:
            raise UNAVAILABLE
        return value

    def deliver(self) -> None:
        self._delivered.release()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_concurrent_calls_share_a_read_that_began_after_them() -> None:
    source = Source()
    shared = Shared(source.read)
    first = [asyncio.create_task(shared.get()) for _ in range(100)]
    await turns()
    source.value = 1
    second = [asyncio.create_task(shared.get()) for _ in range(100)]
    await turns()
    assert source.reads == 1, "one at a time"
    source.deliver()
    assert set(await asyncio.gather(*first)) == {0}
    await turns()
    source.deliver()
    assert set(await asyncio.gather(*second)) == {1}
    assert source.reads == 2


async def test_a_cancelled_call_cancels_no_other() -> None:
    source = Source()
    shared = Shared(source.read)
    left, stays = asyncio.create_task(shared.get()), asyncio.create_task(shared.get())
    await turns()
    left.cancel()
    await turns()
    source.deliver()
    assert await stays == 0
    assert left.cancelled()


async def test_each_call_fails_with_a_problem_of_its_own() -> None:
    """Headers are added to it. The next calls read again."""
    source = Source()
    shared = Shared(source.read)
    source.value = -1
    calls = [asyncio.create_task(shared.get()) for _ in range(2)]
    await turns()
    source.deliver()
    one, other = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(one, UNAVAILABLE)
    assert isinstance(other, UNAVAILABLE)
    assert one is not other
    assert one.headers is not other.headers
    source.value = 7
    source.deliver()
    assert await shared.get() == 7
