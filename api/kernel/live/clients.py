"""One connected client of a Feed: where it stands, and one write at a time. There is no queue: a client that does not
take what it was sent is caught up later from PostgreSQL, by its position, or ended."""

import asyncio
import itertools
import logging
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Protocol

from api.kernel.errors import Problem
from api.kernel.live.feeds import Feed, Item
from api.kernel.telemetry import meter

logger = logging.getLogger(__name__)

SLOW_SECONDS = 20.0
"""How long a client may be behind before it is ended. Longer than a bad moment of a phone's network."""
clients_ended = meter.create_counter("live.ended", "{client}", "Ended streams and sockets, by reason")
clients_now = meter.create_up_down_counter("live.clients", "{client}", "Clients that follow events")

_slots = itertools.count()
Send = Callable[[Any], Awaitable[None]]


class Form(Protocol):
    """How a transport writes: each method makes what `send` takes."""

    def item(self, item: Item) -> Any: ...
    def beat(self, at: int) -> Any: ...
    def resync(self, at: int, reason: str) -> Any: ...
    def end(self, reason: str) -> Any: ...


class Client:
    """The hub calls `deliver`, `beat` and `end`, which never wait; `put` is for catching up."""

    def __init__(
        self,
        feed: Feed[Any] | None,
        send: Send,
        form: Form,
        *,
        until: float | None = None,
        check: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.feed = feed
        self.at = 0
        """The position up to which the client has everything."""
        self.current = False
        """Whether it is written to as events happen; else it is being caught up."""
        self.ending: str | None = None
        self.until = until
        """When its access token expires, in seconds since 1970."""
        self.check = check
        """Raises a Problem where the caller may not follow any more."""
        self.catch_up: Callable[[], Awaitable[None]] | None = None
        self._send, self._form = send, form
        self._late: asyncio.Task[None] | None = None
        self._finished = False
        self.slot = next(_slots)
        """Spreads heartbeats over time."""

    def deliver(self, item: Item) -> None:
        """Write an event now, or be caught up with it later."""
        self.at = item.at
        if item.lost:
            self._write(self._form.resync(item.at, "error"))
        elif item.data is not None:
            self._write(self._form.item(item))

    def beat(self, at: int) -> None:
        """Show both sides that the other is there. The position goes along, so that a client of which no event is for a
        day can still resume."""
        if self.current and self.ending is None:
            self.at = max(self.at, at)
            self._write(self._form.beat(at))

    async def put(self, item: Item) -> None:
        if item.lost:
            await self._send(self._form.resync(item.at, "error"))
        elif item.data is not None:
            await self._send(self._form.item(item))

    async def resync(self, at: int, reason: str) -> None:
        """Tell the client that it has missed events: it loads anew what it shows, and follows from here."""
        self.at = at
        await self._send(self._form.resync(at, reason))

    def end(self, reason: str) -> None:
        """Say why and end, at once or when the client has taken what it was sent before."""
        if self.ending is not None:
            return
        self.ending = reason
        clients_ended.add(1, {"reason": reason})
        if self.current:
            self._finished = True
            self._write(self._form.end(reason))
            self.current = False

    async def finish(self) -> None:
        """Say so now, where the client was being caught up when it was ended."""
        if self.ending is not None and not self._finished:
            self._finished = True
            await self._send(self._form.end(self.ending))

    def close(self) -> None:
        """The connection is gone."""
        self.current = False
        if self._late is not None:
            self._late.cancel()

    def _write(self, message: Any) -> None:
        """Step the coroutine that sends once, in place of a task and a queue for each client: it ends at once unless
        the client has not taken what it was sent before."""
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
    """Go on with a coroutine that was stepped once, from what it waits for."""
    try:
        yield awaited
    except BaseException:
        sending.close()
        raise
    yield from sending
