"""Feature.sweeps: periodic work, run by the worker."""

import asyncio
import logging

import pytest
from arq.connections import ArqRedis

from api.kernel.context import Context
from api.kernel.errors import UNAVAILABLE
from api.kernel.feature import Feature, Sweep
from api.kernel.settings import Settings
from tests.worker.jobs import Gate
from worker.kafka import Publisher
from worker.main import run
from worker.relay import Relay


@pytest.mark.usefixtures("_handlers")
async def test_the_worker_runs_every_features_sweeps(cloned: Settings) -> None:
    done: list[str] = []

    async def clean(context: Context) -> int:
        done.append("cleaned")
        return int(len(done) < 3)

    async def shut(context: Context) -> int:
        await context.db.fetch("select 1")
        context.draining.set()
        return 0

    features = [
        Feature(name="one", tasks=[Gate().task], sweeps=[Sweep(clean)]),
        Feature(name="two", sweeps=[Sweep(shut)]),
    ]
    async with asyncio.timeout(60):
        await run(cloned, features)
    assert done


async def test_a_sweep_repeats_while_there_is_more_and_then_waits(
    live: Context, publisher: Publisher, queue: ArqRedis
) -> None:
    batches, idle, again = [500, 500, 3, 0], asyncio.Event(), 0

    async def clean(context: Context) -> int:
        nonlocal again
        if batches:
            return batches.pop(0)
        again += 1
        idle.set()
        return 0

    relay = Relay(live, publisher, queue, [], [Sweep(clean, seconds=0.05)])
    running = asyncio.create_task(relay.run())
    async with asyncio.timeout(60):
        await idle.wait()
        live.draining.set()
        await running
    assert (batches, again) == ([], 1)


async def test_a_failed_sweep_is_logged_and_retried(
    live: Context, publisher: Publisher, queue: ArqRedis, caplog: pytest.LogCaptureFixture
) -> None:
    tried, enough = 0, asyncio.Event()

    async def clean_the_attic(context: Context) -> int:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise UNAVAILABLE
        enough.set()
        return 0

    relay = Relay(live, publisher, queue, [], [Sweep(clean_the_attic, seconds=60)])
    with caplog.at_level(logging.WARNING):
        running = asyncio.create_task(relay.run())
        async with asyncio.timeout(60):
            await enough.wait()
            live.draining.set()
            await running
    [told] = [each.fields for each in caplog.records if each.message == "a step of the relay failed"]  # type: ignore[attr-defined]
    assert (told["step"], told["cause"]) == ("clean_the_attic", "UNAVAILABLE")


async def test_two_sweeps_with_one_name_are_refused(context: Context, queue: ArqRedis, publisher: Publisher) -> None:
    async def clean(context: Context) -> int:
        return 0

    with pytest.raises(TypeError, match="clean: two sweeps have this name"):
        Relay(context, publisher, queue, [], [Sweep(clean), Sweep(clean)])
