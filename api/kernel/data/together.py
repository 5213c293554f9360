"""Reads that ride together, as a DataLoader batches them: `@query(together=True)` reads the row of one key, and its
statement the rows of all requests that ask while others are being answered.

The law:

- Every answer is of a snapshot that was taken after its request asked. A request joins the next batch, never one that
  was sent. So whatever any process committed before a request asked is in its answer.
- A batch is sent at once, by the next turn of the event loop, if fewer than AT_ONCE are on their way, and otherwise
  when one of them is answered. No request waits for others to come.
- If a batch fails, each of its requests fails with the same Problem, in a copy of its own.
- A cancelled request cancels no other. A batch runs in no request's context: not in its trace, and not in its time.
- In a transaction, a request asks alone, on the transaction's connection.
- A batch has at most MOST requests, and asks for each key once."""

import asyncio
import contextvars
import copy
from collections.abc import Sequence
from uuid import UUID
from weakref import WeakKeyDictionary

from api.kernel.data.database import Database, Record, Transaction
from api.kernel.errors import UNAVAILABLE, Problem

AT_ONCE = 2
"""Batches of one query and one pool. With one, a request would wait for up to two round trips; more would be smaller
batches, and use more connections."""
MOST = 256
"""Bounds the time of a statement, and how many requests fail with it."""

Key = tuple[UUID, ...]
"""The arguments of a query. A value of another type could be one that PostgreSQL refuses, for all requests of the
batch."""
_Asked = tuple[Key, asyncio.Future[Sequence[Record]]]


class Together:
    """The requests of one query, by the pool that they ask."""

    def __init__(self, statement: str, width: int) -> None:
        self._statement = statement
        self._width = width
        """Number of columns of the key, the first of each row."""
        self._queues: WeakKeyDictionary[Database, _Queue] = WeakKeyDictionary()

    async def fetch(self, db: Database, key: Key) -> Sequence[Record]:
        """Return the key's row, or nothing. Raises like `Database.fetch`."""
        if isinstance(db, Transaction):
            return await db.fetch(self._statement, *([part] for part in key))
        db._refuse_second_connection()
        queue = self._queues.get(db)
        if queue is None:
            queue = self._queues[db] = _Queue(self._statement, self._width)
        return await queue.ask(db, key)


class _Queue:
    """The requests of one query to one pool. While any wait, AT_ONCE batches are on their way, or one is about to be
    sent."""

    def __init__(self, statement: str, width: int) -> None:
        self._statement = statement
        self._width = width
        self._waiting: list[_Asked] = []
        self._senders: set[asyncio.Task[None]] = set()

    def ask(self, db: Database, key: Key) -> asyncio.Future[Sequence[Record]]:
        answer: asyncio.Future[Sequence[Record]] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if len(self._waiting) == 1:
            self._start(db)
        return answer

    def _start(self, db: Database) -> None:
        if len(self._senders) < AT_ONCE:
            loop = asyncio.get_running_loop()
            self._senders.add(loop.create_task(self._send(db), context=contextvars.Context()))

    async def _send(self, db: Database) -> None:
        """Send batches until no request waits."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                if self._waiting:
                    self._start(db)
                await self._answer(db, [(key, answer) for key, answer in batch if not answer.done()])
        finally:
            self._senders -= {asyncio.current_task()}
            if self._waiting:  # this task was cancelled
                self._start(db)

    async def _answer(self, db: Database, batch: Sequence[_Asked]) -> None:
        keys = {key for key, _ in batch}
        try:
            rows = await db.fetch(self._statement, *zip(*keys, strict=True)) if keys else []
        except BaseException as error:
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(own_error(error))
            if not isinstance(error, Exception):
                raise
            return
        found = {row[: self._width]: (row,) for row in rows}
        for key, answer in batch:
            if not answer.done():  # cancelled
                answer.set_result(found.get(key, ()))


def own_error(error: BaseException) -> Exception:
    """Return the error of one request, to whose Problem the pipeline adds headers and cookies."""
    if isinstance(error, Problem):
        error = copy.copy(error)
        error.headers = dict(error.headers)
    return error if isinstance(error, Exception) else UNAVAILABLE()
