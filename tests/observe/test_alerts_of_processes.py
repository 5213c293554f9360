"""C-242: the alerts on whole processes and on Kafka's consumers."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from aiokafka import AIOKafkaConsumer

from api.kernel.context import Context
from api.kernel.settings import Settings
from dev.ports import free_port
from tests.observe.promtool import fires, needs_promtool
from tests.processes import Processes
from tests.worker.jobs import read_records
from tests.worker.messages import noted, noting, reading, send
from worker.watch import Watch

pytestmark = needs_promtool
FIRES = (False, True)


async def test_target_down(cloned: Settings, environment: Mapping[str, str], tmp_path: Path) -> None:
    """Prometheus sets `up` by the success of a scrape."""

    def alarm(alert: str, before: bool, after: bool) -> tuple[bool, bool]:
        return fires(alert, f"up {int(before)}", f"up {int(after)}", tmp_path)

    port = free_port()
    ours = {"DATABASE_URL": cloned.database_url, "METRICS_PORT": str(port)}
    async with httpx.AsyncClient(trust_env=False, timeout=15) as client:

        async def up() -> bool:
            try:
                answer = await client.get(f"http://127.0.0.1:{port}/metrics")
            except httpx.TransportError:
                return False
            return answer.is_success and "process_memory_usage_bytes" in answer.text

        with Processes({**environment, **ours}, tmp_path) as processes:
            worker = await processes.worker()
            before = await up()
            worker.kill()
            assert alarm("TargetDown", before, await up()) == FIRES


def dead(scraped: str) -> list[str]:
    return [line for line in scraped.splitlines() if 'outcome="dead"' in line]


async def test_messages_dead(
    scrape: Callable[[], str], alarm: Callable[..., tuple[bool, bool]], live: Context, cloned: Settings
) -> None:
    before = scrape()
    await send(cloned, "tests.notes", [noted("a", 1, data=b"no JSON")])
    async with reading(live, noting()):
        await read_records(cloned, "tests.notes.dead", 1)
        async with asyncio.timeout(60):
            while dead(scrape()) == dead(before):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    assert alarm("MessagesDead", before, again=False) == FIRES


async def test_consumer_behind(
    scrape: Callable[[], str], alarm: Callable[..., tuple[bool, bool]], live: Context, cloned: Settings
) -> None:
    before = scrape()
    await send(cloned, "tests.notes", [noted("a", number) for number in range(1001)])
    topic = f"{cloned.kafka.prefix}tests.notes"
    client = AIOKafkaConsumer(
        topic,
        bootstrap_servers=list(cloned.kafka.bootstrap_servers),
        group_id=topic,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await client.start()
    try:
        assert sum((await Watch(topic).measure(client)).values()) == 1001
    finally:
        await client.stop()
    assert alarm("ConsumerBehind", before) == FIRES
