"""Live: reads committed events once for all clients of this process, and writes each to the clients that follow it.
PostgreSQL is the only source: polling each second is sufficient, NOTIFY only makes it faster, and a client that
reconnects reads missed events by its position. Redis, Kafka and the worker are not involved."""

import asyncio
import contextlib
import contextvars
import itertools
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeAlias
from uuid import UUID

from api.kernel.data.database import Database
from api.kernel.data.shared import Shared
from api.kernel.errors import Problem
from api.kernel.live import queries
from api.kernel.live.callers import Callers
from api.kernel.live.clients import Client
from api.kernel.live.feeds import Feed, Item, View
from api.kernel.live.places import Places
from api.kernel.live.queries import Bounds, Row
from api.kernel.live.shown import Shown
from api.kernel.process.waiting import wait_until_set
from api.kernel.settings import Settings

logger = logging.getLogger(__name__)

BEAT_SECONDS = 15
"""Seconds between heartbeats of a client; the caller is checked again at the same interval. Routers close connections
that are silent for 30 to 60 seconds."""
POLL_SECONDS = 1.0
LISTEN_SECONDS = 60.0
"""The listening connection is replaced at this interval, because a broken one may go unnoticed."""
LISTENING_POOL = 3
"""Smallest pool that uses a connection for listening."""
LONGEST_PAUSE = 5.0
PAGE = 200
MISSED = 1000
"""Maximum missed events sent to a reconnecting client; beyond, it has to reload."""
WRITTEN_AT_ONCE = 200
CATCHING_UP = 2
"""Maximum clients that catch up concurrently, each with a pooled connection."""
EVERYTHING = "*"
PERSON = "person"
Key: TypeAlias = tuple[str, UUID | None]
"""Of the clients that follow one type with a key, one type, the events of a PERSON, or EVERYTHING."""


class Live:
    def __init__(self, db: Database, draining: asyncio.Event, most: int, listens: bool = True) -> None:
        self.draining = draining
        self._db = db
        self._listens = listens and db.most_connections() >= LISTENING_POOL
        self.places = Places(most)
        self._clients: set[Client] = set()
        self._about: dict[Key, list[Client]] = {}
        self._context: Any = None
        self._callers = Callers(self._clients)
        self._shown = Shown()
        self._bounds = Shared(lambda: queries.find_live_bounds(db))  # all clients of a process that has ended come back
        self._catching_up = asyncio.Semaphore(CATCHING_UP)
        self._opening = asyncio.Lock()
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self.at = 0
        """The position up to which every current client has everything."""
        self.epoch = ""

    async def join(self, context: Any, client: Client, known: UUID | None, network: str) -> None:
        """Register the client, counted for the caller that is known or else for the network, until `Client.lost`.
        `catch_up` then brings it from `client.at` to the present. Raises TOO_MANY_STREAMS, UNAVAILABLE, and the refusal
        of a caller whose access has ended since the request was authenticated: its event may have passed before the
        client was registered."""
        self.places.take(client, known, network)
        client.hub = self
        self._clients.add(client)
        for key in _keys(client.feed):
            self._about.setdefault(key, []).append(client)
        try:
            if not await self._start(context, client):
                await client.admit()
        except BaseException:
            client.lost()
            raise

    def leave(self, client: Client) -> None:
        self.places.give(client)
        self._clients.discard(client)
        for key in _keys(client.feed):
            self._about[key].remove(client)
            if not self._about[key]:
                del self._about[key]

    async def _start(self, context: Any, client: Client) -> bool:
        """Start the hub with its first client, admitted at the hub's position; False if the hub runs already."""
        async with self._opening:
            if self._running is not None:
                return False
            self._context = context
            self._begin(await queries.find_live_bounds(self._db))
            await client.admit()
            # In a context of its own: not below the span of the request that happens to be the first.
            self._running = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())
            return True

    def _begin(self, bounds: Bounds) -> None:
        """Read on from the newest position."""
        self.epoch, self.at = bounds.epoch, bounds.newest
        self._shown.begin(bounds.epoch)

    def _compare(self, bounds: Bounds, newcomer: Client | None = None) -> None:
        """If the database is in another epoch now, end the clients of the previous one: their positions mean nothing
        any more."""
        if bounds.epoch != self.epoch:
            for client in self._clients - {newcomer}:
                client.end("restart")
            self._begin(bounds)

    async def resume(self, client: Client, last: str | None) -> str | None:
        """Set where the client begins: after its last position, or now. Returns the reason if it cannot resume: the
        position is no longer kept (`too_old`) or never existed in this database (`unknown`). Raises UNAVAILABLE."""
        client.at, client.epoch = self.at, self.epoch
        if last is None or last == client.id:
            return None
        bounds = await self._bounds.get()
        self._compare(bounds, client)
        epoch, _, number = last.partition(".")
        at = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else -1
        if epoch == bounds.epoch and bounds.oldest <= at <= bounds.newest:
            client.at = at
            return None
        client.at, client.epoch = self.at, self.epoch
        return "too_old" if epoch == bounds.epoch and 0 <= at < bounds.oldest else "unknown"

    async def catch_up(self, client: Client) -> None:
        """Send missed events from PostgreSQL until the client is at the hub's position. Raises UNAVAILABLE."""
        missed = 0
        feed = client.feed
        while feed is not None and client.at < self.at and not client.ends():
            until = self.at
            async with self._catching_up:
                rows = await self._missed(feed, client.at)
            for row in rows:
                if client.ends():  # its reader may be slow
                    return
                if part := feed.part_for(row):
                    missed += 1
                    await client.put(await self._shown.item(self._context, part.view, row))
                client.at = row.at
            if len(rows) < PAGE:
                client.at = max(client.at, until)
            if missed > MISSED:
                missed = 0
                await client.resync(self.at, "too_many")
        client.current = not client.ends()

    async def _missed(self, feed: Feed[Any], after: int) -> list[Row]:
        if len(feed.parts) == 1 and feed.person is not None and feed.key is None:
            return await queries.list_missed_of_person(self._db, feed.person, after, PAGE)
        if len(feed.parts) > 1 or feed.key is None or feed.view.takes_all:
            return await queries.list_live(self._db, after, PAGE)
        return await queries.list_missed(self._db, feed.view.types, feed.key, after, PAGE)

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    # While there are clients

    async def _run(self) -> None:
        steps = [self._beat(), self._check(), self._callers.run(), self._drain()]
        steps += [self._listen()] if self._listens else []
        helpers = [asyncio.create_task(step) for step in steps]
        try:
            await self._read()
        finally:
            self._running = None
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    async def _read(self) -> None:
        """The only loop that reads and writes. After a failure it continues from the same position."""
        failures = 0
        while self._clients:
            self._wake.clear()
            try:
                if failures:  # the server may be another one
                    self._compare(await queries.find_live_bounds(self._db))
                await queries.number_live(self._db, PAGE)
                rows = await queries.list_live(self._db, self.at, PAGE)
                for row in rows:
                    await self._spread(row)
                failures = 0
            except Exception as error:  # clients stay connected and get the events later
                failures += 1
                foreseen = isinstance(error, Problem)
                fields = {"cause": type(error).__name__}
                logger.warning(
                    "live events are delayed", exc_info=None if foreseen else error, extra={"fields": fields}
                )
                await asyncio.sleep(min(LONGEST_PAUSE, 0.1 * 2**failures))
                continue
            if len(rows) < PAGE:
                await wait_until_set(self._wake, POLL_SECONDS)

    async def _spread(self, row: Row) -> None:
        """Write one event to its clients, yielding to the event loop between batches. Clients that become current
        meanwhile are included."""
        items: dict[View, Item] = {}
        while waiting := [client for client in self._wanting(row) if client.current and client.at < row.at]:
            for number, client in enumerate(waiting, 1):
                part = client.feed and client.feed.part_for(row)
                if part and part.view not in items:
                    items[part.view] = await self._shown.item(self._context, part.view, row)
                if not client.current or client.at >= row.at:
                    continue
                if part:
                    client.deliver(items[part.view])
                client.at = row.at
                if number % WRITTEN_AT_ONCE == 0:
                    await asyncio.sleep(0)
        if row.changes_access:
            self._callers.doubt([row.key])
        self.at = row.at

    def _wanting(self, row: Row) -> Iterator[Client]:
        keys: tuple[Key, ...] = ((row.type, row.key), (row.type, None), (EVERYTHING, None))
        keys += ((PERSON, row.person),) if row.person else ()
        return itertools.chain.from_iterable(self._about.get(key, ()) for key in keys)

    async def _listen(self) -> None:
        """Listen on a pooled connection."""
        while True:
            try:
                async with self._db.listen("live", self._wake.set):
                    self._wake.set()
                    await asyncio.sleep(LISTEN_SECONDS)
            except Exception as error:  # the poll still finds the events
                foreseen = isinstance(error, Problem)
                logger.warning("listening for live events failed", exc_info=None if foreseen else error)
                await asyncio.sleep(POLL_SECONDS)

    async def _beat(self) -> None:
        """Send heartbeats, each second to a fraction of the clients. End those whose token has expired and those that
        have reached their greatest age."""
        async for due in self._slots():
            for client in due:
                client.beat(self.at)
            now, clock = time.time(), time.monotonic()
            for client in list(self._clients):
                if client.until is not None and client.until <= now:
                    client.end("expired")
                elif client.oldest <= clock:
                    client.end("age")

    async def _check(self) -> None:
        """Check each caller again at its heartbeat: access also ends by the clock, and by statements of an operator."""
        async for due in self._slots():
            await self._callers.check(due)

    async def _slots(self) -> AsyncIterator[list[Client]]:
        slot = 0
        while True:
            await asyncio.sleep(1)
            slot = (slot + 1) % BEAT_SECONDS
            yield [client for client in list(self._clients) if client.slot % BEAT_SECONDS == slot]

    async def _drain(self) -> None:
        await self.draining.wait()
        for client in list(self._clients):
            client.end("restart")


@contextlib.asynccontextmanager
async def open_live(db: Database, draining: asyncio.Event, settings: Settings) -> AsyncIterator[Live]:
    """The hub of a process; idle until there is a client. Behind a transaction pooler it only polls."""
    live = Live(db, draining, settings.max_connections, not settings.database_transaction_pooling)
    try:
        yield live
    finally:
        await live.close()


def _keys(feed: Feed[Any] | None) -> set[Key]:
    return {key for part in (feed.parts if feed else ()) for key in _keys_of(part)}


def _keys_of(part: Feed[Any]) -> list[Key]:
    if not part.view.takes_all:
        return [(name, part.key) for name in part.view.types]
    return [(PERSON, part.person) if part.person else (EVERYTHING, None)]
