"""Stores the results of deliveries that succeed at about the same time with one statement."""

import asyncio

from api.kernel import Autocommit
from api.webhooks import queries
from api.webhooks.types import Job, Made, Result


class Results:
    """While a statement is executed, further results wait for the next one: no delay is added when few arrive."""

    def __init__(self, db: Autocommit) -> None:
        self._db = db
        self._waiting: list[tuple[Result, asyncio.Future[None]]] = []
        self._storing: asyncio.Task[None] | None = None

    async def store(self, job: Job, made: Made) -> None:
        """Store a successful attempt. It is ignored if the lease was lost. Raises Problem."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((Result(job.id, job.endpoint_id, job.lease, made), stored))
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_all())
        await stored

    async def _store_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await queries.mark_delivered(self._db, [result for result, _ in batch])
            except Exception as error:  # noqa: BLE001  # each delivery raises it
                for _, stored in batch:
                    if not stored.done():
                        stored.set_exception(error)
            else:
                for _, stored in batch:
                    if not stored.done():
                        stored.set_result(None)
