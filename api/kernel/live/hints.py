"""Hints: a worker tells connected clients that rows have changed that are no events, such as deliveries and tasks, so
that they load them again. A hint has a name and no content. It is not stored: while PostgreSQL restarts, or behind a
transaction pooler, hints are lost, so clients also load when they connect, and once a minute."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from api.kernel.data.database import Database
from api.kernel.data.sql import query
from api.kernel.errors import Problem
from api.kernel.live.clients import Client
from api.kernel.live.feeds import SUPERUSERS

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
"""Minimum time between two hints of one name to one audience, in the process that sends and in the one that passes
them on. The first is sent at once."""
IN_NOTIFICATION = 200
"""Ids in the payload of a NOTIFY, which PostgreSQL limits to 8,000 bytes."""
MOST_WAITING = 10_000
PASSED_AT_ONCE = 200
PERSON, HINTED = "person", "hinted"
"""Keys of the clients that follow an account, which get its hints too, and of those that get hints to SUPERUSERS."""


@query
async def notify_live(db: Database, payloads: list[str]) -> None: ...


class Hints:
    """The hints that this process sends: those of a worker. In other processes they have no effect."""

    def __init__(self) -> None:
        self._waiting: set[tuple[str, UUID]] = set()
        self._given = asyncio.Event()

    def give(self, name: str, audience: UUID) -> None:
        """Hint an account, or SUPERUSERS, that rows have changed which it may read, such as `webhooks.deliveries`. Call
        it after the commit. It never waits."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.add((name, audience))
            self._given.set()

    @contextlib.asynccontextmanager
    async def sending(self, db: Database) -> AsyncIterator[None]:
        """Send hints while the block runs. Those that wait at its end are dropped: PostgreSQL may be silent then."""
        task = asyncio.create_task(self._send_all(db))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _send_all(self, db: Database) -> None:
        while True:
            await self._given.wait()
            try:
                await self.send(db)
            except Problem:  # PostgreSQL is away
                pass
            except Exception:
                logger.exception("hints were not sent")
            await asyncio.sleep(PAUSE_SECONDS)

    async def send(self, db: Database) -> None:
        """Send what was given, in one statement. What was not sent waits for the next one. Raises Problem."""
        given, self._waiting = self._waiting, set()
        self._given.clear()
        if given:
            try:
                await notify_live(db, _payloads(given))
            except BaseException:
                self._waiting |= given
                self._given.set()
                raise


class HeardHints:
    """The hints of all processes, passed on to the clients of this one."""

    def __init__(self, clients: Mapping[tuple[str, UUID | None], Sequence[Client]]) -> None:
        self._clients = clients
        self._waiting: dict[UUID, dict[str, None]] = {}  # in the order of arrival
        self._heard = asyncio.Event()

    def hear(self, payload: str) -> None:
        """Take the payload of a NOTIFY. It is ignored if it is no hint."""
        name, *ids = payload.split(" ")
        with contextlib.suppress(ValueError):
            for audience in map(UUID, ids):
                if _key(audience) in self._clients:
                    self._waiting.setdefault(audience, {})[name] = None
                    self._heard.set()

    async def run(self) -> None:
        """Pass hints on, yielding to the event loop between batches."""
        while True:
            await self._heard.wait()
            self._heard.clear()
            waiting, self._waiting = self._waiting, {}
            for number, (audience, names) in enumerate(waiting.items(), start=1):
                for client in list(self._clients.get(_key(audience), ())):
                    if client.feed and client.feed.hears(audience):
                        client.hint(names)
                if number % PASSED_AT_ONCE == 0:
                    await asyncio.sleep(0)
            await asyncio.sleep(PAUSE_SECONDS)


def _key(audience: UUID) -> tuple[str, UUID | None]:
    return HINTED if audience == SUPERUSERS else PERSON, audience


def _payloads(given: set[tuple[str, UUID]]) -> list[str]:
    audiences: dict[str, list[str]] = {}
    for name, audience in given:
        audiences.setdefault(name, []).append(str(audience))
    return [
        " ".join((name, *ids[first : first + IN_NOTIFICATION]))
        for name, ids in audiences.items()
        for first in range(0, len(ids), IN_NOTIFICATION)
    ]
