"""`Whole`: everything that a block commits, as one transaction."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self

from api.kernel.data.database import Connection, Database, Record, Transaction
from api.kernel.data.sql import writes
from api.kernel.errors import Problem


class Whole(Database):
    """A database whose transactions and writing statements are parts of one transaction, which commits at the end of
    the `async with` block. It begins with the first of them, so that a block that reads first, and hashes a password,
    holds no connection meanwhile. `begun` is awaited with it.

    An exception rolls everything back, except for a Problem below 500 after the end of a part: the parts that a handler
    completes before it refuses, such as a count of failed attempts, must not depend on who calls it how."""

    def __init__(self, db: Database, begun: Callable[[Transaction], Awaitable[None]]) -> None:
        super().__init__(
            db._pool, db.subscribers, db._outage, hosts=db._hosts, pooled=db._pooled, namespace=db.namespace
        )
        self._db = db
        self._begun = begun
        self._stack = contextlib.AsyncExitStack()
        self._completed = False
        self.transaction_of_all: Transaction | None = None
        """The transaction, if one has begun."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        refused = isinstance(error, Problem) and error.status < 500
        try:
            if error is None or (refused and self._completed):
                await self._stack.aclose()
            else:
                await self._stack.__aexit__(kind, error, traceback)
        finally:
            self.transaction_of_all = self._connection = None

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Run the block in a savepoint of the transaction."""
        if self.transaction_of_all is None:
            db = await self._stack.enter_async_context(self._db.transaction())
            await self._begun(db)
            self.transaction_of_all, self._connection = db, db._connection
        async with self.transaction_of_all.transaction() as part:
            yield part
        self._completed = True

    async def fetch(self, statement: str, *arguments: object) -> list[Record]:
        """Run a statement in the transaction, which one that writes begins."""
        if self.transaction_of_all is not None:
            return await self.transaction_of_all.fetch(statement, *arguments)
        if not writes(statement):
            return await self._db.fetch(statement, *arguments)
        async with self.transaction() as db:
            return await db.fetch(statement, *arguments)

    def _refuse_second_connection(self) -> None:
        """Allow statements beside the transaction: they are parts of it."""

    @contextlib.asynccontextmanager
    async def _borrow(self) -> AsyncIterator[Connection]:
        async with (self.transaction_of_all or self._db)._borrow() as connection:
            yield connection
