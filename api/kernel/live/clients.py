"""A connected client of a Feed: its position, and one write at a time. There is no queue: a client that does not read
is caught up later from PostgreSQL by its position, or is disconnected."""

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from uuid import UUID

from api.kernel.errors import Problem
from api.kernel.live.feeds import Feed, Item, name_position
from api.kernel.telemetry import meter

logger = logging.getLogger(__name__)

SLOW_SECONDS = 20.0
"""Seconds that a client may lag before it is disconnected."""
LONGEST_SECONDS = 3600.0
"""Greatest age of a connection. Clients reconnect and resume by their position, so that they spread over new processes,
and the guard of the route and the handler are applied again."""
EARLIER = 0.25
"""Fraction of LONGEST_SECONDS over which ends are spread, so that clients that connected together do not reconnect
together."""
clients_ended = meter.create_counter("live.ended", "{client}", "Ended streams and sockets, by reason")
clients_now = meter.create_up_down_counter("live.clients", "{client}", "Clients that follow events")

HAND_OVER = "http.response.hand_over"
"""ASGI message after `http.response.start`, instead of a body: the server calls `message["take"]` with the connection
(api/kernel/wire/tunnel.py). It returns what the server awaits after the request has ended, in the same task."""
_slots = itertools.count()


class Owner(Protocol):
    """Has taken a connection over."""

    def lost(self) -> None: ...


class Connection(Protocol):
    """Writes what a Form makes."""

    def write(self, message: Any, /) -> bool:
        """Write without waiting. Returns whether the client has taken everything."""

    def finish(self, message: Any, /) -> None:
        """Write the last message, and close."""

    async def drained(self) -> None:
        """Wait until the client has taken everything, or is gone."""


class Hub(Protocol):
    """What a client uses of Live."""

    async def catch_up(self, client: "Client") -> None: ...
    def leave(self, client: "Client") -> None: ...


class Form(Protocol):
    """How events are written: each method makes what the connection takes."""

    def item(self, item: Item) -> Any: ...
    def beat(self, id: str) -> Any: ...
    def resync(self, id: str, reason: str) -> Any: ...
    def end(self, reason: str) -> Any: ...


class Client:
    """One connection that follows a Feed. `deliver`, `beat` and `end` never wait; `put` and `resync` do, and are for
    catching up."""

    __slots__ = (
        "_finished",
        "_form",
        "_late",
        "at",
        "check",
        "connection",
        "current",
        "ending",
        "epoch",
        "feed",
        "hub",
        "ids",
        "oldest",
        "place",
        "slot",
        "until",
    )

    def __init__(
        self,
        feed: Feed[Any] | None,
        form: Form,
        *,
        ids: tuple[UUID, ...] = (),
        until: float | None = None,
        check: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.feed = feed
        self.connection: Connection | None = None
        """None until the response begins."""
        self.hub: Hub | None = None
        self.place: UUID | str = ""
        """What it is counted for: its caller or network."""
        self.at = 0
        """The position up to which the client has everything."""
        self.epoch = ""
        """The epoch of `at`."""
        self.current = False
        """Whether events are written as they happen; False while the client is caught up, and after its end."""
        self.ending: str | None = None
        self.ids = ids
        """The caller's account and sign-in; empty without a caller."""
        self.until = until
        """When the access token stops being accepted, in seconds since 1970."""
        self.oldest = time.monotonic() + LONGEST_SECONDS * random.uniform(1 - EARLIER, 1)  # noqa: S311  # not a secret
        """When the connection reaches its greatest age."""
        self.check = check
        """Raises a Problem if the caller may no longer follow."""
        self._form = form
        self._late: asyncio.Task[None] | None = None
        self._finished = False
        self.slot = next(_slots)
        """Spreads heartbeats over time."""

    @property
    def id(self) -> str:
        """The id with which the client resumes."""
        return name_position(self.epoch, self.at)

    async def admit(self) -> None:
        """Check the caller, if any. Raises the Problem of `check`."""
        if self.check is not None:
            await self.check()

    async def begin(self, lost: str | None) -> None:
        """Send missed events; afterwards the hub writes events as they happen. `lost` is the reason if some cannot be
        sent."""
        await self._catch_up(lost, None)

    def begin_soon(self, lost: str | None) -> None:
        """The same in a task, which ends with the client."""
        self._late = asyncio.get_running_loop().create_task(self.begin(lost))

    def deliver(self, item: Item) -> None:
        """Write an event. A client that does not take it is caught up later."""
        self.at = item.at
        message = self._message(item)
        if message is not None:
            self._write(message)

    def beat(self, at: int) -> None:
        """Send a heartbeat. It carries the position, so that a client without events for a day can still resume."""
        if self.current and self.ending is None:
            self.at = max(self.at, at)
            self._write(self._form.beat(self.id))

    async def put(self, item: Item) -> None:
        """Send an event, and wait until it is taken."""
        message = self._message(item)
        if message is not None:
            await self._send(message)

    async def resync(self, at: int, reason: str) -> None:
        """Tell the client that it missed events and must reload; it follows from `at` on."""
        self.at = at
        await self._send(self._form.resync(self.id, reason))

    def ends(self) -> bool:
        """Return whether the client is to end. What was sent before may still be under way."""
        return self.ending is not None

    def end(self, reason: str) -> None:
        """End the connection with a reason, after the client has received all data sent before."""
        if self.ending is not None:
            return
        self.ending = reason
        clients_ended.add(1, {"reason": reason})
        if self.current:
            self.current = False
            self.finish()

    def finish(self) -> None:
        """Send the end that was requested while the client was caught up."""
        if self.ending is not None and not self._finished and self.connection is not None:
            self._finished = True
            self.connection.finish(self._form.end(self.ending))

    def lost(self) -> None:
        """Release the client: its connection has ended."""
        self.ending = self.ending or "gone"
        self.current = False
        if self._late is not None:
            self._late.cancel()
        if self.hub is not None:
            self.hub.leave(self)
            self.hub = None
        self.connection = None

    def _message(self, item: Item) -> Any:
        """What the connection takes for an event; None if nothing is sent."""
        if item.lost:
            return self._form.resync(item.id, "error")
        return None if item.data is None else self._form.item(item)

    async def _send(self, message: Any) -> None:
        if self.connection is not None:
            self.connection.write(message)
            await self.connection.drained()

    def _write(self, message: Any) -> None:
        """Write in place of a task and a queue for each client. A client that does not take it gets a task, which sends
        what the client misses meanwhile."""
        if self.connection is not None and not self.connection.write(message):
            self.current = False
            self._late = asyncio.get_running_loop().create_task(self._catch_up(None, SLOW_SECONDS))

    async def _catch_up(self, lost: str | None, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                if self.connection is not None:
                    await self.connection.drained()
                if lost is not None and not self.ends():
                    await self.resync(self.at, lost)
                if self.hub is not None and not self.ends():
                    await self.hub.catch_up(self)
        except TimeoutError:
            self.end("slow")
        except Problem:
            self.end("unavailable")
        except Exception:
            logger.exception("a client was not caught up")
            self.end("error")
        self._late = None
        self.finish()
