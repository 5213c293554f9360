"""A write in a transaction of its own, and the two ways in which tests use connections: one that is lent to the code
under test, and another task's."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg

from api.kernel.data import database
from api.kernel.data.database import Database, Transaction

P = ParamSpec("P")
R = TypeVar("R")


async def in_transaction(
    db: Database, write: Callable[Concatenate[Transaction, P], Awaitable[R]], *arguments: P.args, **named: P.kwargs
) -> R:
    """Call `write` in a transaction, and commit it."""
    async with db.transaction() as transaction:
        return await write(transaction, *arguments, **named)


class Lent(Database):
    """A pool whose only connection is the test's, which has a transaction open on it: what the code under test commits
    is a savepoint."""

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", connection: Any, subscribers: Mapping[str, tuple[str, ...]]
    ) -> None:
        super().__init__(pool, subscribers)
        self.connection = connection

    async def _acquire(self) -> Any:
        return self.connection

    async def _release(self, connection: object) -> None:
        """The test keeps it."""


class Another(Database):
    """The same pool, as another task uses it: beside the transaction that this task holds, and for a transaction that
    this task does not count as its own."""

    def __init__(self, db: Database) -> None:
        super().__init__(db._pool, db.subscribers, db._outage, hosts=db._hosts, pooled=db._pooled)

    def _refuse_second_connection(self) -> None:
        """It is not this task's."""

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        held = database._held.get()
        async with super().transaction() as transaction:
            database._held.set(held)
            yield transaction
