"""The deadline of a connection's state."""

import asyncio
from collections.abc import Callable


class Clock:
    """One deadline at a time. It belongs to a state and restarts only when the state changes. The timer of an earlier
    state is left to fire and is then set for the current deadline: states change several times in a request, and a
    timer of the event loop costs more than the rest of a change."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._state: object = None
        self._timer: asyncio.TimerHandle | None = None
        self._fires = self._due = 0.0
        self._then: Callable[[], None] | None = None

    def start(self, state: object, seconds: float, then: Callable[[], None]) -> None:
        if state == self._state:
            return
        self._state, self._then, self._due = state, then, self._loop.time() + seconds
        if self._timer is None or self._fires > self._due:
            self._set()

    def stop(self) -> None:
        self._state = self._then = None

    def end(self) -> None:
        """Stop, and release what the deadlines refer to: the connection is gone."""
        self.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._fires = self._due
        self._timer = self._loop.call_at(self._due, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._then is None:
            return
        if self._due > self._loop.time():
            self._set()
        else:
            then, self._then = self._then, None
            then()
