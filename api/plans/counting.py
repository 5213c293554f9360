"""Quotas by the calendar, counted exactly (docs/plans.md explains why). PostgreSQL reserves blocks of calls, and a
process lets in the calls of its blocks without a statement. The calls that are let in are never more than those
reserved, since a call of a block is taken once, and given back once."""

import asyncio
import math
import time
from collections import Counter
from datetime import datetime
from uuid import UUID

import msgspec

from api.kernel import QUOTA_EXCEEDED, Call, Database, Problem, exceeded
from api.plans import queries
from api.plans.counters import Move
from api.plans.types import QuotaPeriod

LARGEST_BLOCK = 250
SHARE = 50
"""A block is at most this part of the quota: a process that is killed loses no more."""
MARGIN_SECONDS = 1.0
"""A block is not used in the last second of its period: clocks may run at different speeds."""
IDLE_SECONDS = 600.0
SETTLE_SECONDS = 1.0
AGAIN_SECONDS = 1.0
"""After a refusal that is not final: other processes give back what they hold."""
FINAL_SECONDS = 10.0
"""How long a process remembers that nothing is left."""

AT_ONCE = 1000
"""Counters that are stored by one statement."""

Key = tuple[UUID, str, QuotaPeriod]


def block_size(quota: int) -> int:
    """Return the most calls that are reserved at once."""
    return max(1, min(LARGEST_BLOCK, quota // SHARE))


def name_of(path: str, period: QuotaPeriod) -> str:
    """Return the public name of a quota: `users_me@month`. Names of rate limits have no @."""
    return f"{path}@{period}"


class Block(msgspec.Struct):
    """The calls of one counter that this process holds in one period. Times are of the monotonic clock."""

    key: Key
    starts: datetime
    length: int
    ends: float = 0.0
    quota: int = 0
    left: int = 0
    """Calls that are reserved and not taken."""
    used: int = 0
    """Calls of all processes that were taken, as far as this one knows."""
    unsettled: int = 0
    """Calls that were taken here and are not stored; negative if more were given back."""
    asks_again: float = 0.0
    """Until then, nothing is left to reserve."""
    is_final: bool = True
    """Whether nothing will be left in this period."""
    touched: float = 0.0

    def take(self, now: float) -> Call:
        """Take one of the calls that are left."""
        self.left, self.unsettled, self.touched = self.left - 1, self.unsettled + 1, now
        remaining = max(0, self.quota - self.used - self.unsettled)
        return Call(name_of(*self.key[1:]), self.quota, self.length, remaining, self._reset(now), self._give_back)

    def refusal(self, now: float) -> QUOTA_EXCEEDED:
        wait = self._reset(now) if self.is_final else math.ceil(AGAIN_SECONDS)
        return exceeded(name_of(*self.key[1:]), self.quota, self.length, wait)

    def out(self, returned: int) -> Move:
        """Take out what was used and `returned` calls, to store both."""
        move = Move(*self.key, self.starts, self.unsettled, returned)
        self.left, self.used, self.unsettled = self.left - returned, self.used + self.unsettled, 0
        return move

    def failed(self, move: Move) -> None:
        """Store what was used again. If it was stored, it is only moved from held to used twice. The calls that were
        returned are lost, since they may have been reserved by others."""
        self.used, self.unsettled = self.used - move.used, self.unsettled + move.used

    def _reset(self, now: float) -> int:
        return max(1, math.ceil(self.ends + MARGIN_SECONDS - now))

    def _give_back(self) -> None:
        self.left, self.unsettled = self.left + 1, self.unsettled - 1


class Meter:
    """The blocks of a process."""

    def __init__(self) -> None:
        self.blocks: dict[Key, Block] = {}
        self._former: list[Block] = []
        """Blocks of ended periods, until they are settled."""
        self._flights: dict[Key, asyncio.Task[None]] = {}
        self._waiting: Counter[Key] = Counter()

    async def take(self, db: Database, key: Key, quota: int) -> Call:
        """Count a call. Raises QUOTA_EXCEEDED; UNAVAILABLE if PostgreSQL does not answer; UNAUTHORIZED if the account
        was deleted."""
        now, block = time.monotonic(), self.blocks.get(key)
        if block and block.quota == quota and now < block.ends:
            if block.left > 0:
                return block.take(now)
            if now < block.asks_again:
                raise block.refusal(now)
        while True:
            await self._reserve(db, key, quota)
            # In the last second of a period, only the calls that waited are taken.
            now, block = time.monotonic(), self.blocks[key]
            if block.quota == quota and block.left > 0:
                return block.take(now)
            if block.quota == quota and block.asks_again:
                raise block.refusal(now)

    async def _reserve(self, db: Database, key: Key, quota: int) -> None:
        """Reserve a block. Concurrent callers share the statement."""
        self._waiting[key] += 1
        try:
            flight = self._flights.get(key)
            if flight is None:
                flight = self._flights[key] = asyncio.create_task(self._ask(db, key, quota))
                flight.add_done_callback(lambda done: self._landed(key, done))
            await asyncio.shield(flight)  # a cancelled caller must not lose the block of the others
        except Problem as failed:
            raise type(failed)() from None  # each caller adds its own headers
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]

    def _landed(self, key: Key, flight: asyncio.Task[None]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # retrieved here, because no caller may be left

    async def _ask(self, db: Database, key: Key, quota: int) -> None:
        former, began = self.blocks.get(key), time.monotonic()
        move = former.out(former.left) if former else None
        ends = former is not None and began >= former.ends
        asked = (quota, self._waiting[key], 0 if ends else block_size(quota))
        known = (move.starts, move.used, move.returned) if move else (None, 0, 0)
        try:
            found = await queries.reserve_calls(db, *key, *asked, *known)
        except BaseException:
            if former and move:
                former.failed(move)
            raise
        block = former if former and former.starts == found.starts else Block(key, found.starts, found.length)
        if former and move and block is not former:
            former.failed(move)
            self._former.append(former)
        block.ends, block.quota, block.used = began + found.rest - MARGIN_SECONDS, quota, found.used
        block.left, block.touched, block.is_final = block.left + found.granted, began, found.is_final
        block.asks_again = 0.0 if found.granted else began + (FINAL_SECONDS if found.is_final else AGAIN_SECONDS)
        self.blocks[key] = block

    async def settle(self, db: Database, *, account: UUID | None = None, everything: bool = False) -> None:
        """Store what was used, of one account or of all, and give back the blocks that were not used for a while, or
        everything. Raises UNAVAILABLE."""
        now, moved = time.monotonic(), list[tuple[Block, Move]]()
        former, self._former = self._former, []
        for block in former:
            moved.append((block, block.out(block.left)))
        for key, block in [*self.blocks.items()]:
            idle = everything or now - block.touched > IDLE_SECONDS
            if account in (None, key[0]) and (block.unsettled or (idle and block.left)):
                moved.append((block, block.out(block.left if idle else 0)))
            elif idle and not block.left and not block.unsettled and now > block.asks_again:
                del self.blocks[key]
        await self._move(db, moved, now)

    async def share(self, db: Database) -> None:
        """Give back what this process holds of quotas of which nothing else is left. Raises UNAVAILABLE."""
        if not any(block.left for block in self.blocks.values()):
            return
        now, moved = time.monotonic(), list[tuple[Block, Move]]()
        for place in await queries.list_short(db):
            block = self.blocks.get((place.user_id, place.path, place.period))
            if block and block.starts == place.starts and block.left:
                moved.append((block, block.out(block.left)))
        await self._move(db, moved, now)

    async def _move(self, db: Database, moved: list[tuple[Block, Move]], began: float) -> None:
        while moved:
            batch, rest = moved[:AT_ONCE], moved[AT_ONCE:]
            try:
                found = await queries.settle_calls(db, [move for _, move in batch])
            except BaseException:
                for block, move in moved:
                    block.failed(move)
                    if self.blocks.get(block.key) is not block:
                        self._former.append(block)
                raise
            known = {(each.user_id, each.path, each.period, each.starts): each for each in found}
            for block, _ in batch:
                if (stored := known.get((*block.key, block.starts))) is not None:
                    block.used, block.ends = stored.used, began + stored.rest - MARGIN_SECONDS
            moved = rest
