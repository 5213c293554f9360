import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from arq.connections import ArqRedis

import worker.consumer
import worker.kafka
import worker.security
from api.kernel.context import Context
from api.kernel.settings import Settings
from api.kernel.telemetry import outages
from tests.worker.messages import SHORTEST_SESSION, make_notes
from tests.worker.parts import Broker, RedisServer
from worker.kafka import Publisher
from worker.main import open_queue
from worker.relay import Relay


@pytest.fixture
async def publisher(cloned: Settings) -> AsyncIterator[Publisher]:
    made = Publisher(cloned)
    yield made
    await made.stop()


@pytest.fixture
async def queue(cloned: Settings) -> AsyncIterator[ArqRedis]:
    async with open_queue(cloned) as opened:
        yield opened


@pytest.fixture
def relay(live: Context, publisher: Publisher, queue: ArqRedis) -> Relay:
    return Relay(live, publisher, queue, ["users.send_verification"])


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker for this test, which it may stop."""
    with Broker(tmp_path) as started:
        yield started


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for this test, which it may stop."""
    with RedisServer(tmp_path) as started:
        yield started


@pytest.fixture
async def consuming(live: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of notes, and consumers with short pauses and time-outs."""
    await make_notes(live.db)
    monkeypatch.setattr(worker.consumer, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(worker.consumer, "SESSION_SECONDS", SHORTEST_SESSION)


@pytest.fixture
async def _handlers() -> AsyncIterator[None]:
    """This process' signal handlers, restored afterwards: `run` replaces them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, handler)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may be slow to answer."""
    for module, name in (
        (worker.security, "EXPLAIN_SECONDS"),
        (worker.security, "PROBE_SECONDS"),
        (outages, "PROBE_SECONDS"),
    ):
        monkeypatch.setattr(module, name, 10.0)
    monkeypatch.setattr(worker.kafka, "PUBLISH_SECONDS", 20.0)
