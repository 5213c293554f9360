"""A bounded queue that is fair between networks: networks take turns, and if the queue is full, the network with the
most entries loses one to a network with fewer."""

import asyncio
from collections import deque

from api.kernel.errors import UNAVAILABLE
from api.kernel.telemetry import meter

_FULL = "Too many people are signing in at this moment; try again shortly."
refused_passwords = meter.create_counter(
    "hashing.refused", "{password}", "Passwords that were not hashed because too many waited"
)


class Turns:
    def __init__(self, places: int) -> None:
        self._places = self._free = places
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """By network; the first one is next."""

    @property
    def taken(self) -> int:
        return self._places - self._free

    @property
    def waiting(self) -> int:
        # A copy, because metrics are read in another thread.
        return sum(map(len, list(self._waiting.values())))

    async def take(self, network: str, most: int) -> None:
        """Wait for a place, to be released with `give`. Raises UNAVAILABLE if `most` are served or waiting; also while
        waiting, if others need the room."""
        if self._free:
            self._free -= 1
            return
        self.refuse_when_full(network, most)
        if self._count() >= most:
            last = self._waiting[self._largest()].pop()
            if not last.done():
                last.set_exception(_refused())
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(network, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(network, turn)
            elif turn.exception() is None:  # it already had its turn
                self.give()
            raise

    def refuse_when_full(self, network: str, most: int) -> None:
        """Raise UNAVAILABLE if `take` would do so at once."""
        if self._count() >= most and self._held(self._largest()) < self._held(network) + 2:
            raise _refused()

    def give(self) -> None:
        """Give the place to the network that has waited longest since its last turn."""
        while self._waiting:
            network = next(iter(self._waiting))
            queue = self._waiting.pop(network)
            turn = queue.popleft()
            if queue:
                self._waiting[network] = queue
            if not turn.done():  # may have been cancelled
                turn.set_result(None)
                return
        self._free += 1

    def _leave(self, network: str, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get(network, deque())
        if turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[network]

    def _count(self) -> int:
        return self.taken + self.waiting

    def _held(self, network: str) -> int:
        return len(self._waiting.get(network, ()))

    def _largest(self) -> str:
        return max(self._waiting, key=self._held, default="")


def _refused() -> UNAVAILABLE:
    refused_passwords.add(1)
    return UNAVAILABLE(_FULL)
