"""Metrics of streams; streams without Redis, Kafka and NOTIFY."""

import asyncio
import re
import time
from pathlib import Path

import httpx

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from tests.live.conftest import MODULE, client_of, comment, left
from tests.live.following import Follower
from tests.wire import serving

TOKEN = "tests-only: 2f1c9a7be0d84c63a5f7e1"


async def test_a_streams_duration_is_the_time_until_it_starts(
    newsroom_environment: dict[str, str], archive: Context, tmp_path: Path
) -> None:
    """C-293: otherwise each stream would be a request of hours. Redis and Kafka are down, and the pool is too small for
    a listening connection: events still arrive."""
    away = {"REDIS_URL": "redis://127.0.0.1:1", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "DATABASE_POOL_SIZE": "2"}
    environment = newsroom_environment | away | {"METRICS_TOKEN": TOKEN}
    with serving(environment, tmp_path, MODULE) as web:
        id, began = uuid7(), time.monotonic()
        async with Follower(web.port, f"/news/{id}/live") as follower:
            await follower.opened()
            opened = time.monotonic() - began
            for number in range(3):
                await comment(archive, id, number)
                assert await follower.numbers(1) == [number]
            await follower.beat()
            async with client_of(web) as client, asyncio.timeout(10):
                assert "live_clients 1" in await metrics(client)
        await left(web, 0)
        async with client_of(web) as client:
            said = await metrics(client)
    series = r'http_server_request_duration_seconds_(\w+)\{[^}]*http_route="/api/news/\{id\}/live"[^}]*\} (\S+)'
    told = {name: float(value) for name, value in re.findall(series, said) if name in ("sum", "count")}
    assert told["count"] == 1
    assert told["sum"] <= opened


async def metrics(client: httpx.AsyncClient) -> str:
    url = str(client.base_url).replace("/api/", "/metrics")
    return (await client.get(url, headers={"authorization": f"Bearer {TOKEN}"})).text
