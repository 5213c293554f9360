"""C-417: PostgreSQL is lost while the results of deliveries are stored. Each event is delivered, with one id. What is
repeated is a delivery whose result PostgreSQL does not have."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest

from api.kernel.context import open_context
from api.kernel.settings import Settings
from api.webhooks import delivery
from tests.conftest import SUBSCRIBERS
from tests.factories import make_user
from tests.kernel.http_server import HttpServer
from tests.proxy import Proxy
from tests.webhooks.conftest import Hooks, on_loopback
from tests.worker.jobs import until

ENDPOINTS, EVENTS, KILLS = 8, 25, 4
UNDELIVERED = "select exists (select from webhook_deliveries where state <> 'delivered')"
STORING = """select pid from pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock'
                and query like '-- webhooks.mark_delivered%'"""


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries whose result was not stored are repeated after seconds."""
    monkeypatch.setattr(delivery, "LEASE_SECONDS", 3.0)


@contextlib.asynccontextmanager
async def delivering(hooks: Hooks, receiver: HttpServer) -> AsyncIterator[dict[UUID, str]]:
    """Deliver each event to each endpoint while the block runs, and until all are delivered. Yields the path of each
    endpoint."""
    paths: dict[UUID, str] = {}
    for number in range(ENDPOINTS):
        id, _ = await hooks.add(f"{receiver.url}/{number}")
        paths[id] = f"POST /{number} HTTP/1.1"
    await hooks.happen(times=EVENTS)
    running = asyncio.create_task(hooks.dispatcher.run())
    try:
        yield paths
        await until(hooks.context.db, f"select not ({UNDELIVERED})")
    finally:
        hooks.context.draining.set()
        await running


async def received(hooks: Hooks, receiver: HttpServer, paths: dict[UUID, str]) -> dict[UUID, tuple[int, int, int]]:
    """Return of each delivery how often it was leased, logged and received. Each was delivered with the event's id."""
    arrived = Counter((line, fields["webhook-id"]) for line, fields, _ in receiver.requests)
    logged = Counter(row[0] for row in await hooks.context.db.fetch("select delivery_id from webhook_attempts"))
    rows = await hooks.rows()
    places = {(paths[row["endpoint_id"]], str(row["event_id"])): row for row in rows}
    assert set(arrived) == set(places), "a delivery was lost, or had another id"
    assert len(rows) == ENDPOINTS * EVENTS
    return {row["id"]: (row["attempts"], logged[row["id"]], arrived[place]) for place, row in places.items()}


async def test_connections_killed_while_results_are_stored(
    hooks: Hooks, receiver: HttpServer, short_leases: None
) -> None:
    """The statements fail: their deliveries are repeated when the leases end, and each is logged once."""
    url, killed = hooks.context.settings.database_url, 0
    locking, looking = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with delivering(hooks, receiver) as paths:
            for _ in range(KILLS):
                async with locking.transaction():
                    await locking.execute("lock table webhook_attempts in share mode")
                    while not (found := await looking.fetch(STORING)):  # noqa: ASYNC110  # in PostgreSQL
                        await asyncio.sleep(0.01)
                    for row in found:
                        killed += await looking.fetchval("select pg_terminate_backend($1)", row["pid"])
    finally:
        await locking.close()
        await looking.close()
    assert killed >= KILLS
    counts = await received(hooks, receiver, paths)
    assert {logged for _, logged, _ in counts.values()} == {1}
    assert all(1 <= times <= leased for leased, _, times in counts.values())
    assert max(times for _, _, times in counts.values()) > 1, "no result was lost"


async def test_answers_to_stored_results_that_are_lost(
    cloned: Settings, receiver: HttpServer, short_leases: None
) -> None:
    """PostgreSQL has the results, although the worker does not know: nothing is repeated."""
    address = urlsplit(cloned.database_url)
    assert address.port
    async with Proxy((address.hostname or "", address.port)) as proxy:
        url = cloned.database_url.replace(f":{address.port}/", f":{proxy.port}/")
        assert url != cloned.database_url
        settings = on_loopback(cloned, database_url=url)
        async with open_context(settings, SUBSCRIBERS) as context:
            hooks = Hooks(context, (await make_user(context)).id)
            proxy.cut_at, proxy.cut_after = b'"total_ms"', 0
            async with delivering(hooks, receiver) as paths:
                pass
            proxy.cut_after = None
            counts = await received(hooks, receiver, paths)
    assert set(counts.values()) == {(1, 1, 1)}
