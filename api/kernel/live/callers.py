"""Checks the callers of connected clients again: after an event that changes their access, and at each heartbeat."""

import asyncio
import logging
from collections.abc import Iterable
from uuid import UUID

from api.kernel.errors import RIGHTS_CHANGED, UNAVAILABLE, Problem
from api.kernel.live.clients import Client

logger = logging.getLogger(__name__)

RECHECK_SECONDS = 0.5
"""Minimum time between two checks after events. They check all clients that events have named in the meantime."""
AT_ONCE = 50
"""Maximum concurrent checks; each may need a pooled connection."""


class Callers:
    def __init__(self, clients: set[Client]) -> None:
        self._clients = clients
        """The connected clients. They are searched, because an index would cost each of them more memory than all of
        these searches cost time."""
        self._doubted: set[UUID] = set()
        self._doubt = asyncio.Event()

    def doubt(self, ids: Iterable[UUID]) -> None:
        """Check the clients of these accounts and sign-ins soon."""
        self._doubted.update(ids)
        self._doubt.set()

    async def run(self) -> None:
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            ids, self._doubted = self._doubted, set()
            for client in await self.check([each for each in self._clients if not ids.isdisjoint(each.ids)]):
                self.doubt(client.ids)  # until the database is back
            await asyncio.sleep(RECHECK_SECONDS)

    async def check(self, clients: Iterable[Client]) -> list[Client]:
        """End the clients whose caller may no longer follow. Returns those that were not checked because the database
        is unavailable; until it is back, only the token's expiry counts."""
        waiting = [client for client in clients if client.check is not None and not client.ends()]
        unchecked: list[Client] = []
        while waiting and not unchecked:
            batch, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
            found = await asyncio.gather(*(client.check() for client in batch if client.check), return_exceptions=True)
            for client, problem in zip(batch, found, strict=True):
                if isinstance(problem, UNAVAILABLE):
                    unchecked.append(client)
                elif isinstance(problem, Problem):
                    client.end("changed" if isinstance(problem, RIGHTS_CHANGED) else "signed_out")
                elif isinstance(problem, Exception):
                    logger.error("a caller cannot be checked again", exc_info=problem)
        return unchecked + waiting
