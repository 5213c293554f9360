"""Webhooks in the fault suite: twenty endpoints of an account, and what they received."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

from redis.asyncio import Redis

from api.kernel.data.database import Database, open_database, uuid7
from api.kernel.outbox.events import record
from api.kernel.settings import load
from api.users import queries as users
from api.users.events import UserVerified
from api.webhooks import queries, secrets
from api.webhooks.delivery import LANES
from tests.faults.rig import Rig
from tests.kernel.http_server import HttpServer, says, serving

ENDPOINTS, EVENTS, KILLS = 20, 250, 5
SECONDS = 240.0
"""Longer than the leases of the deliveries in flight when the last worker was killed."""


class Hooks:
    """Commits events about an account, and compares its deliveries with what its endpoints received."""

    def __init__(self, db: Database, user: UUID, server: HttpServer) -> None:
        self._db, self._user, self._server = db, user, server
        self._events = 0

    @property
    def count(self) -> int:
        return len(self._server.requests)

    async def happen(self, times: int) -> None:
        self._events += times
        for _ in range(times):
            async with self._db.transaction() as tx:
                await record(tx, UserVerified(user_id=self._user, email="hooks@example.com"))

    async def arrived(self, count: int) -> None:
        """Wait until that many requests were received. Raises TimeoutError."""
        async with asyncio.timeout(SECONDS):
            while self.count < count:  # noqa: ASYNC110  # counted by a server
                await asyncio.sleep(0.05)

    async def judge(self, rig: Rig, kills: int) -> None:
        """Wait until all are delivered. Raises AssertionError if one is missing, or too many were repeated."""
        async with asyncio.timeout(SECONDS):
            while await rig.rows("select from webhook_deliveries where state <> 'delivered' limit 1"):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        rows = await rig.rows("select id from audit_entries where $1 = any(subjects)", self._user)
        received = [(line, headers["webhook-id"]) for line, headers, _ in self._server.requests]
        ids = {str(row["id"]) for row in rows}
        assert len(ids) == self._events
        assert {id for _, id in received} <= ids, "an id changed"
        assert len(set(received)) == self._events * ENDPOINTS, "a delivery was lost"
        assert len(received) - len(set(received)) <= kills * ENDPOINTS * LANES, "others than those in flight repeat"


@contextlib.asynccontextmanager
async def hooked(rig: Rig) -> AsyncIterator[Hooks]:
    """Twenty endpoints that answer after some milliseconds, so that a killed worker has deliveries in flight."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        await says()(writer)

    settings = load(rig.environment)
    async with serving(answer) as server, open_database(settings, {}, 2) as db:
        user = uuid7()
        async with db.transaction() as tx:
            await users.insert(tx, user, f"{user}@example.com", "no hash", "en", None, None)
            for number in range(ENDPOINTS):
                id = uuid7()
                await queries.insert(tx, id, user, "own", f"{server.url}/{number}", "", ["users.*"])
                await queries.insert_secret(tx, uuid7(), id, secrets.seal(settings, id, secrets.generate()))
        await db.fetch("update users set is_verified = true where id = $1", user)
        try:
            yield Hooks(db, user, server)
        finally:
            await db.fetch("delete from users where id = $1", user)


async def kill_while_delivering(rig: Rig) -> int:
    """Of 5,000 deliveries, none is lost, although workers are killed and Redis is emptied in their middle."""
    async with hooked(rig) as hooks:
        for _ in range(KILLS):
            before = hooks.count
            await hooks.happen(EVENTS // KILLS)
            await hooks.arrived(before + 100)
            rig.worker.kill()
            async with Redis.from_url(rig.redis_server.url) as redis:
                await redis.flushall()
        await hooks.judge(rig, KILLS)
    return 2 * KILLS
