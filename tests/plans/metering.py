"""The counting of quotas, without HTTP: meters of several processes over one database, and PostgreSQL's clock."""

import asyncio
from datetime import timedelta
from uuid import UUID

from api.kernel import QUOTA_EXCEEDED, Database
from api.plans.counting import Key, Meter
from api.plans.types import QuotaPeriod


class Fleet:
    """The meters of several processes."""

    def __init__(self, db: Database, key: Key, processes: int = 3) -> None:
        self.db, self.key = db, key
        self.meters = [Meter() for _ in range(processes)]
        self.allowed = 0

    async def take(self, process: int, quota: int) -> bool:
        """Count a call in a process; whether it was let in."""
        try:
            await self.meters[process].take(self.db, self.key, quota)
        except QUOTA_EXCEEDED:
            return False
        self.allowed += 1
        return True

    async def second(self) -> None:
        """Do what each process does each second. Refusals are forgotten, instead of waiting until they end."""
        for _ in range(2):
            for meter in self.meters:
                await meter.settle(self.db)
                await meter.share(self.db)
        for meter in self.meters:
            for block in meter.blocks.values():
                block.asks_again = 0.0

    async def drain(self, process: int, quota: int) -> None:
        """Call one process until its refusal is final, as a client that obeys Retry-After."""
        while True:
            while await self.take(process, quota):
                pass
            if self.meters[process].blocks[self.key].is_final:
                return
            await self.second()

    async def stored(self) -> tuple[int, int]:
        """Return the calls that are used and held in all periods."""
        [row] = await self.db.fetch(
            "select coalesce(sum(used), 0)::bigint, coalesce(sum(held), 0)::bigint from plan_counts"
            " where user_id = $1 and path = $2 and period = $3",
            *self.key,
        )
        return row[0], row[1]


CLOCK = """create schema clock;
           create table clock.ahead (by interval not null);
           insert into clock.ahead values ('0');
           create function clock.now() returns timestamptz stable language sql as
               'select pg_catalog.now() + by from clock.ahead'"""


async def own_clock(db: Database) -> None:
    """Give the database a clock that can be set: its statements call now(), and find this function before
    PostgreSQL's. It applies to connections that are opened later."""
    for statement in CLOCK.split(";"):
        await db.fetch(statement)
    [row] = await db.fetch("select current_database()::text")
    await db.fetch(f'alter database "{row[0]}" set search_path = clock, public, pg_catalog')


async def set_clock(db: Database, before_the_month: timedelta) -> None:
    """Set the database's clock to so long before a month begins, and with it a day; it runs on."""
    await db.fetch(
        "update clock.ahead set by ="
        " date_trunc('month', pg_catalog.now() + '40 days', 'UTC') - $1::interval - pg_catalog.now()",
        before_the_month,
    )


async def at_once(fleet: Fleet, quota: int, calls: int) -> None:
    """Make so many concurrent calls in each process."""
    await asyncio.gather(*(fleet.take(process, quota) for _ in range(calls) for process in range(len(fleet.meters))))


def counter(account: UUID, path: str = "users_me", period: QuotaPeriod = "month") -> Key:
    return account, path, period
