"""C-396: an endpoint that does not answer leaves the others unaffected. C-397: a killed worker and an emptied Redis
lose nothing."""

import asyncio
from pathlib import Path

from api.kernel.context import Context
from api.kernel.data.cache import open_cache
from api.kernel.settings import Settings
from api.webhooks.delivery import LANES, Dispatcher
from tests.factories import make_user
from tests.kernel.http_server import HttpServer, says
from tests.patient import SECONDS
from tests.processes import Processes
from tests.webhooks.conftest import LOOPBACK, Hooks
from tests.worker.jobs import until

ENDPOINTS, EVENTS = 20, 5
TOKEN = "canary-in-a-query"


class Gate:
    """An endpoint that answers requests of the path /slow once it is opened."""

    def __init__(self, server: HttpServer) -> None:
        self.opened = asyncio.Event()
        self._server = server
        server.answer = self.answer

    async def answer(self, writer: asyncio.StreamWriter) -> None:
        if "/slow" in self._server.last[0]:
            await self.opened.wait()
        await says()(writer)


async def test_a_silent_endpoint_of_twenty_delays_no_other(hooks: Hooks, receiver: HttpServer) -> None:
    gate = Gate(receiver)
    slow, _ = await hooks.add(f"{receiver.url}/slow")
    for number in range(1, ENDPOINTS):
        await hooks.add(f"{receiver.url}/{number}")
    running = asyncio.create_task(hooks.dispatcher.run())
    await hooks.happen(times=EVENTS)
    others = f"select count(*) = {(ENDPOINTS - 1) * EVENTS} from webhook_deliveries where state = 'delivered'"
    await until(hooks.context.db, others)
    held = [row for row in await hooks.rows() if row["endpoint_id"] == slow]
    assert {row["state"] for row in held} == {"pending"}
    assert sum(row["locked_until"] is not None for row in held) == LANES
    gate.opened.set()
    await until(hooks.context.db, "select bool_and(state = 'delivered') from webhook_deliveries")
    hooks.context.draining.set()
    async with asyncio.timeout(SECONDS):
        await running


async def test_two_dispatchers_deliver_each_event_once(hooks: Hooks, receiver: HttpServer) -> None:
    for number in range(5):
        await hooks.add(f"{receiver.url}/{number}")
    await hooks.happen(times=10)
    both = [asyncio.create_task(Dispatcher(hooks.context).run()) for _ in range(2)]
    await until(hooks.context.db, "select bool_and(state = 'delivered') from webhook_deliveries")
    hooks.context.draining.set()
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(*both)
    received = [(line, headers["webhook-id"]) for line, headers, _ in receiver.requests]
    assert len(received) == len(set(received)) == 50


async def test_a_dispatcher_that_is_cancelled_releases_its_leases(hooks: Hooks, receiver: HttpServer) -> None:
    Gate(receiver)
    await hooks.add(f"{receiver.url}/slow")
    await hooks.happen()
    running = asyncio.create_task(hooks.dispatcher.run())
    await until(hooks.context.db, "select bool_and(locked_until is not null) from webhook_deliveries")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    [row] = await hooks.rows()
    assert (row["locked_until"], row["attempts"], row["state"]) == (None, 0, "pending")


async def test_a_killed_worker_and_an_empty_redis_lose_nothing(
    environment: dict[str, str], cloned: Settings, live: Context, receiver: HttpServer, tmp_path: Path
) -> None:
    """The worker is killed with requests in flight, which the next one repeats with the same ids. C-398: its log has
    neither secrets nor signatures, nor a path or query, which may carry a credential."""
    own = {
        "DATABASE_URL": cloned.database_url,
        "KAFKA_PREFIX": cloned.kafka.prefix,
        "WEBHOOKS_ALLOWED_NETWORKS": ",".join(LOOPBACK),
        "LOG_LEVEL": "DEBUG",
    }
    gate = Gate(receiver)
    hooks = Hooks(live, (await make_user(live)).id)
    await hooks.add(f"{receiver.url}/slow?{TOKEN}")
    _, secret = await hooks.add(receiver.url)
    with Processes(environment | own, tmp_path) as processes:
        worker = await processes.worker()
        await hooks.happen(times=30)
        await until(live.db, "select count(*) > 5 from webhook_deliveries where state = 'delivered'")
        await until(live.db, f"select count(*) >= {LANES} from webhook_deliveries where locked_until > now()")
        worker.kill()
        async with open_cache(cloned) as cache:
            await cache.execute("FLUSHALL")
        gate.opened.set()
        await hooks.happen(times=10)
        # As if the time of the leases had passed.
        await live.db.fetch("update webhook_deliveries set locked_until = now() where locked_until is not null")
        await processes.worker()
        await until(live.db, "select count(*) = 80 from webhook_deliveries where state = 'delivered'")
    received = [(line, headers["webhook-id"]) for line, headers, _ in receiver.requests]
    assert len(set(received)) == 80
    assert len(received) <= 80 + 2 * 2 * LANES, "only deliveries in flight are repeated"
    log = worker.log.read_text()
    assert [each for each in (TOKEN, secret, secret.removeprefix("whsec_"), "v1,") if each in log] == []
