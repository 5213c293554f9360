"""A connected client of a Feed: its position, and one write at a time. There is no queue: a client that does not read
is caught up later from PostgreSQL by its position, or is disconnected."""

import asyncio
import itertools
import logging
import random
import time
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
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

_slots = itertools.count()
Send = Callable[[Any], Awaitable[None]]


class Form(Protocol):
    """How a transport writes: each method makes what `send` takes."""

    def item(self, item: Item) -> Any: ...
    def beat(self, id: str) -> Any: ...
    def resync(self, id: str, reason: str) -> Any: ...
    def hint(self, name: str) -> Any: ...
    def end(self, reason: str) -> Any: ...


class Client:
    """One connection that follows a Feed. `deliver`, `hint`, `beat` and `end` never wait; `put` and `resync` do, and
    are for catching up."""

    def __init__(
        self,
        feed: Feed[Any] | None,
        send: Send,
        form: Form,
        *,
        ids: tuple[UUID, ...] = (),
        until: float | None = None,
        check: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.feed = feed
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
        self.catch_up: Callable[[], Awaitable[None]] | None = None
        self._send, self._form = send, form
        self._late: asyncio.Task[None] | None = None
        self._hints: frozenset[str] = frozenset()
        """Hints that arrived while the client was caught up."""
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

    def follow(self) -> None:
        """Begin to write what happens, once the client is caught up."""
        self.current = self.ending is None
        hints, self._hints = self._hints, frozenset()
        self.hint(hints)

    def hint(self, names: Iterable[str]) -> None:
        """Tell the client that what these hints name has changed; later, if it is being caught up."""
        for name in names:
            if self.current:
                self._write(self._form.hint(name))
            elif self.ending is None:
                self._hints |= {name}

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
            self._finished = True
            self._write(self._form.end(reason))
            self.current = False

    async def finish(self) -> None:
        """Send the end that was requested while the client was caught up."""
        if self.ending is not None and not self._finished:
            self._finished = True
            await self._send(self._form.end(self.ending))

    def close(self) -> None:
        """Release the client of a closed connection."""
        self.current = False
        if self._late is not None:
            self._late.cancel()

    def _message(self, item: Item) -> Any:
        """What `send` takes for an event; None if nothing is sent."""
        if item.lost:
            return self._form.resync(item.id, "error")
        return None if item.data is None else self._form.item(item)

    def _write(self, message: Any) -> None:
        """Step the sending coroutine once, in place of a task and a queue for each client. It finishes at once
        unless earlier data is still unsent; then a task waits, and sends what the client missed."""
        sending: Any = self._send(message)
        try:
            awaited = sending.send(None)
        except StopIteration:
            return
        except Exception:
            logger.exception("a client cannot be written to")
            self.current = False
            return
        self.current = False
        self._late = asyncio.get_running_loop().create_task(self._recover(_resume(sending, awaited)))

    async def _recover(self, sending: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                await sending
                if self.ending is None and self.catch_up:
                    await self.catch_up()
        except TimeoutError:
            self.end("slow")
        except Problem:
            self.end("unavailable")
        except Exception:
            logger.exception("a client was not caught up")
            self.end("error")
        await self.finish()


@types.coroutine
def _resume(sending: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """Continue a coroutine that was stepped once and waits for `awaited`."""
    try:
        yield awaited
    except BaseException:
        sending.close()
        raise
    yield from sending
