"""Writes in a transaction, and two ways of using connections in tests: shared with the code under test, and as another
task."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from api.kernel.data import database
from api.kernel.data.database import Database, Transaction
from api.kernel.data.pool import Pool

P = ParamSpec("P")
R = TypeVar("R")


async def in_transaction(
    db: Database, write: Callable[Concatenate[Transaction, P], Awaitable[R]], *arguments: P.args, **named: P.kwargs
) -> R:
    """Call `write` in a transaction and commit it."""
    async with db.transaction() as transaction:
        return await write(transaction, *arguments, **named)


class Lent(Database):
    """A pool with only the test's connection, on which a transaction is open: commits of the code under test are
    savepoints."""

    def __init__(self, pool: Pool, connection: Any, subscribers: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(pool, subscribers)
        self.connection = connection

    async def _acquire(self) -> Any:
        return self.connection

    async def _release(self, connection: object, *, clean: bool = False) -> None:
        """Do nothing: the test keeps the connection."""


class Another(Database):
    """The same pool as seen by another task, which does not inherit this task's transaction."""

    def __init__(self, db: Database) -> None:
        super().__init__(db._pool, db.subscribers, db._outage, hosts=db._hosts, pooled=db._pooled)

    def _refuse_second_connection(self) -> None:
        """Allow it: the transaction belongs to another task."""

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        held = database._held.get()
        async with super().transaction() as transaction:
            database._held.set(held)
            yield transaction
