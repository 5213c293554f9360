"""The connection pool: order of arrival, cancellation, timeouts, and connections that must not be passed on."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from api.kernel.data import database
from api.kernel.data.database import Database, open_database
from api.kernel.data.pool import Pool, PooledConnection
from api.kernel.errors import UNAVAILABLE
from api.kernel.settings import Settings
from tests.patient import SECONDS
from tests.transactions import Another

SIZE = 2


@pytest.fixture
async def db(settings: Settings) -> AsyncIterator[Database]:
    """A pool of two open connections."""
    async with open_database(settings, {}, SIZE) as opened:
        await intact(opened._pool)
        yield opened


@pytest.fixture
def pool(db: Database) -> Pool:
    return db._pool


async def intact(pool: Pool) -> None:
    """Check that the pool lends all of its connections, that they work, and no more."""
    async with asyncio.timeout(SECONDS):
        held = [await pool.acquire(SECONDS) for _ in range(SIZE)]
        [late] = await waiting(pool, 1)
        for connection in held:
            assert await connection.fetchval("select 1") == 1
        await leave(late)
        assert pool.waiting == 0
        for connection in held:
            await pool.release(connection, SECONDS)
    assert pool._free == SIZE


async def waiting(pool: Pool, count: int) -> list["asyncio.Task[PooledConnection]"]:
    """Tasks that wait for a connection, in this order."""
    before = pool.waiting
    tasks = [asyncio.create_task(pool.acquire(SECONDS)) for _ in range(count)]
    await asyncio.sleep(0)
    assert pool.waiting == before + count
    return tasks


async def leave(task: "asyncio.Task[PooledConnection]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def pid(connection: PooledConnection) -> int:
    found: int = await connection.fetchval("select pg_backend_pid()")
    return found


class Caller:
    """A request that takes a connection, asks for its own number, and returns the connection on request."""

    def __init__(self, pool: Pool, number: int, served: list[int]) -> None:
        self.done = asyncio.Event()
        self.task = asyncio.create_task(self._run(pool, number, served))

    async def _run(self, pool: Pool, number: int, served: list[int]) -> None:
        connection = await pool.acquire(SECONDS)
        served.append(number)
        clean = False
        try:
            assert await connection.fetchval("select $1::int", number) == number
            await self.done.wait()
            clean = number % 3 > 0
        finally:
            await pool.release(connection, SECONDS, clean=clean)


STEPS = st.lists(
    st.tuples(st.sampled_from(["arrive", "arrive", "return", "cancel", "pause"]), st.integers(0, 50)), max_size=60
)


@given(STEPS)
@examples(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_connections_are_lent_in_order_of_arrival(pool: Pool, steps: list[tuple[str, int]]) -> None:
    """C-340, C-341: whatever arrives, returns its connection or is cancelled between two turns of the event loop."""
    callers, served = list[Caller](), list[int]()
    for step, number in steps:
        if step == "arrive":
            callers.append(Caller(pool, len(callers), served))
        elif step == "pause":
            await asyncio.sleep(0)
        elif step == "return" and served:
            callers[served[number % len(served)]].done.set()
        elif step == "cancel" and callers:
            callers[number % len(callers)].task.cancel()
    for caller in callers:
        caller.done.set()
    async with asyncio.timeout(SECONDS):
        outcomes = await asyncio.gather(*(caller.task for caller in callers), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {type(None), asyncio.CancelledError}
    assert {number for number, outcome in enumerate(outcomes) if outcome is None} <= set(served)
    assert served == sorted(served)
    await intact(pool)


@pytest.mark.parametrize("clean", [True, False], ids=["passed on", "reset"])
async def test_a_newcomer_does_not_overtake(pool: Pool, clean: bool) -> None:
    """C-340: one arrives at each turn of the event loop between a return and the turn of the waiting caller."""
    held = [await pool.acquire(SECONDS) for _ in range(SIZE)]
    [first] = await waiting(pool, 1)
    newcomers = []
    returning = asyncio.create_task(pool.release(held[0], SECONDS, clean=clean))
    while not first.done():
        newcomers.append(asyncio.create_task(pool.acquire(SECONDS)))
        await asyncio.sleep(0)
    assert not any(newcomer.done() for newcomer in newcomers)
    await returning
    await pool.release(held[1], SECONDS, clean=clean)
    for task in (first, *newcomers):
        await pool.release(await task, SECONDS, clean=clean)
    await intact(pool)


@pytest.mark.parametrize("clean", [True, False], ids=["passed on", "reset"])
async def test_a_cancelled_caller_passes_on_what_it_was_just_given(pool: Pool, clean: bool) -> None:
    """C-341: at each turn of the event loop, from before the return to after it."""
    for turns in range(8):
        for then in (1, 0):
            held = [await pool.acquire(SECONDS) for _ in range(SIZE)]
            first, *others = await waiting(pool, 1 + then)
            returning = asyncio.create_task(pool.release(held[0], SECONDS, clean=clean))
            for _ in range(turns):
                await asyncio.sleep(0)
            first.cancel()
            async with asyncio.timeout(SECONDS):
                [given] = await asyncio.gather(first, return_exceptions=True)
                if not isinstance(given, BaseException):
                    await pool.release(given, SECONDS, clean=clean)
                await returning
                for other in others:
                    await pool.release(await other, SECONDS, clean=clean)
            await pool.release(held[1], SECONDS)
            await intact(pool)


async def test_two_hundred_cancelled_requests_leak_nothing(db: Database, pool: Pool) -> None:
    """C-341: each is cancelled at another turn of the event loop: waiting, beginning, asking, committing, returning."""

    async def work(number: int) -> None:
        async with db.transaction() as transaction:
            await transaction.fetch("select $1::int", number)
        await db.fetch("select pg_sleep(0.001)")

    tasks = [asyncio.create_task(work(number)) for number in range(200)]
    for number, task in enumerate(tasks):
        if number % 3 == 0:
            await asyncio.sleep(0)
        task.cancel()
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(*tasks, return_exceptions=True)
        for turns in range(60):
            late = asyncio.create_task(work(turns))
            crowd = [asyncio.create_task(work(turns)) for _ in range(turns % 4)]
            for _ in range(turns):
                await asyncio.sleep(0)
            late.cancel()
            outcomes = await asyncio.gather(late, *crowd, return_exceptions=True)
            assert outcomes[1:] == [None] * len(crowd)
    await intact(pool)
    assert db.connections() == (0, SIZE)


async def test_a_caller_that_waits_too_long_leaves_the_queue(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Another(db).transaction() as one, Another(db).transaction():
        patient = asyncio.create_task(db.fetch("select 1"))
        await asyncio.sleep(0)
        with monkeypatch.context() as patched:
            patched.setattr(database, "ACQUIRE_SECONDS", 0.05)
            with pytest.raises(UNAVAILABLE):
                await db.fetch("select 1")
        assert db.waiting == 1
        assert len(await one.fetch("select 1")) == 1
    assert len(await patient) == 1
    await intact(db._pool)


async def test_a_connection_that_was_closed_is_not_passed_on(pool: Pool) -> None:
    closed = asyncio.Event()
    held = [await pool.acquire(SECONDS) for _ in range(SIZE)]
    gone = await pid(held[0])
    [late] = await waiting(pool, 1)
    held[0].add_termination_listener(lambda _: closed.set())
    await held[1].execute("select pg_terminate_backend($1)", gone)
    async with asyncio.timeout(SECONDS):
        await closed.wait()
        await pool.release(held[0], SECONDS, clean=True)
        connection = await late
    assert await pid(connection) != gone
    for each in (connection, held[1]):
        await pool.release(each, SECONDS)
    await intact(pool)


async def test_after_a_failover_no_connection_is_passed_on(pool: Pool) -> None:
    held = [await pool.acquire(SECONDS) for _ in range(SIZE)]
    before = {await pid(connection) for connection in held}
    late = await waiting(pool, SIZE)
    await pool.expire()
    for connection in held:
        await pool.release(connection, SECONDS, clean=True)
    async with asyncio.timeout(SECONDS):
        replaced = [await task for task in late]
    assert before.isdisjoint([await pid(connection) for connection in replaced])
    for connection in replaced:
        await pool.release(connection, SECONDS)
    await intact(pool)


async def test_an_open_transaction_is_not_passed_on(pool: Pool) -> None:
    """As after a rollback that the server did not confirm in time."""
    held = [await pool.acquire(SECONDS) for _ in range(SIZE)]
    [late] = await waiting(pool, 1)
    await held[0].execute("begin")
    await pool.release(held[0], SECONDS, clean=True)
    connection = await late
    assert not connection.is_in_transaction()
    for each in (connection, held[1]):
        await pool.release(each, SECONDS)
    await intact(pool)


async def test_callers_that_wait_for_a_new_connection_are_counted() -> None:
    """The server accepts and is silent."""
    accepted = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        driver = asyncpg.create_pool(f"postgresql://u:p@127.0.0.1:{port}/d?sslmode=disable", min_size=0, max_size=1)
        async with driver:
            pool = Pool(driver)
            connecting = asyncio.create_task(pool.acquire(SECONDS))
            async with asyncio.timeout(SECONDS):
                await accepted.wait()
            [late] = await waiting(pool, 1)
            assert pool.waiting == 2
            await leave(late)
            await leave(connecting)
            assert (pool.waiting, pool._free) == (0, 1)
