"""C-351: checks of callers after events: together, and again until they can be done."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from api.kernel.data.database import uuid7
from api.kernel.errors import FORBIDDEN, UNAVAILABLE
from api.kernel.http.sse import LINES
from api.kernel.live.callers import AT_ONCE, Callers
from api.kernel.live.clients import Client
from tests.patient import SECONDS


def client(id: UUID, check: Callable[[], Awaitable[None]]) -> Client:
    return Client(None, LINES, ids=(id, uuid7()), check=check)


class Refusing:
    """A check that fails a number of times for a want of the database, and then refuses."""

    def __init__(self, unavailable: int = 0) -> None:
        self.calls, self.running, self.most = 0, 0, 0
        self.unavailable = unavailable

    async def __call__(self) -> None:
        self.calls += 1
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        if self.calls <= self.unavailable:
            raise UNAVAILABLE
        raise FORBIDDEN


async def ended(clients: list[Client]) -> None:
    async with asyncio.timeout(SECONDS):
        while not all(each.ending for each in clients):  # noqa: ASYNC110  # a client without a connection tells no one
            await asyncio.sleep(0.01)


async def test_a_refusal_counts_although_another_check_could_not_be_made() -> None:
    refused, away = client(uuid7(), Refusing()), client(uuid7(), Refusing(unavailable=1))
    assert await Callers({refused, away}).check([away, refused]) == [away]
    assert (refused.ending, away.ending) == ("signed_out", None)


async def test_the_clients_of_an_account_are_checked_together() -> None:
    """As many at a time as are one query, and those of others not at all."""
    check, others, id = Refusing(), Refusing(), uuid7()
    mine = [client(id, check) for _ in range(3 * AT_ONCE)]
    other = client(uuid7(), others)
    callers = Callers({*mine, other})
    running = asyncio.create_task(callers.run())
    for _ in range(10):
        callers.doubt([id])
    callers.doubt([uuid7()])
    await ended(mine)
    running.cancel()
    assert (check.calls, check.most) == (3 * AT_ONCE, AT_ONCE)
    assert (others.calls, other.ending) == (0, None)


async def test_what_could_not_be_checked_is_checked_again() -> None:
    check = Refusing(unavailable=2)
    one = client(uuid7(), check)
    callers = Callers({one})
    running = asyncio.create_task(callers.run())
    callers.doubt([one.ids[1]])
    await ended([one])
    running.cancel()
    assert (check.calls, one.ending) == (3, "signed_out")


async def test_a_client_that_left_is_not_checked() -> None:
    check = Refusing()
    gone, stays = client(uuid7(), check), client(uuid7(), Refusing())
    clients = {gone, stays}
    callers = Callers(clients)
    callers.doubt([*gone.ids, *stays.ids])
    clients.remove(gone)
    running = asyncio.create_task(callers.run())
    await ended([stays])
    running.cancel()
    assert check.calls == 0
