"""The deadline of a connection's state."""

import asyncio
from collections.abc import Callable


class Clock:
    """One deadline at a time. It belongs to a state and restarts only when the state changes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._state: object = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, state: object, seconds: float, then: Callable[[], None]) -> None:
        if state != self._state:
            self.stop()
            self._state, self._timer = state, self._loop.call_later(seconds, then)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._state = self._timer = None
