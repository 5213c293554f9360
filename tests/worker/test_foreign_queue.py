"""Foreign values at arq's keys: the worker repairs them, and tasks run."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from arq.connections import ArqRedis

import worker.main
import worker.relay
from api.kernel.context import Context
from api.kernel.outbox.tasks import HEARTBEAT_KEY, QUEUE
from tests.worker.jobs import Gate, add_tasks, until, working

NO_TASK = "select count(*) = 0 from outbox_tasks"
OTHER = f"{uuid4()}:1"

Plant = Callable[[float], list[Sequence[Any]]]
FOREIGN: dict[str, Plant] = {
    "text": lambda now: [("SET", QUEUE, "x")],
    "list": lambda now: [("RPUSH", QUEUE, "x")],
    "hash": lambda now: [("HSET", QUEUE, "x", "y")],
    "stream": lambda now: [("XADD", QUEUE, "*", "x", "y")],
    "bytes": lambda now: [("ZADD", QUEUE, now, b"\xff")],
    "old": lambda now: [("ZADD", QUEUE, 1, f"{number}") for number in range(200)],
    "never taken": lambda now: [("ZADD", QUEUE, 0, f"{number}") for number in range(200)],
    "not due": lambda now: [("ZADD", QUEUE, now + 1e9, f"{number}") for number in range(200)],
    "infinite": lambda now: [("ZADD", QUEUE, "+inf", "a"), ("ZADD", QUEUE, "-inf", "b")],
    "expired": lambda now: [("ZADD", QUEUE, now, OTHER)],
    "another function": lambda now: [
        ("ZADD", QUEUE, now, OTHER),
        ("SET", f"arq:job:{OTHER}", '{"t":1,"f":"other","a":[],"k":{},"et":1}'),
    ],
    "pickle": lambda now: [("ZADD", QUEUE, now, OTHER), ("SET", f"arq:job:{OTHER}", b"\x80\x04N.")],
    "a job of another type": lambda now: [("ZADD", QUEUE, now, OTHER), ("RPUSH", f"arq:job:{OTHER}", "x")],
    "tries of another type": lambda now: [("ZADD", QUEUE, now, OTHER), ("RPUSH", f"arq:retry:{OTHER}", "x")],
    "tries that are no number": lambda now: [("ZADD", QUEUE, now, OTHER), ("SET", f"arq:retry:{OTHER}", "x")],
    "heartbeat": lambda now: [("RPUSH", HEARTBEAT_KEY, "x")],
}


@pytest.mark.parametrize("plant", FOREIGN.values(), ids=FOREIGN)
async def test_tasks_run_despite_foreign_values_in_the_queue(
    live: Context, queue: ArqRedis, monkeypatch: pytest.MonkeyPatch, plant: Plant
) -> None:
    """C-198."""
    monkeypatch.setattr(worker.main, "RESTART_SECONDS", 0.1)
    monkeypatch.setattr(worker.relay, "LEASE_SECONDS", 2.0)  # of which a job in a deleted queue waits
    for command in plant(time.time() * 1000):
        await queue.execute_command(*command)  # type: ignore[no-untyped-call]
    gate = Gate()
    gate.open.set()
    await add_tasks(live.db, count=3)
    async with working(live, queue, [gate.task]):
        await until(live.db, NO_TASK)
        await queue.execute_command("ZCARD", QUEUE)  # type: ignore[no-untyped-call]
    assert gate.ended >= 3


async def test_a_foreign_value_that_appears_while_tasks_run_stops_nothing(
    live: Context, queue: ArqRedis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """C-198: and the log names the key."""
    monkeypatch.setattr(worker.main, "RESTART_SECONDS", 0.1)
    monkeypatch.setattr(worker.relay, "LEASE_SECONDS", 2.0)
    gate = Gate()
    await add_tasks(live.db)
    async with working(live, queue, [gate.task]):
        await asyncio.wait_for(gate.begun.wait(), 60)
        await queue.execute_command("SET", QUEUE, "x")  # type: ignore[no-untyped-call]
        gate.open.set()
        await add_tasks(live.db, count=3)
        await until(live.db, NO_TASK)
    assert gate.ended >= 4
    assert QUEUE in [getattr(record, "fields", {}).get("key") for record in caplog.records]
